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

    /// <summary>How often each client of an engine asks, one answer after the other.</summary>
    public const int Rounds = 4;

    private const int Vocabulary = 32000;

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
        DirectoryInfo folder = Directory.CreateTempSubdirectory("craton-bench-");
        try
        {
            if (work.StartsWith("engine", StringComparison.Ordinal)) NoiseWeights.WriteTokenizer(folder.FullName, Vocabulary);
            string file = Path.Combine(folder.FullName, "model.gguf");
            long bytes = ModelExport.ToGguf(new NoiseWeights(folder.FullName, model), file, type);
            if (work == "memory")
            {
                yield return Memory(file, peers);
                yield break;
            }
            if (work.StartsWith("batch", StringComparison.Ordinal))
            {
                int texts = int.Parse(work["batch".Length..], CultureInfo.InvariantCulture);
                Contender[] batched = [.. peers.LlamaBench(file, work, peers.Threads).Select(p => new Contender(LlamaBench.Name, () => p.RunBatched(texts)))];
                yield return new("", peers.Ours(OwnPeer.Inference + file).Contender($"batch {texts}"), batched) { WarmUps = 1 };
                yield break;
            }
            if (work.StartsWith("engine", StringComparison.Ordinal))
            {
                int clients = int.Parse(work["engine".Length..], CultureInfo.InvariantCulture);
                Contender[] servers = [.. peers.LlamaServer(file, clients).Select(p => new Contender(LlamaServer.Name, p.Run))];
                yield return new("", peers.Ours(OwnPeer.Inference + file).Contender($"engine {clients}"), servers) { WarmUps = 1 };
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

    /// <summary>What a client asks in a round: prompts that have no beginning in common.</summary>
    public static int[] PromptOf(int client, int round) => [.. Enumerable.Range(0, BatchPrompt).Select(i => (i * 7919 + client * 577 + round * 104_729 + 1) % Vocabulary)];

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
