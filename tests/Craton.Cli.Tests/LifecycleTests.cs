using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Craton.Cli.Tests;

/// <summary>What users do with a model, through the built tool.</summary>
public sealed class LifecycleTests(TrainedModel trained) : IClassFixture<TrainedModel>
{
    private readonly Tool _tool = trained.Tool;

    [Fact]
    public void Training_WritesModelReportAndMetrics()
    {
        Assert.True(File.Exists(_tool.At("runs/tiny/report.html")));
        Assert.True(File.Exists(_tool.At("runs/tiny/metrics.jsonl")));
        Assert.True(File.Exists(_tool.At("runs/tiny/model/model.safetensors")));
    }

    [Fact]
    public void Generate_IsTheSameForTheSameSeed_AndOtherForAnother()
    {
        string[] args = ["generate", "-m", trained.Model, "the cat", "--max-tokens", "20", "--json", "--seed"];
        string first = _tool.Run([.. args, "1"]).Output;
        Assert.Equal(first, _tool.Run([.. args, "1"]).Output);
        Assert.NotEqual(first, _tool.Run([.. args, "2"]).Output);
    }

    [Fact]
    public void Generate_LogProbsAndEcho_AreTheModelsOwn()
    {
        JsonObject json = _tool.Run("generate", "-m", trained.Model, "the cat", "--max-tokens", "5", "--temperature", "0", "--logprobs", "2", "--echo", "--json").Json;
        JsonArray prompt = json["prompt_tokens"]!.AsArray(), promptLogProbs = json["prompt_logprobs"]!.AsArray(), logProbs = json["logprobs"]!.AsArray();
        Assert.Equal(prompt.Select(t => (int)t!), promptLogProbs.Select(t => (int)t!["token"]!));
        Assert.Null(promptLogProbs[0]!["logprob"]);
        Assert.All(promptLogProbs.Skip(1), t => Assert.True((double)t!["logprob"]! < 0));
        Assert.Equal(json["tokens"]!.AsArray().Select(t => (int)t!), logProbs.Select(t => (int)t!["token"]!));
        // Temperature 0 takes the best token: it is the first of the best.
        Assert.All(logProbs, t => Assert.Equal((int)t!["token"]!, (int)t["top"]![0]!["token"]!));
        Assert.All(logProbs, t => Assert.Equal(2, t!["top"]!.AsArray().Count));
    }

    [Fact]
    public void Generate_FromIds_IsTheSameAsFromText()
    {
        JsonObject text = _tool.Run("generate", "-m", trained.Model, "the cat", "--max-tokens", "10", "--json").Json;
        string ids = string.Join(',', text["prompt_tokens"]!.AsArray().Select(t => (int)t!));
        JsonObject same = _tool.Run("generate", "-m", trained.Model, "--prompt-ids", ids, "--max-tokens", "10", "--json").Json;
        Assert.Equal(text.ToJsonString(), same.ToJsonString());
    }

    [Fact]
    public void Generate_FromIds_NeedsNoTokenizer()
    {
        Directory.CreateDirectory(_tool.At("bare"));
        foreach (string file in new[] { "config.json", "model.safetensors" }) File.Copy(_tool.At($"{trained.Model}/{file}"), _tool.At($"bare/{file}"));
        string[] args = ["--prompt-ids", "5,6,7", "--max-tokens", "4", "--temperature", "0", "--logprobs", "2", "--echo", "--json"];
        JsonObject bare = _tool.Run(["generate", "-m", "bare", .. args]).Json, whole = _tool.Run(["generate", "-m", trained.Model, .. args]).Json;
        Assert.Equal(whole["tokens"]!.ToJsonString(), bare["tokens"]!.ToJsonString());
        Assert.Equal(whole["logprobs"]!.AsArray().Select(t => (double)t!["logprob"]!), bare["logprobs"]!.AsArray().Select(t => (double)t!["logprob"]!));
        Bad.Expect(_tool.Run("generate", "-m", "bare", "text"), "'bare' holds no tokenizer", "--prompt-ids");
    }

    [Fact]
    public void Generate_WithoutJson_WritesTheSameText()
    {
        string[] args = ["generate", "-m", trained.Model, "the cat", "--max-tokens", "12"];
        string text = (string)_tool.Run([.. args, "--json"]).Json["text"]!;
        Assert.Equal(text + Environment.NewLine, _tool.Run(args).Output);
        Assert.Equal("the cat" + text + Environment.NewLine, _tool.Run([.. args, "--echo"]).Output);
    }

    [Fact]
    public void Generate_WithBeams_GivesTheLikeliestTexts()
    {
        string[] args = ["generate", "-m", trained.Model, "the cat", "--beams", "3", "--max-tokens", "6", "--early-stopping", "yes"];
        JsonArray beams = _tool.Run([.. args, "--json"]).Json["beams"]!.AsArray();
        Assert.Equal(3, beams.Count);
        Assert.Equal(beams.OrderByDescending(b => (double)b!["score"]!), beams);
        Assert.Equal((string)beams[0]!["text"]! + Environment.NewLine, _tool.Run(args).Output);
    }

    [Fact]
    public void Generate_StopsAtAStopText()
    {
        string[] args = ["generate", "-m", trained.Model, "the cat", "--max-tokens", "30", "--json"];
        string text = (string)_tool.Run(args).Json["text"]!;
        Assert.True(text.Length > 4, $"the model said '{text}'");
        string stop = text[3..4];
        JsonObject stopped = _tool.Run([.. args, "--stop", stop]).Json;
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], (string)stopped["text"]!);
        Assert.Equal("stop", (string)stopped["finish_reason"]!);
    }

    [Fact]
    public void Chat_AnswersPipedLines()
    {
        JsonObject json = _tool.RunWith("cat 1\n\n/reset\ncat 2\n/exit\ncat 3\n", "chat", "-m", trained.Chat, "--max-tokens", "8", "--json").Json;
        Assert.Equal(["user", "assistant", "user", "assistant"], json["turns"]!.AsArray().Select(t => (string)t!["role"]!));
        Assert.Equal("cat 2", (string)json["turns"]![2]!["content"]!);
    }

    [Fact]
    public void Chat_SaysWhenOldTurnsAreDropped_AndRefusesWhatNeverFits()
    {
        ToolResult many = _tool.RunWith(string.Concat(Enumerable.Repeat("cat\n", 6)), "chat", "-m", trained.Chat, "--max-tokens", "16");
        Assert.Equal(0, many.ExitCode);
        Assert.Contains("no longer fit the context of 64 tokens and were dropped", many.Error, StringComparison.Ordinal);
        ToolResult tooLong = _tool.RunWith(new string('a', 100) + "\n", "chat", "-m", trained.Chat);
        Bad.Expect(tooLong, "more than the model's context of 64");
    }

    [Fact]
    public void AnAdapterIsTrainedUsedAndMerged()
    {
        _tool.Write("lora.yaml", Tiny.Chat(trained.Model, "rows.jsonl").Replace("sft", "lora", StringComparison.Ordinal).Replace("chat", "tuned", StringComparison.Ordinal));
        string adapter = (string)_tool.Run("train", "lora.yaml", "--set", "optimizer.learning_rate=0.05", "--set", "train.steps=20", "--json").Json["adapter_dir"]!;
        string[] args = ["--max-tokens", "8", "--temperature", "0", "--json"];
        JsonObject with = _tool.Run(["generate", "-m", trained.Model, "--adapter", adapter, "the cat", "--logprobs", "1", .. args]).Json;
        Assert.NotEqual(_tool.Run(["generate", "-m", trained.Model, "the cat", "--logprobs", "1", .. args]).Json["logprobs"]!.ToJsonString(), with["logprobs"]!.ToJsonString());
        JsonObject chat = _tool.RunWith("cat 1\n", ["chat", "-m", trained.Model, "--adapter", adapter, .. args]).Json;
        Assert.Equal(2, chat["turns"]!.AsArray().Count);
        Assert.Equal(0, _tool.Run("export", "-m", trained.Model, "--adapter", adapter, "--format", "hf", "merged").ExitCode);
        Assert.Equal((string)with["text"]!, (string)_tool.Run(["generate", "-m", "merged", "the cat", .. args]).Json["text"]!);
        double attached = (double)_tool.Run("perplexity", "-m", trained.Model, "--adapter", adapter, "text.txt", "--json").Json["perplexity"]!;
        Assert.Equal(attached, (double)_tool.Run("perplexity", "-m", "merged", "text.txt", "--json").Json["perplexity"]!, 1e-3 * attached);
        Assert.True(_tool.Run("eval", "-m", trained.Model, "--adapter", adapter, "-t", "answers", "--source", "rows.jsonl", "--test-fraction", "0.2", "--json").Json.Count > 0);
        Bad.Expect(_tool.Run("generate", "-m", trained.Model, "--adapter", "runs", "the cat"), "'runs' is no adapter directory");
        Bad.Expect(_tool.Run("generate", "-m", trained.Chat, "--adapter", adapter, "the cat"), "was trained for");
    }

    [Fact]
    public void Tokenizer_TrainsEncodesAndGivesBack()
    {
        Assert.Equal(300, (int)_tool.Run("tok", "train", "text.txt", "--vocab-size", "300", "--out", "tok", "--json").Json["vocab_size"]!);
        const string text = "the cat 😀 sat";
        JsonObject encoded = _tool.Run("tok", "encode", "-m", "tok", text, "--json").Json;
        JsonArray offsets = encoded["offsets"]!.AsArray();
        Assert.Equal(text.Length - 1, (int)offsets[^1]![1]!); // code points: the smiley is one
        string ids = string.Join(' ', encoded["ids"]!.AsArray().Select(i => (int)i!));
        Assert.Equal(text, (string)_tool.Run("tok", "decode", "-m", "tok", ids, "--json").Json["text"]!);
        Assert.Equal(ids, _tool.RunWith(text, "tok", "encode", "-m", "tok").Output.Trim());
        JsonObject inspected = _tool.Run("tok", "inspect", "-m", "tok", "text.txt", "--json").Json;
        Assert.Equal("bpe", (string)inspected["kind"]!);
        Assert.True((double)inspected["sample"]!["bytes_per_token"]! > 1.5);
        Assert.Equal("char", (string)_tool.Run("tok", "inspect", "-m", trained.Model, "--json").Json["kind"]!);
    }

    [Fact]
    public void Data_IsBuiltInspectedAndDeduplicated()
    {
        _tool.Write("lines.txt", Tiny.Text() + Tiny.Text(3));
        JsonObject built = _tool.Run("data", "build", "lines.txt", "--lines", "--vocab-size", "280", "--out", "built", "--test-fraction", "0.1", "--json").Json;
        Assert.True(File.Exists(_tool.At("built/statistics.html")));
        JsonObject inspected = _tool.Run("data", "inspect", "built", "--verify", "--json").Json;
        Assert.Equal(built["splits"]!.ToJsonString(), inspected["splits"]!.ToJsonString());
        Assert.True((long)inspected["splits"]!["test"]!["documents"]! > 10);
        JsonObject text = _tool.Run("data", "inspect", "lines.txt", "--lines", "--json").Json;
        Assert.Equal(405, (long)text["documents"]!);
        JsonObject deduplicated = _tool.Run("data", "dedup", "lines.txt", "--lines", "--out", "dedup.jsonl", "--json").Json;
        Assert.Equal((long)deduplicated["documents"]!, File.ReadLines(_tool.At("dedup.jsonl")).Count());
        Assert.True((long)deduplicated["documents"]! <= 401);
    }

    [Fact]
    public void Eval_MeasuresTheModelBesideBaselines()
    {
        JsonObject json = _tool.Run("eval", "-m", trained.Model, "--json").Json;
        Assert.Equal(["brotli", "model", "ngram5", "unigram"], json["bits_per_byte"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.All(json["bits_per_byte"]!.AsObject(), p => Assert.InRange((double)p.Value!, 0.1, 8));
        // Lines of random words: counting five bytes back is better than counting characters.
        Assert.True((double)json["bits_per_byte"]!["ngram5"]! < (double)json["bits_per_byte"]!["unigram"]!);
    }

    [Fact]
    public void Eval_TakesNamedTasks()
    {
        JsonObject answers = _tool.Run("eval", "-m", trained.Chat, "-t", "answers", "--test-fraction", "0.3", "--json").Json["answers"]!.AsObject();
        Assert.True((long)answers["questions"]! > 3);
        // Every answer of the training data is the same.
        Assert.Equal(1, (double)answers["nearest_question"]!["exact_match"]!);
        Assert.InRange((double)answers["model"]!["rouge_l"]!, 0, 1);
        JsonObject both = _tool.Run("eval", "-m", trained.Chat, "-t", "answers,bits-per-byte", "--source", "rows.jsonl", "--test-fraction", "0.3", "--json").Json;
        Assert.True((double)both["bits_per_byte"]!["model"]! > 0);
        Assert.Equal(answers["questions"]!.ToJsonString(), both["answers"]!["questions"]!.ToJsonString());
        ToolResult table = _tool.Run("eval", "-m", trained.Chat, "-t", "answers", "--test-fraction", "0.3");
        Assert.Contains("nearest question", table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void BrokenChatTemplate_IsRefusedForConversationOnly()
    {
        Directory.CreateDirectory(_tool.At("foreign"));
        foreach (string source in Directory.GetFiles(_tool.At(trained.Model))) File.Copy(source, _tool.At("foreign/" + Path.GetFileName(source)));
        File.WriteAllText(_tool.At("foreign/chat_template.jinja"), "{% for %}");
        Assert.Equal(0, _tool.Run("generate", "-m", "foreign", "the", "--max-tokens", "2").ExitCode);
        Bad.Expect(_tool.Run("chat", "-m", "foreign"), "chat template, line 1");
        _tool.Write("foreign.yaml", Tiny.Chat("foreign", "rows.jsonl"));
        Bad.Expect(_tool.Run("train", "foreign.yaml", "--runs", "foreign-runs"), "chat template, line 1");
    }

    [Fact]
    public void Interrupt_EndsTheAnswerAndNotTheChat()
    {
        if (OperatingSystem.IsWindows()) return; // there is no 'kill'
        using Process process = _tool.Start(["chat", "-m", trained.Chat, "--max-tokens", "8"]);
        process.StandardInput.WriteLine("cat 1");
        process.StandardInput.Flush();
        _ = process.StandardOutput.ReadLine(); // whether it comes while the model writes or just after: the chat goes on
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        ToolResult result = Tool.Finish(process, "cat 2\n/exit\n");
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public void ListAndShow_SayWhatModelsAre()
    {
        JsonArray models = _tool.Run("list", "--json").Json["models"]!.AsArray();
        Assert.Equal(["sft", "pretrain"], models.Select(m => (string)m!["kind"]!));
        JsonObject shown = _tool.Run("show", trained.Model, "--json").Json;
        Assert.Equal((long)models[1]!["parameters"]!, (long)shown["parameters"]!);
        Assert.Equal(64, (int)shown["config"]!["max_position_embeddings"]!);
        Assert.Contains("recipe: pretrain", (string)shown["lineage"]!["recipe"]!, StringComparison.Ordinal);
    }
}
