using System.Diagnostics;
using System.Globalization;
using Craton.Models;
using Craton.Models.Gguf;
using Craton.Tensors.Quantization;

namespace Craton.Cli.Bench.Versus;

/// <summary>
/// Reading a prompt of <see cref="Prompt"/> tokens and generating <see cref="Generated"/>, with quantised weights: one GGUF file, random
/// weights, and llama.cpp's own benchmark on the other side.
/// </summary>
internal static class InferenceComparisons
{
    public const int Prompt = 512, Generated = 128;

    /// <summary>Tokens of a prompt that are read at once, as the engine does by default.</summary>
    public const int Piece = 256;

    /// <summary>Tokens of each of several texts that are answered at once.</summary>
    public const int BatchPrompt = 100, BatchGenerated = 64;

    private const int Vocabulary = 32000;
    private const int Rounds = 4; // how often each client of an engine asks

    private static readonly (string Name, GptConfig Model)[] s_shapes =
    [
        ("15m", Shape(288, 6, 6, 6, 768, isTied: true)), ("110m", Shape(768, 12, 12, 12, 2048, isTied: true)), ("1b", Shape(2048, 22, 32, 4, 5632, isTied: false)),
    ];

    private static readonly (string Name, BlockType Type)[] s_types = [("q8", BlockType.Q8_0), ("q4", BlockType.Q4_0)];

    /// <summary><c>decode-110m-q8</c>, <c>prefill-110m-q8</c>, <c>memory-110m-q8</c>, <c>batch8-110m-q8</c>, <c>engine8-110m-q8</c> and so on.</summary>
    public static IEnumerable<Comparison> All =>
        from shape in s_shapes
        from type in s_types
        from work in (string[])["prefill", "decode", "memory", "batch8", "batch16", "engine8", "engine16"]
        select new Comparison($"{work}-{shape.Name}-{type.Name}", work == "decode" ? Bound.Read : Bound.None, peers => Variants(work, shape.Model, type.Type, peers)) { IsMemory = work == "memory" };

    private static IEnumerable<Variant> Variants(string work, GptConfig model, BlockType type, InstalledPeers peers)
    {
        string kind = work.TrimEnd([.. "0123456789"]);
        int count = work == kind ? 0 : int.Parse(work[kind.Length..], CultureInfo.InvariantCulture); // of texts or clients at once
        bool isEngine = kind == "engine";
        DirectoryInfo folder = Directory.CreateTempSubdirectory("craton-bench-");
        try
        {
            if (isEngine) NoiseWeights.WriteTokenizer(folder.FullName, Vocabulary);
            string file = Path.Combine(folder.FullName, "model.gguf");
            long bytes = ModelExport.ToGguf(new NoiseWeights(folder.FullName, model), file, type);
            if (work == "memory")
            {
                yield return Memory(file, peers);
                yield break;
            }
            if (count > 0)
            {
                Contender[] theirs = isEngine
                    ? [.. peers.LlamaServer(file, count).Select(p => new Contender(LlamaServer.Name, p.Run))]
                    : [.. peers.LlamaBench(file, work, peers.Threads).Select(p => new Contender(LlamaBench.Name, () => p.RunBatched(count)))];
                yield return new("", peers.Ours(OwnPeer.Inference + file).Contender($"{kind} {count}"), theirs) { WarmUps = 1 };
                yield break;
            }
            foreach (int threads in new[] { 1, peers.Threads }.Distinct())
            {
                PeerProcess ours = peers.Ours(OwnPeer.Inference + file, threads);
                yield return new($"{threads} thread{(threads == 1 ? "" : "s")}", ours.Contender(work), [.. peers.LlamaBench(file, work, threads).Select(p => new Contender(LlamaBench.Name, () => p.Run().Seconds))])
                {
                    // Every token reads all weights once; of an embedding that is no output matrix it reads one row.
                    Work = (double)Generated * (bytes - (model.TieWordEmbeddings ? 0 : (double)model.VocabSize * type.ByteCount(model.HiddenSize))),
                    WarmUps = 1,
                };
            }
        }
        finally
        {
            peers.StopAll();
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Seconds until so many clients at once have their answers to prompts that have no beginning in common, each client one after the other.</summary>
    /// <param name="clients">How many.</param>
    /// <param name="ask">Has a prompt answered with <see cref="BatchGenerated"/> tokens, and tells how many came.</param>
    /// <exception cref="PeerException">An answer has another length.</exception>
    public static double SecondsOfClients(int clients, Func<int[], Task<int>> ask)
    {
        long start = Stopwatch.GetTimestamp();
        Task.WhenAll(Enumerable.Range(0, clients).Select(AskAll)).GetAwaiter().GetResult();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task AskAll(int client)
        {
            for (int round = 0; round < Rounds; round++)
            {
                int[] prompt = [.. Enumerable.Range(0, BatchPrompt).Select(i => (i * 7919 + client * 577 + round * 104_729 + 1) % Vocabulary)];
                int tokens = await ask(prompt).ConfigureAwait(false);
                if (tokens != BatchGenerated) throw new PeerException($"an answer has {tokens} tokens, expected {BatchGenerated}");
            }
        }
    }

    // The most memory that a fresh process has held after a prompt and an answer.
    private static Variant Memory(string file, InstalledPeers peers)
    {
        double Ours()
        {
            PeerProcess process = peers.Ours(OwnPeer.Inference + file, peers.Threads);
            _ = process.Run("prefill");
            double peak = (double)process.Run("decode")["peak_bytes"]!;
            peers.StopAll();
            return peak;
        }
        return new("", new("craton", Ours), [.. peers.LlamaBench(file, "both", peers.Threads).Select(p => new Contender(LlamaBench.Name, () => p.Run().PeakBytes))]) { WarmUps = 0 };
    }

    private static GptConfig Shape(int width, int layers, int heads, int keyValueHeads, int inner, bool isTied) => new()
    {
        VocabSize = Vocabulary,
        HiddenSize = width,
        IntermediateSize = inner,
        NumHiddenLayers = layers,
        NumAttentionHeads = heads,
        NumKeyValueHeads = keyValueHeads,
        HeadDim = width / heads,
        MaxPositionEmbeddings = 2048,
        TieWordEmbeddings = isTied,
    };
}
