using System.Diagnostics;
using System.Text.Json.Nodes;
using Craton.Models;

namespace Craton.Cli.Bench.Versus;

/// <summary>Craton as a peer process: the other end of <see cref="PeerProcess"/>.</summary>
internal static class OwnPeer
{
    /// <summary>Parameters as in the 124m configuration, and gradients from a batch that costs next to nothing.</summary>
    public static BenchConfiguration AdamW { get; } = new("adamw", Gpt2Config.Small124M, 1, 8);

    /// <summary>Serves until standard input ends.</summary>
    public static int Serve(string work)
    {
        bool isUpdate = work == AdamW.Name;
        var training = new Gpt2Training(isUpdate ? AdamW : BenchConfiguration.Named(work));
        if (isUpdate) training.Step();
        Contender update = Contender.Ours(training.Update);
        Console.WriteLine("{}");
        while (Console.ReadLine() is not null)
        {
            long start = Stopwatch.GetTimestamp();
            if (!isUpdate) training.Step();
            double seconds = isUpdate ? update.Cost() : Stopwatch.GetElapsedTime(start).TotalSeconds;
            using var self = Process.GetCurrentProcess();
            Console.WriteLine(new JsonObject { ["seconds"] = seconds, ["peak_bytes"] = self.PeakWorkingSet64 }.ToJsonString());
        }
        return 0;
    }
}
