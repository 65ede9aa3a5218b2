using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.Threading;

namespace Craton.Cli.Bench;

/// <summary>Plain <c>craton bench</c>: this machine's figures, with its measured limits beside them.</summary>
internal static class FiguresReport
{
    private static readonly string[] s_parts = ["products", "train", "tokenizer", "decode"];

    public static int Run(Output output, string[] only, int? runs)
    {
        OnlyNames.Expect(only, s_parts);
        int threads = WorkerPool.Threads;
        var machine = Machine.Describe();
        var before = Limits.Measure(threads);
        output.Line($"{machine.Model}, class {machine.Class}, {threads} threads");
        output.Line($"limits: {before.Describe(threads)}");
        var figures = new JsonArray();
        foreach (Figure figure in Figures(only, new Measurements(before, runs)))
        {
            Spread rates = figure.Rates;
            string share = figure.LimitShare is { } part ? $"  {part:P0} of {figure.Limit}" : "";
            output.Line($"{figure.Name,-44} {Figure.Short(rates.Median),12} {figure.Unit,-9} ({Figure.Short(rates.Least)} – {Figure.Short(rates.Greatest)}){share}");
            figures.Add((JsonNode)new JsonObject
            {
                ["name"] = figure.Name,
                ["unit"] = figure.Unit,
                ["median"] = rates.Median,
                ["min"] = rates.Least,
                ["max"] = rates.Greatest,
                ["n"] = rates.Count,
                ["limit_share"] = figure.LimitShare,
            });
        }
        var after = Limits.Measure(threads);
        output.Line($"limits after: {after.Describe(threads)}");
        output.Result(new JsonObject
        {
            ["machine"] = machine.ToJson(threads),
            ["limits"] = new JsonObject { ["before"] = before.ToJson(), ["after"] = after.ToJson() },
            ["figures"] = figures,
        });
        return 0;
    }

    private static IEnumerable<Figure> Figures(string[] only, Measurements measurements)
    {
        bool Runs(string part) => only.Length == 0 || only.Contains(part);
        if (Runs("products"))
            foreach (Figure figure in measurements.Products()) yield return figure;
        if (Runs("train"))
            foreach (BenchConfiguration configuration in BenchConfiguration.All) yield return measurements.Training(configuration);
        if (Runs("tokenizer"))
            foreach (Figure figure in measurements.Tokenizing()) yield return figure;
        if (Runs("decode"))
            foreach (int depth in (int[])[4, 8]) yield return measurements.Decoding(depth);
    }
}
