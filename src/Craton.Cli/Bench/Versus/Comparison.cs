using Craton.Tensors;
using Craton.Tensors.Diagnostics;

namespace Craton.Cli.Bench.Versus;

/// <summary>What the machine's limits say about a piece of work.</summary>
internal enum Bound
{
    None,
    MultiplyAdds,
    Triad,
    Read,
}

/// <summary>One name of <c>craton bench --vs</c>.</summary>
/// <param name="Name">The name.</param>
/// <param name="Bound">The limit that its work runs into.</param>
/// <param name="Variants">The forms of the work, made one after the other; the one in which we do worst gives the ratio.</param>
internal sealed record Comparison(string Name, Bound Bound, Func<InstalledPeers, IEnumerable<Variant>> Variants)
{
    private const int Width = 768, Inner = 3072;

    /// <summary>Bytes a parameter that AdamW reads and writes: four tensors in, three out.</summary>
    private const double AdamWBytes = 28;

    /// <summary>Set where costs are bytes: the ratio is ours over the peer's, and less is better.</summary>
    public bool IsMemory { get; init; }

    public static IReadOnlyList<Comparison> All { get; } =
    [
        .. new[] { "124m", "small", "tiny" }.Select(name => BenchConfiguration.Named(name)).Select(c => new Comparison($"train-{c.Name}", Bound.MultiplyAdds, peers => [Training(c, peers)])),
        new("memory-124m", Bound.None, peers => [Memory(BenchConfiguration.Named("124m"), peers)]) { IsMemory = true },
        .. new[] { 256, 512, 1024, 2048 }.Select(size => new Comparison($"sgemm-{size}", Bound.MultiplyAdds, peers => Square(size, peers))),
        .. new[] { 1, 4, 16, 64 }.Select(rows => new Comparison($"skinny-{rows}", Bound.MultiplyAdds, peers => [Skinny(rows, peers)])),
        new("adamw", Bound.Triad, peers => [AdamW(peers)]),
        new("encode-cl100k", Bound.None, TextComparisons.Encode),
        new("train-bpe", Bound.None, TextComparisons.Train),
        .. ImageComparisons.All,
        .. InferenceComparisons.All,
    ];

    private static Variant Training(BenchConfiguration c, InstalledPeers peers) =>
        new("", peers.Ours(c.Name).Contender(), [.. peers.Torch("step", c).Select(p => p.Contender())]) { Work = c.FlopPerStep };

    private static Variant AdamW(InstalledPeers peers) =>
        new("", peers.Ours("adamw").Contender(), [.. peers.Torch("adamw", OwnPeer.AdamW).Select(p => p.Contender())]) { Work = AdamWBytes * OwnPeer.AdamW.Parameters };

    // A fresh process for each measurement: three steps, then the most memory it has held.
    private static Variant Memory(BenchConfiguration c, InstalledPeers peers)
    {
        double Peak(PeerProcess process)
        {
            double bytes = 0;
            for (int step = 0; step < 3; step++) bytes = (double)process.Run()["peak_bytes"]!;
            peers.StopAll();
            return bytes;
        }
        string[] names = [.. peers.Torch("step", c).Select(p => p.Name)];
        peers.StopAll();
        return new("", new("craton", () => Peak(peers.Ours(c.Name))), [.. names.Select(name => new Contender(name, () => Peak(peers.Torch("step", c).Single())))]) { WarmUps = 0 };
    }

    private static IEnumerable<Variant> Square(int size, InstalledPeers peers)
    {
        PeerProcess[] libraries = peers.Blas();
        Tensor a = Measurements.Noise(size, size), b = Measurements.Noise(size, size), y = Tensor.Persistent(DType.F32, size, size), transposed = b.Transpose();
        foreach (string order in (string[])["nn", "nt"])
            foreach (bool accumulate in (bool[])[false, true])
            {
                Contender ours = Contender.Ours(() => ProductProbe.Multiply(a, order == "nt" ? transposed : b, y, accumulate));
                yield return new(order + (accumulate ? " +=" : ""), ours, [.. libraries.Select(l => l.Contender($"{size} {size} {size} {order} {(accumulate ? 1 : 0)}"))])
                {
                    Work = 2.0 * size * size * size,
                };
            }
    }

    // A layer's weights stay as they are from call to call, so both sides may keep them in the order they like best.
    private static Variant Skinny(int rows, InstalledPeers peers)
    {
        Tensor x = Measurements.Noise(rows, Width), weight = Measurements.Noise(Inner, Width);
        weight.Pack();
        Contender ours = Contender.Ours(() =>
        {
            using (TensorScope.Open("bench")) _ = Ops.Linear(x, weight);
        });
        PeerProcess[] libraries = peers.Blas();
        return new("", ours, [.. libraries.SelectMany(l => new[] { "nt", "nn" }.Select(order => l.Contender($"{rows} {Inner} {Width} {order} 0") with { Name = $"{l.Name} {order}" }))])
        {
            Work = 2.0 * rows * Inner * Width,
        };
    }
}
