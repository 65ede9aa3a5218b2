using System.Diagnostics;

namespace Craton.Cli.Bench.Versus;

/// <summary>One side of a comparison.</summary>
/// <param name="Name">Who it is.</param>
/// <param name="Cost">Does a piece of the work and gives what it cost: seconds, or bytes.</param>
internal sealed record Contender(string Name, Func<double> Cost)
{
    private const double LeastSeconds = 0.15;

    /// <summary>Craton in this process: seconds of one call, the mean of as many as fill a short while.</summary>
    public static Contender Ours(Action work) => new("craton", () =>
    {
        long start = Stopwatch.GetTimestamp();
        for (int calls = 1; ; calls++)
        {
            work();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (elapsed >= LeastSeconds) return elapsed / calls;
        }
    });
}

/// <summary>The same work for both sides.</summary>
/// <param name="Name">What distinguishes it from other forms of the same comparison; may be empty.</param>
/// <param name="Ours">Craton.</param>
/// <param name="Peers">Those it is compared with: the quickest counts.</param>
internal sealed record Variant(string Name, Contender Ours, IReadOnlyList<Contender> Peers)
{
    /// <summary>Operations or bytes of a piece, to be set against the machine's limit.</summary>
    public double Work { get; init; }

    /// <summary>Pieces that do not count, before the others: code is compiled, memory touched.</summary>
    public int WarmUps { get; init; } = 2;
}

/// <summary>What a comparison gave.</summary>
/// <param name="Variant">The work.</param>
/// <param name="Ours">Our cost, the median.</param>
/// <param name="Peer">The cost of the quickest peer, the median; null without one.</param>
/// <param name="PeerName">Who that is.</param>
/// <param name="Ratio">The peer's cost over ours in each round: above 1 we are better.</param>
internal sealed record Result(Variant Variant, double Ours, double? Peer, string? PeerName, Spread? Ratio)
{
    /// <summary>Runs all sides in turn, again and again: a machine that slows down slows them all.</summary>
    public static Result Of(Variant variant, int runs)
    {
        Contender[] sides = [variant.Ours, .. variant.Peers];
        for (int i = 0; i < variant.WarmUps; i++)
            foreach (Contender side in sides) _ = side.Cost();
        var costs = new double[sides.Length][];
        for (int side = 0; side < sides.Length; side++) costs[side] = new double[runs];
        for (int run = 0; run < runs; run++)
            for (int side = 0; side < sides.Length; side++)
            {
                Thread.Sleep(20); // threads of the other side that still wait for work go to sleep
                costs[side][run] = sides[side].Cost();
            }
        double[] medians = [.. costs.Select(c => Spread.Of(c).Median)];
        if (sides.Length == 1) return new Result(variant, medians[0], null, null, null);
        int best = Array.IndexOf(medians, medians[1..].Min(), 1);
        return new Result(variant, medians[0], medians[best], sides[best].Name, Spread.Of(costs[best].Zip(costs[0], (peer, ours) => peer / ours)));
    }
}
