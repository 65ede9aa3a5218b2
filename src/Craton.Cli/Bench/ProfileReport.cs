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

        var table = new ProfileTable(profile.Times, steps, wall, limits, flops);
        table.Show(output, machine, threads, work);
        output.Result(new JsonObject
        {
            ["machine"] = machine.ToJson(threads),
            ["configuration"] = name,
            ["steps"] = steps,
            ["seconds"] = wall / steps,
            ["limits"] = new JsonObject { ["before"] = before.ToJson(), ["after"] = after.ToJson() },
            ["limit_share"] = table.LimitShare,
            ["ops"] = table.ToJson(),
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
