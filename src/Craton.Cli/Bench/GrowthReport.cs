using System.Diagnostics;
using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Tensors;
using Craton.Tensors.Memory;
using Craton.Tensors.Threading;

namespace Craton.Cli.Bench;

/// <summary>What a step of one model cost.</summary>
/// <param name="At">Where on the axis.</param>
/// <param name="Seconds">Median time of a step.</param>
/// <param name="Bytes">Most tensor memory leased at a time: weights, moments, activations, gradients.</param>
/// <param name="StepBytes">Of it what a step takes beside weights and moments.</param>
/// <param name="Flops">The model's own count of operations of a step.</param>
internal sealed record GrowthPoint(int At, double Seconds, double Bytes, double StepBytes, double Flops);

/// <summary><c>craton bench --growth</c>: how time and memory of a training step grow with context, width and depth.</summary>
internal static class GrowthReport
{
    private const int Vocabulary = 4096, UsualRuns = 3;

    private static readonly (string Name, int[] Values, Func<int, BenchConfiguration> Make)[] s_axes =
    [
        ("context", [128, 256, 512, 1024, 2048, 4096], n => Make(context: n, batch: 1)),
        ("width", [128, 256, 384, 512, 768], n => Make(width: n)),
        ("depth", [1, 2, 4, 8, 16], n => Make(depth: n)),
    ];

    public static int Run(Output output, string[] only, int? runs)
    {
        OnlyNames.Expect(only, [.. s_axes.Select(axis => axis.Name)]);
        int threads = WorkerPool.Threads;
        var machine = Machine.Describe();
        var limits = Limits.Measure(threads);
        output.Line($"{machine.Model}, {threads} threads; {limits.Describe(threads)}");
        output.Line($"GPT-2 of depth 4, width 256, vocabulary {Vocabulary}, context 256, batch 4 (1 where the context grows)");
        var tables = new JsonObject();
        foreach ((string name, int[] values, Func<int, BenchConfiguration> make) in s_axes.Where(axis => only.Length == 0 || only.Contains(axis.Name)))
        {
            output.Line();
            output.Line($"{name,8} {"ms/step",10} {"MiB",8} {"of step",8} {"GFLOP",8} {"GFLOP/s",8}");
            var points = new List<GrowthPoint>();
            foreach (int value in values)
            {
                GrowthPoint point = Measure(value, make(value), runs ?? UsualRuns);
                points.Add(point);
                output.Line($"{value,8} {point.Seconds * 1e3,10:F1} {point.Bytes / (1 << 20),8:F0} {point.StepBytes / (1 << 20),8:F0} {point.Flops / 1e9,8:F1} {point.Flops / point.Seconds / 1e9,8:F0}  {point.Flops / point.Seconds / 1e9 / limits.FmaN:P0} of multiply-adds");
            }
            double time = Exponent(points, p => p.Seconds), memory = Exponent(points, p => p.Bytes), ofStep = Exponent(points, p => p.StepBytes), flops = Exponent(points, p => p.Flops);
            output.Line($"{"exponent",8} {time,10:F2} {memory,8:F2} {ofStep,8:F2} {flops,8:F2}");
            tables[name] = new JsonObject
            {
                ["exponents"] = new JsonObject { ["seconds"] = time, ["bytes"] = memory, ["step_bytes"] = ofStep, ["flop"] = flops },
                ["points"] = new JsonArray([.. points.Select(p => (JsonNode)new JsonObject { [name] = p.At, ["seconds"] = p.Seconds, ["bytes"] = p.Bytes, ["step_bytes"] = p.StepBytes, ["flop"] = p.Flops })]),
            };
        }
        output.Result(new JsonObject { ["machine"] = machine.ToJson(threads), ["limits"] = limits.ToJson(), ["growth"] = tables });
        return 0;
    }

    private static BenchConfiguration Make(int depth = 4, int width = 256, int context = 256, int batch = 4) =>
        new("growth", new Gpt2Config(Vocabulary, context, width, depth, width / 64), batch, context);

    private static GrowthPoint Measure(int at, BenchConfiguration configuration, int runs)
    {
        MemoryPool.Trim();
        long leased = MemoryPool.LeasedBytes; // weights and moments of the models before, which are the garbage collector's
        var training = new Gpt2Training(configuration);
        long lasting = MemoryPool.LeasedBytes - leased;
        MemoryPool.ResetPeak();
        training.Step();
        training.Step();
        double[] seconds = new double[runs];
        for (int i = 0; i < runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            training.Step();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        return new GrowthPoint(at, Spread.Of(seconds).Median, MemoryPool.PeakBytes - leased, MemoryPool.PeakBytes - leased - lasting, configuration.FlopPerStep);
    }

    /// <summary>b of the line log y = a + b · log x with the least squares.</summary>
    internal static double Exponent(IReadOnlyList<GrowthPoint> points, Func<GrowthPoint, double> y)
    {
        double[] xs = [.. points.Select(p => DeterministicMath.Log(p.At))], ys = [.. points.Select(p => DeterministicMath.Log(y(p)))];
        double meanX = xs.Average(), meanY = ys.Average();
        return xs.Zip(ys, (a, b) => (a - meanX) * (b - meanY)).Sum() / xs.Sum(a => (a - meanX) * (a - meanX));
    }
}
