using System.Diagnostics;
using System.Text.Json.Nodes;
using Craton.Models;
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

    // "run prefill" and "run decode": from an empty cache, scores of the last position, and no more.
    private static int ServeModel(string file)
    {
        CausalLanguageModel model = GgufModel.Load(file);
        KvCache cache = model.NewCache(capacity: Math.Max(InferenceComparisons.Prompt, InferenceComparisons.Generated));
        int[] ids = [.. Enumerable.Range(0, InferenceComparisons.Prompt).Select(i => (i * 7919 + 1) % model.Config.VocabSize)];
        Console.WriteLine("{}");
        while (Console.ReadLine() is { } line)
        {
            int step = line.EndsWith("prefill", StringComparison.Ordinal) ? InferenceComparisons.Prompt : 1;
            int tokens = step == 1 ? InferenceComparisons.Generated : InferenceComparisons.Prompt;
            long start = Stopwatch.GetTimestamp();
            cache.Trim(0);
            for (int at = 0; at < tokens; at += step)
                using (TensorScope.Open("bench"))
                {
                    Tensor hidden = model.Hidden(Tensor.From(ids.AsSpan(at, step), 1, step), default, cache);
                    _ = model.Logits(hidden.Slice(1, step - 1, step));
                }
            Answer(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return 0;
    }

    private static void Answer(double seconds)
    {
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(new JsonObject { ["seconds"] = seconds, ["peak_bytes"] = self.PeakWorkingSet64 }.ToJsonString());
    }
}
