using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Craton.Cli.Bench;
using Craton.Tensors.Diagnostics;
using Craton.Tensors.Threading;

namespace Craton.Cli.Verbs;

/// <summary><c>craton bench</c>: this machine's figures, beside its own measured limits.</summary>
internal sealed class BenchVerb : Verb
{
    private readonly Option<string[]> _only = new("--only") { Description = "Parts to run: products, train, tokenizer, decode", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };

    public override Command Build()
    {
        var command = new Command("bench", "This machine's figures: products, training, tokenizing, decoding, with its measured limits beside them") { _only };
        OnRun(command, (parsed, output) => Run(output, [.. parsed.GetValue(_only)!.SelectMany(part => part.Split(','))]));
        return command;
    }

    private static int Run(Output output, string[] only)
    {
        string[] parts = ["products", "train", "tokenizer", "decode"];
        foreach (string part in only)
            if (!parts.Contains(part)) throw new Tensors.CratonException($"--only: '{part}' is unknown; expected {string.Join(", ", parts)}");
        int threads = WorkerPool.Threads;
        (JsonObject before, double fma) = Limits(threads);
        output.Line($"{Processor()}, {threads} threads, {MachineLimits.RegisterBits}-bit registers");
        output.Line($"limits: {F((double)before["fma_1"]!)} / {F(fma)} GFLOP/s of multiply-adds on 1 / {threads} threads, {F((double)before["triad"]!)} GB/s triad, {F((double)before["read"]!)} GB/s read");
        var figures = new JsonArray();
        foreach (Figure figure in Figures(only, fma))
        {
            output.Line($"{figure.Name,-44} {F(figure.Median),12} {figure.Unit,-9} ({F(figure.Least)} – {F(figure.Greatest)}){(figure.LimitShare is { } share ? $"  {share:P0} of the limit" : "")}");
            figures.Add(new JsonObject { ["name"] = figure.Name, ["unit"] = figure.Unit, ["median"] = figure.Median, ["min"] = figure.Least, ["max"] = figure.Greatest, ["limit_share"] = figure.LimitShare });
        }
        (JsonObject after, _) = Limits(threads);
        output.Result(new JsonObject
        {
            ["machine"] = new JsonObject { ["model"] = Processor(), ["isa"] = $"{MachineLimits.RegisterBits}-bit", ["cores"] = Environment.ProcessorCount, ["threads"] = threads },
            ["limits"] = new JsonObject { ["before"] = before, ["after"] = after },
            ["figures"] = figures,
        });
        return 0;
    }

    private static IEnumerable<Figure> Figures(string[] only, double fma)
    {
        bool Runs(string part) => only.Length == 0 || only.Contains(part);
        if (Runs("products"))
            foreach (Figure figure in Measurements.Products(fma)) yield return figure;
        if (Runs("train"))
            foreach (BenchConfiguration configuration in BenchConfiguration.All) yield return Measurements.Training(configuration, fma);
        if (Runs("tokenizer"))
            foreach (Figure figure in Measurements.Tokenizing()) yield return figure;
        if (Runs("decode"))
            foreach (int depth in (int[])[4, 8]) yield return Measurements.Decoding(depth);
    }

    private static (JsonObject Limits, double Fma) Limits(int threads)
    {
        double fma = MachineLimits.FmaGflops(threads);
        return (new JsonObject { ["fma_1"] = MachineLimits.FmaGflops(1), ["fma_n"] = fma, ["triad"] = MachineLimits.TriadGigabytesPerSecond(threads), ["read"] = MachineLimits.ReadGigabytesPerSecond(threads) }, fma);
    }

    private static string Processor()
    {
        const string information = "/proc/cpuinfo";
        string? line = File.Exists(information) ? File.ReadLines(information).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string F(double value) => value.ToString(value < 100 ? "F1" : "N0", CultureInfo.InvariantCulture);
}
