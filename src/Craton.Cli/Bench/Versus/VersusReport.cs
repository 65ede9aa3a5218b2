using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.Threading;

namespace Craton.Cli.Bench.Versus;

/// <summary><c>craton bench --vs</c>: ratios to the peers that are installed here.</summary>
internal static class VersusReport
{
    private const int UsualRuns = 7;

    public static int Run(Output output, string[] only, int? runs)
    {
        OnlyNames.Expect(only, [.. Comparison.All.Select(c => c.Name)]);
        int threads = WorkerPool.Threads;
        var machine = Machine.Describe();
        var before = Limits.Measure(threads);
        output.Line($"{machine.Model}, class {machine.Class}, {threads} threads");
        output.Line($"limits before: {before.Describe(threads)}");
        var results = new List<(Comparison Comparison, Result[] Results)>();
        using var peers = new InstalledPeers(threads, output.Line);
        foreach (Comparison comparison in Comparison.All.Where(c => only.Length == 0 || only.Contains(c.Name)))
        {
            output.Status(comparison.Name);
            if (Measure(comparison, peers, runs ?? UsualRuns) is not { Length: > 0 } measured) continue;
            results.Add((comparison, measured));
            foreach (Result result in measured) output.Line(Line(comparison, result, before));
        }
        var after = Limits.Measure(threads);
        output.Line($"limits after: {after.Describe(threads)}");
        output.Result(Json(machine, threads, before, after, results, peers.Told));
        return 0;
    }

    private static Result[] Measure(Comparison comparison, InstalledPeers peers, int runs)
    {
        try
        {
            return [.. comparison.Variants(peers).Select(variant => Result.Of(variant, comparison.IsMemory ? Math.Min(runs, 3) : runs))];
        }
        catch (Exception e) when (e is PeerException or CratonException)
        {
            peers.Tell($"{comparison.Name} is left out: {e.Message}");
            return [];
        }
        finally
        {
            peers.StopAll();
        }
    }

    private static string Line(Comparison comparison, Result result, Limits limits)
    {
        string name = $"{comparison.Name} {result.Variant.Name}", ours = Cost(comparison, result.Ours);
        string share = Share(comparison, result, limits) is { } part ? $", {part:P0} of {comparison.Bound switch { Bound.Triad => "triad", Bound.Read => "reading", _ => "multiply-adds" }}" : "";
        if (Ratio(comparison, result) is not { } ratio) return $"{name,-22} craton {ours}{share}";
        return $"{name,-22} {ratio.Median,6:F2} × ({ratio.Least:F2} – {ratio.Greatest:F2}, n = {ratio.Count})  craton {ours}, {result.PeerName} {Cost(comparison, result.Peer!.Value)}{share}";
    }

    private static string Cost(Comparison comparison, double cost) => comparison.IsMemory ? $"{cost / (1 << 30):F2} GiB" : $"{Figure.Short(cost * 1e3)} ms";

    private static double? Share(Comparison comparison, Result result, Limits limits) => comparison.Bound switch
    {
        Bound.MultiplyAdds => result.Variant.Work / result.Ours / (limits.FmaN * 1e9),
        Bound.Triad => result.Variant.Work / result.Ours / (limits.Triad * 1e9),
        Bound.Read => result.Variant.Work / result.Ours / (limits.Read * 1e9),
        _ => null,
    };

    // For memory ours over the peer's: there the target is an upper one.
    private static Spread? Ratio(Comparison comparison, Result result) => !comparison.IsMemory || result.Ratio is not { } ratio
        ? result.Ratio
        : new Spread(1 / ratio.Median, 1 / ratio.Greatest, 1 / ratio.Least, ratio.Count);

    private static JsonObject Json(
        Machine machine, int threads, Limits before, Limits after, List<(Comparison Comparison, Result[] Results)> all, IEnumerable<string> told)
    {
        JsonObject ratios = [], shares = [];
        foreach ((Comparison comparison, Result[] results) in all)
        {
            if (results.Min(result => Share(comparison, result, before.Best(after))) is { } share) shares[comparison.Name] = share;
            Result[] compared = [.. results.Where(result => result.Ratio is not null)];
            if (compared.Length == 0) continue;
            Result worst = compared.MinBy(result => result.Ratio!.Median)!; // of the peer's cost over ours, for memory too
            JsonObject ratio = Json(comparison, worst);
            if (compared.Length > 1) ratio["variants"] = new JsonObject(compared.Select(result => KeyValuePair.Create(result.Variant.Name, (JsonNode?)Json(comparison, result))));
            ratios[comparison.Name] = ratio;
        }
        return new JsonObject
        {
            ["machine"] = machine.ToJson(threads),
            ["limits"] = new JsonObject { ["before"] = before.ToJson(), ["after"] = after.ToJson() },
            ["ratios"] = ratios,
            ["limit_share"] = shares,
            ["notes"] = new JsonArray([.. told.Select(sentence => (JsonNode)sentence)]),
        };
    }

    private static JsonObject Json(Comparison comparison, Result result)
    {
        Spread ratio = Ratio(comparison, result)!;
        return new JsonObject
        {
            ["median"] = ratio.Median,
            ["min"] = ratio.Least,
            ["max"] = ratio.Greatest,
            ["n"] = ratio.Count,
            ["ours"] = result.Ours,
            ["peer"] = result.Peer,
            ["unit"] = comparison.IsMemory ? "bytes" : "seconds",
            ["peer_name"] = result.PeerName,
        };
    }
}
