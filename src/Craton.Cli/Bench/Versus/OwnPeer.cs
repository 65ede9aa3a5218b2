using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Inference;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Models.Gguf;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Cli.Bench.Versus;

/// <summary>Craton as a peer process: the other end of <see cref="PeerProcess"/>.</summary>
internal static class OwnPeer
{
    /// <summary>Parameters as in the 124m configuration, and gradients from a batch that costs next to nothing.</summary>
    public static BenchConfiguration AdamW { get; } = new("adamw", Gpt2Config.Small124M, 1, 8);

    /// <summary>What stands before the file of a model in the name of the work: prompts and answers.</summary>
    public const string Inference = "inference:";

    /// <summary>Serves until standard input ends.</summary>
    public static int Serve(string work)
    {
        if (work.StartsWith(Inference, StringComparison.Ordinal)) return ServeModel(work[Inference.Length..]);
        bool isUpdate = work == AdamW.Name;
        var training = new Gpt2Training(isUpdate ? AdamW : BenchConfiguration.Named(work));
        if (isUpdate) training.Step();
        Contender update = Contender.Ours(training.Update);
        Console.WriteLine("{}");
        while (Console.ReadLine() is not null)
        {
            long start = Stopwatch.GetTimestamp();
            if (!isUpdate) training.Step();
            double seconds = isUpdate ? update.Cost() : Stopwatch.GetElapsedTime(start).TotalSeconds;
            Answer(seconds);
        }
        return 0;
    }

    // "run prefill", "run decode" and "run batch N": scores of the last position of each text, and no more. "run engine N": whole answers to N clients.
    private static int ServeModel(string file)
    {
        TextModel text = GgufModel.LoadText(file);
        CausalLanguageModel model = text.Model;
        KvCache? cache = null;
        InferenceEngine? engine = null;
        int[] ids = [.. Enumerable.Range(0, InferenceComparisons.Prompt).Select(i => (i * 7919 + 1) % model.Config.VocabSize)];
        Console.WriteLine("{}");
        while (Console.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            int count = words.Length > 2 ? int.Parse(words[2], CultureInfo.InvariantCulture) : 1;
            Answer(words[1] switch
            {
                "prefill" => ReadOne(model, cache ??= NewCache(model), ids, InferenceComparisons.Prompt, InferenceComparisons.Piece),
                "decode" => ReadOne(model, cache ??= NewCache(model), ids, InferenceComparisons.Generated, 1),
                "engine" => AnswerSeveral(engine ??= new InferenceEngine(text), count),
                _ => ReadSeveral(model, ids, count),
            });
        }
        engine?.Dispose();
        return 0;
    }

    private static KvCache NewCache(CausalLanguageModel model) => model.NewCache(capacity: Math.Max(InferenceComparisons.Prompt, InferenceComparisons.Generated));

    // Seconds of reading one text in pieces.
    private static double ReadOne(CausalLanguageModel model, KvCache cache, int[] ids, int tokens, int piece)
    {
        long start = Stopwatch.GetTimestamp();
        cache.Trim(0);
        for (int at = 0; at < tokens; at += piece)
            using (TensorScope.Open("bench"))
            {
                Tensor hidden = model.Hidden(Tensor.From(ids.AsSpan(at, piece), 1, piece), default, cache);
                _ = model.Logits(hidden.Slice(1, piece - 1, piece));
            }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Seconds of going on from several prompts at once, a token of each at a time.
    private static double ReadSeveral(CausalLanguageModel model, int[] ids, int count)
    {
        const int prompt = InferenceComparisons.BatchPrompt, generated = InferenceComparisons.BatchGenerated, pageSize = 16, each = (prompt + generated + pageSize - 1) / pageSize;
        PagedCache cache = model.NewPagedCache(count * each, pageSize);
        PagedText[] Texts(int tokens, int past) =>
            [.. Enumerable.Range(0, count).Select(i => new PagedText(i * tokens, tokens, past, [.. Enumerable.Range(i * each, each)]))];
        void Read(int tokens, int past)
        {
            using (TensorScope.Open("bench"))
            {
                int[] all = [.. Enumerable.Range(0, count * tokens).Select(i => ids[(i + past) % ids.Length])], lengths = [.. Enumerable.Repeat(past + tokens, count)];
                Tensor hidden = model.Hidden(Tensor.From<int>(all, 1, all.Length), new PagedBatch(cache, Texts(tokens, past), lengths));
                if (tokens == 1) _ = model.Logits(hidden);
            }
        }
        Read(prompt, 0);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < generated; i++) Read(1, prompt + i);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double AnswerSeveral(InferenceEngine engine, int clients)
    {
        var sampling = new SamplingOptions { Temperature = 0, MaxTokens = InferenceComparisons.BatchGenerated };
        return InferenceComparisons.SecondsOfClients(
            clients, async prompt => (await engine.GenerateAsync(new GenerationRequest(prompt) { Sampling = sampling }).ConfigureAwait(false)).Tokens.Count);
    }

    private static void Answer(double seconds)
    {
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(new JsonObject { ["seconds"] = seconds, ["peak_bytes"] = self.PeakWorkingSet64 }.ToJsonString());
    }
}
