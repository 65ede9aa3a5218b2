using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Craton.Training.Checkpoints;
using Craton.Training.Reports;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Checkpoints;

/// <summary>T1, T2: a process killed at any point, resumed, leaves what an uninterrupted one leaves, byte for byte.</summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 4;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Killed_at_every_kill_point()
    {
        string expected = Uninterrupted();
        for (int n = 1; ; n++)
        {
            string run = folder[$"run-{n}"];
            bool killed = Start(run, $"*:{n}") != 0;
            if (killed)
            {
                if (new CheckpointStore(run).OpenLatest() is { } checkpoint) ToyTraining.Check(checkpoint);
                ToyTraining.Run(run, Steps);
            }
            Assert.Equal(expected, Fingerprint(run));
            Directory.Delete(run, recursive: true);
            if (killed) continue;
            output.WriteLine($"{n - 1} kill points");
            Assert.True(n > 30);
            return;
        }
    }

    [Fact]
    public void Killed_at_random_moments_until_it_is_done()
    {
        const int seed = 7;
        string expected = Uninterrupted();
        var random = new Random(seed);
        int kills = 0;
        string run = folder["run"];
        for (int attempt = 0; attempt < 6; attempt++)
        {
            using Process process = Child(run, null);
            if (process.WaitForExit(random.Next(20, 250))) break;
            process.Kill();
            process.WaitForExit();
            kills++;
            if (new CheckpointStore(run).OpenLatest() is { } checkpoint) ToyTraining.Check(checkpoint);
        }
        Assert.Equal(0, Start(run, null));
        output.WriteLine($"seed {seed}: {kills} kills");
        Assert.Equal(expected, Fingerprint(run));
    }

    private string Uninterrupted()
    {
        string run = folder["uninterrupted"];
        ToyTraining.Run(run, Steps);
        return Fingerprint(run);
    }

    private static int Start(string run, string? killPoint)
    {
        using Process process = Child(run, killPoint);
        Assert.True(process.WaitForExit(60_000), "the child hangs");
        return process.ExitCode;
    }

    private static Process Child(string run, string? killPoint)
    {
        string assembly = typeof(KillTests).Assembly.Location;
        var start = new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet",
            [assembly, "toy", run, Steps.ToString(CultureInfo.InvariantCulture)]);
        start.Environment["DOTNET_TieredPGO"] = "0";
        if (killPoint is not null) start.Environment["CRATON_KILLPOINT"] = killPoint;
        return Process.Start(start)!;
    }

    /// <summary>Names and SHA-256 of all files of a run, but for the times.</summary>
    private static string Fingerprint(string run) => string.Join('\n', Directory.GetFiles(run, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) != MetricsLog.TimingFile)
        .Select(path => $"{Path.GetRelativePath(run, path)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))}")
        .Order(StringComparer.Ordinal));
}
