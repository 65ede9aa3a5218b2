using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton chat -m MODEL</c>: a conversation, a line at a time, from a terminal or a pipe.</summary>
internal sealed class ChatVerb : Verb
{
    private const int LeastAnswer = 64, LongestTools = 1 << 20;

    private readonly ModelArguments _model = new("Directory of a model that was tuned to converse");
    private readonly Option<string?> _system = new("--system") { Description = "What the model is told before the conversation" };
    private readonly Option<string?> _message = new("--message") { Description = "Answer this one message and end" };
    private readonly Option<string?> _tools = new("--tools") { Description = "A JSON file with a list of the functions that the model may call; its calls are shown" };
    private readonly SamplingArguments _sampling = new();

    public override Command Build()
    {
        var command = new Command("chat", "Converse with a model; Ctrl-C ends an answer, /reset begins anew, /exit ends") { _system, _message, _tools };
        _model.AddTo(command);
        _sampling.AddTo(command);
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        TextModel model = _model.Load(parsed);
        ChatTemplate template = model.NeedTemplate(_model.Adapter(parsed) ?? _model.Path(parsed));
        Queue<string>? given = parsed.GetValue(_message) is { } message ? new([message]) : null;
        bool live = given is null && !Console.IsInputRedirected && !output.IsJson;
        if (live) output.Info("/reset begins anew, /exit ends, Ctrl-C ends an answer");
        var conversation = new Conversing(model, template, parsed.GetValue(_system), parsed.GetValue(_tools) is { } file ? ReadTools(file) : null, _sampling, parsed, output);
        using var interrupt = new AnswerInterrupt(() => output.Info("(/exit or another Ctrl-C ends)"));
        var turns = new JsonArray();
        while (Next() is { } line && line != "/exit")
        {
            if (line == "/reset") conversation.Reset();
            else if (!string.IsNullOrWhiteSpace(line))
            {
                JsonObject answer;
                try
                {
                    answer = interrupt.Run(cancel => conversation.Say(line, cancel));
                }
                catch (CratonException e) when (live)
                {
                    output.Error(e.Message); // a script gets exit code 2, a person another try
                    continue;
                }
                turns.Add((JsonNode)new JsonObject { ["role"] = "user", ["content"] = line });
                turns.Add((JsonNode)answer);
            }
        }
        output.Result(new JsonObject { ["turns"] = turns });
        return 0;

        string? Next() => given is null ? ReadLine(live) : given.TryDequeue(out string? next) ? next : null;
    }

    private static string? ReadLine(bool live)
    {
        if (live) Console.Error.Write("> ");
        return Console.In.ReadLine();
    }

    private static JsonElement ReadTools(string file)
    {
        try
        {
            if (new FileInfo(file).Length > LongestTools) throw new CratonException($"--tools: '{file}' is longer than {LongestTools} bytes; expected a list of functions");
            JsonElement tools = JsonElement.Parse(File.ReadAllBytes(file));
            return tools.ValueKind == JsonValueKind.Array && tools.EnumerateArray().All(tool => tool.ValueKind == JsonValueKind.Object) ? tools
                : throw new CratonException($"--tools: '{file}' is no list of functions; expected a list of objects with a type and a function, as chat templates read them");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CratonException($"--tools: '{file}' cannot be read as JSON ({e.Message.TrimEnd('.')}); give a file with a list of functions", e);
        }
    }

    /// <summary>The messages so far, kept within the model's context.</summary>
    private sealed class Conversing(TextModel model, ChatTemplate template, string? system, JsonElement? tools, SamplingArguments sampling, ParseResult parsed, Output output)
    {
        private readonly TextGenerator _generator = new(model.Model, model.Tokenizer);
        private readonly List<JsonObject> _turns = [];

        public void Reset() => _turns.Clear();

        /// <summary>Answers, and shows the answer as it grows. When it fails the conversation is as before.</summary>
        /// <returns>The answer as a message, with why it ended.</returns>
        public JsonObject Say(string text, CancellationToken cancel)
        {
            JsonObject question = Message("user", text);
            int[] prompt = Fit(question);
            SamplingOptions options = sampling.Read(parsed, model, prompt.Length);
            GenerationResult answer = _generator.Generate(prompt, options, output.IsJson ? null : Show, model.Ends, cancel);
            if (!output.IsJson) Console.Out.WriteLine();
            if (answer.FinishReason == FinishReason.Length) output.Info($"(the answer was cut after {answer.Tokens.Count} tokens)");
            JsonObject message = tools is null ? Message("assistant", answer.Text) : WithCalls(answer);
            _turns.Add(question);
            _turns.Add(message);
            var result = (JsonObject)message.DeepClone();
            result["finish_reason"] = message.ContainsKey("tool_calls") ? "tool_calls" : answer.FinishReason.ToString().ToLowerInvariant();
            return result;
        }

        // Calls may be marked with control tokens, which the text is without.
        private JsonObject WithCalls(GenerationResult answer)
        {
            (string text, IReadOnlyList<ToolCall> calls) = ToolCalls.Parse(model.Tokenizer.Decode([.. answer.Tokens.Where(id => id < model.Tokenizer.VocabularySize)], skipSpecial: false));
            if (calls.Count == 0) return Message("assistant", answer.Text);
            foreach (ToolCall call in calls) output.Info($"(calls {call.Name} with {call.Arguments.GetRawText()})");
            JsonObject message = Message("assistant", text);
            message["tool_calls"] = new JsonArray([.. calls.Select(Call)]);
            return message;
        }

        private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

        private static JsonObject Call(ToolCall call)
        {
            var json = new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = JsonObject.Create(call.Arguments) } };
            if (call.Id is { } id) json["id"] = id;
            return json;
        }

        // Drops the oldest questions with their answers until there is room for the next answer.
        private int[] Fit(JsonObject question)
        {
            int context = model.Model.Context, room = sampling.MaxTokens(parsed) ?? Math.Min(LeastAnswer, context / 4);
            int dropped = 0;
            int[] prompt = Prompt(question, dropped);
            while (prompt.Length + room > context && dropped < _turns.Count) prompt = Prompt(question, dropped += 2);
            if (prompt.Length + room > context)
                throw new CratonException($"the message makes a prompt of {prompt.Length} tokens, which with {room} for the answer is more than the model's context of {context}; send a shorter one");
            if (dropped > 0) output.Info($"(the oldest {dropped} turns no longer fit the context of {context} tokens and were dropped)");
            _turns.RemoveRange(0, dropped);
            return prompt;
        }

        private int[] Prompt(JsonObject question, int dropped)
        {
            IEnumerable<JsonObject> head = system is null ? [] : [Message("system", system)];
            var messages = new JsonArray([.. head.Concat(_turns.Skip(dropped)).Append(question).Select(message => message.DeepClone())]);
            var input = new ChatInput(JsonElement.Parse(messages.ToJsonString())) { AddGenerationPrompt = true };
            return template.Encode(tools is { } given ? input with { Tools = given } : input);
        }

        private static void Show(string text)
        {
            Console.Out.Write(text);
            Console.Out.Flush();
        }
    }
}
