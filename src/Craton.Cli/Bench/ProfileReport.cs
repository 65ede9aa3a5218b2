using System.Diagnostics;
using System.Text.Json.Nodes;
using Craton.Tensors.Diagnostics;
using Craton.Tensors.Threading;

namespace Craton.Cli.Bench;

/// <summary><c>craton bench --profile</c>: where the time of a training step goes, operation by operation.</summary>
internal static class ProfileReport
{
    private const int WarmUps = 2, UsualRuns = 5;

    public static int Run(Output output, string name, int? runs)
    {
        (string work, double flops, Action<OpProfile?> step) = Work(name);
        int threads = WorkerPool.Threads, steps = runs ?? UsualRuns;
        var machine = Machine.Describe();
        var before = Limits.Measure(threads);
        for (int i = 0; i < WarmUps; i++) step(null);
        var profile = new OpProfile();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++) step(profile);
        double wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var after = Limits.Measure(threads);
        Limits limits = before.Best(after);

        output.Line($"{machine.Model}, {threads} threads: {work}, mean of {steps} steps");
        output.Line($"limits: {limits.Describe(threads)}");
        output.Line($"{"operation",-36} {"pass",-8} {"calls",5} {"ms",9} {"share",6} {"GFLOP/s",8} {"GB/s",6}  of the limit");
        var rows = new JsonArray();
        foreach (OpTime time in profile.Times)
        {
            double seconds = time.Seconds / steps, gflops = time.Flops / time.Seconds / 1e9, gigabytes = time.Bytes / time.Seconds / 1e9;
            // Products against arithmetic, all else against memory. What stays in the caches may be faster than memory.
            double share = time.Flops > 0 ? gflops / limits.FmaN : gigabytes / limits.Triad;
            output.Line($"{time.Name,-36} {time.Pass,-8} {time.Calls / steps,5} {seconds * 1e3,9:F2} {time.Seconds / wall,6:P1} {(time.Flops > 0 ? Figure.Short(gflops) : ""),8} {Figure.Short(gigabytes),6}  {share:P0} of {(time.Flops > 0 ? "multiply-adds" : "triad")}");
            rows.Add((JsonNode)new JsonObject
            {
                ["op"] = time.Name,
                ["pass"] = time.Pass,
                ["calls"] = time.Calls / steps,
                ["seconds"] = seconds,
                ["share"] = time.Seconds / wall,
                ["gflops"] = time.Flops > 0 ? gflops : null,
                ["gigabytes_per_second"] = gigabytes,
                ["limit_share"] = share,
            });
        }
        foreach (IGrouping<string, OpTime> pass in profile.Times.GroupBy(time => time.Pass))
            output.Line($"{pass.Key,-51} {pass.Sum(time => time.Seconds) / steps * 1e3,9:F2} {pass.Sum(time => time.Seconds) / wall,6:P1}");
        double rest = wall - profile.Times.Sum(time => time.Seconds), rate = flops * steps / wall / 1e9;
        output.Line($"{"between operations",-51} {rest / steps * 1e3,9:F2} {rest / wall,6:P1}");
        output.Line($"{"whole step",-51} {wall / steps * 1e3,9:F2}        {Figure.Short(rate),8}         {rate / limits.FmaN:P0} of multiply-adds");
        output.Result(new JsonObject
        {
            ["machine"] = machine.ToJson(threads),
            ["configuration"] = name,
            ["steps"] = steps,
            ["seconds"] = wall / steps,
            ["limits"] = new JsonObject { ["before"] = before.ToJson(), ["after"] = after.ToJson() },
            ["limit_share"] = rate / limits.FmaN,
            ["ops"] = rows,
        });
        return 0;
    }

    private static (string Work, double Flops, Action<OpProfile?> Step) Work(string name)
    {
        if (name == UNetTraining.Name)
        {
            var drawing = new UNetTraining();
            return ($"{name}, 16 pictures of 32 × 32", 3 * drawing.Flops, drawing.Step);
        }
        var configuration = BenchConfiguration.Named(name, UNetTraining.Name);
        return ($"{name}, B={configuration.Batch}, T={configuration.Length}", configuration.FlopPerStep, new Gpt2Training(configuration).Step);
    }
}
