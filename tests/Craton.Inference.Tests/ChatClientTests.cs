using System.Diagnostics;
using System.Text.Json;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Models.Tests;
using Craton.Tensors;
using Craton.Tokenizers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Craton.Inference.Tests;

public sealed class ChatClientTests : IDisposable
{
    private readonly InferenceEngine _engine = new(TestEngine.Random(), TestEngine.Small);
    private readonly IChatClient _client;

    public ChatClientTests() => _client = new CratonChatClient(_engine, "tiny");

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task OptionsAndMessagesReachTheModel()
    {
        var options = new ChatOptions { Instructions = "Be short.", Temperature = 1, TopP = 0.9f, TopK = 50, Seed = 4, MaxOutputTokens = 20, StopSequences = ["zzz"], FrequencyPenalty = 0.1f };
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync([new(ChatRole.User, "Hello"), new(ChatRole.Assistant, "Hi"), new(ChatRole.User, "Go on")], options))
            updates.Add(update);
        int[] prompt = _engine.Model.Template!.Prompt([new("system", "Be short."), new("user", "Hello"), new("assistant", "Hi"), new("user", "Go on")]);
        GenerationResult expected = _engine.Model.Alone(new GenerationRequest(prompt)
        {
            Sampling = new SamplingOptions { Temperature = 1, TopP = 0.9f, TopK = 50, Seed = 4, MaxTokens = 20, Stop = ["zzz"], FrequencyPenalty = 0.1f },
        });
        ChatResponse response = updates.ToChatResponse();
        Assert.Equal(expected.Text, response.Text);
        Assert.Equal(expected.FinishReason == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal((prompt.Length, expected.Tokens.Count), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount));
        Assert.Equal("tiny", response.ModelId);
        Assert.Single(updates.Select(u => u.ResponseId).Distinct());
    }

    [Fact]
    public async Task AnAnswerWithoutALimitGetsTheRoomThereIs()
    {
        string message = new('x', 200);
        Assert.NotEmpty((await _client.GetResponseAsync(message)).Messages);
        await Assert.ThrowsAsync<ContextOverflowException>(() => _client.GetResponseAsync(message, new ChatOptions { MaxOutputTokens = 100 }));
    }

    [Fact]
    public async Task SamplingOptionsComeRaw()
    {
        var options = new ChatOptions { MaxOutputTokens = 5, RawRepresentationFactory = _ => new SamplingOptions { Temperature = 0, LogProbs = 2 } };
        List<GenerationUpdate> raw = [];
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync("Hello", options)) raw.Add((GenerationUpdate)update.RawRepresentation!);
        Assert.All(raw.SelectMany(u => u.LogProbs), p => Assert.Equal(p.Token, p.Top[0].Token));
    }

    [Fact]
    public async Task WhatCannotBeHonouredIsRefused()
    {
        ChatOptions[] refused =
        [
            new() { Tools = [AIFunctionFactory.Create(() => 1, "one")] }, // the template does not mention tools
            new() { Tools = [AIFunctionFactory.Create(() => 1, "one")], ToolMode = ChatToolMode.RequireAny },
            new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("{\"type\":\"nothing\"}")) },
            new() { ConversationId = "a" },
            new() { Temperature = -1 },
            new() { MaxOutputTokens = -1 },
        ];
        foreach (ChatOptions options in refused) await Assert.ThrowsAnyAsync<CratonException>(() => _client.GetResponseAsync("Hello", options));
        await Assert.ThrowsAsync<CratonException>(() => _client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")])]));
        await Assert.ThrowsAsync<CratonException>(() => _client.GetResponseAsync([]));
        await Assert.ThrowsAsync<CratonException>(() => _client.GetResponseAsync([new ChatMessage(new ChatRole("system\nyou"), "Hello")]));
    }

    [Fact]
    public async Task AnswersFollowASchema()
    {
        var format = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"age":{"type":"integer"},"is":{"enum":["a","b"]}},"required":["age","is"]}"""));
        for (int i = 0; i < 5; i++)
        {
            ChatResponse response = await _client.GetResponseAsync("Hello", new ChatOptions { ResponseFormat = format, Temperature = 1, Seed = i, MaxOutputTokens = 150 });
            if (response.FinishReason == ChatFinishReason.Length) continue; // a random model likes long numbers
            JsonElement answer = JsonElement.Parse(response.Text);
            Assert.Equal(JsonValueKind.Number, answer.GetProperty("age").ValueKind);
            Assert.Contains(answer.GetProperty("is").GetString(), new[] { "a", "b" });
        }
    }

    [Fact]
    public async Task ToolsReachTheModelAndItsCallsTheCaller()
    {
        const string Call = "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 2}}</tool_call>";
        Tokenizer tokenizer = ByteTokenizer.Create("<|endoftext|>", "<|im_start|>", "<|im_end|>");
        string source = "{% for t in tools or [] %}[{{ t.function.name }}]{% endfor %}{% for m in messages %}{{ m.role }}:{{ m.content }}{% for c in m.tool_calls or [] %}({{ c.function.name }} {{ c.function.arguments.a }}){% endfor %};{% endfor %}";
        tokenizer.ChatTemplate = source;
        TextModel model = _engine.Model with { Tokenizer = tokenizer, Template = ChatTemplate.Parse(source, tokenizer) };
        using var engine = new InferenceEngine(model, TestEngine.Small);
        AITool tool = AIFunctionFactory.Create((int a) => a + 1, "add");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "1+2?"),
            new(ChatRole.Assistant, [new FunctionCallContent("7", "add", new Dictionary<string, object?> { ["a"] = 2 })]),
            new(ChatRole.Tool, [new FunctionResultContent("7", 3)]),
        ];
        ChatInput input = ChatConversation.Input(messages, new ChatOptions { Tools = [tool] });
        Assert.Equal("[add]user:1+2?;assistant:(add 2);tool:3;", model.Template!.Render(input).Text);
        Assert.Equal("user:1+2?;assistant:(add 2);tool:3;", model.Template.Render(ChatConversation.Input(messages, new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.None })).Text);

        ChatResponse response = await new CratonChatClient(engine, "tiny").GetResponseAsync(messages, new ChatOptions { Tools = [tool], MaxOutputTokens = 9 });
        Assert.DoesNotContain(response.Messages[0].Contents, c => c is FunctionCallContent); // a random model calls nothing

        var answer = new ToolAnswer(tokenizer);
        answer.Add(new GenerationUpdate(Call, tokenizer.Encode(Call)) { Usage = default });
        FunctionCallContent call = Assert.IsType<FunctionCallContent>(Assert.Single(answer.Contents()));
        Assert.Equal("add", call.Name);
        Assert.Equal(2, ((JsonElement)call.Arguments!["a"]!).GetInt32());
    }

    [Fact]
    public void ServicesOfTheClient()
    {
        Assert.Equal("tiny", _client.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.Same(_engine, _client.GetService<InferenceEngine>());
        Assert.Same(_client, _client.GetService<IChatClient>());
        Assert.Null(_client.GetService<string>());
        Assert.Throws<CratonException>(() => new CratonChatClient(new InferenceEngine(_engine.Model with { Template = null }, TestEngine.Small), "base"));
    }

    [Fact]
    public async Task AddCratonServesAModelDirectory()
    {
        using TemporaryFolder folder = SavedModel();
        await using ServiceProvider services = new ServiceCollection().AddCraton(folder.At("model"), TestEngine.Small).BuildServiceProvider();
        ChatResponse response = await services.GetRequiredService<IChatClient>().GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 8 });
        Assert.Equal(ChatRole.Assistant, response.Messages[0].Role);
        Assert.Same(services.GetRequiredService<InferenceEngine>().Model, services.GetRequiredService<TextModel>());
    }

    [Fact]
    public void TheSampleAnswers()
    {
        using TemporaryFolder folder = SavedModel();
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Name, root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Craton.slnx"))) root = Path.GetDirectoryName(root)!;
        string program = Path.Combine(root, "artifacts", "bin", "ChatInProcess", configuration, "ChatInProcess.dll");
        var start = new ProcessStartInfo("dotnet", [program, folder.At("model"), "Hello"]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.NotEmpty(answer.Trim());
    }

    private static TemporaryFolder SavedModel()
    {
        var folder = new TemporaryFolder();
        Tokenizer tokenizer = ByteTokenizer.Create("<|endoftext|>", "<|im_start|>", "<|im_end|>");
        tokenizer.ChatTemplate = ChatTemplate.ChatMlSource;
        ModelDirectory.Save(folder.At("model"), new Gpt(TestEngine.Config).Initialize(seed: 7), tokenizer, new ModelCard { Kind = "test" });
        return folder;
    }
}
