using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Xunit.Abstractions;

namespace Craton.Cli.Tests;

/// <summary>Training that is stopped, killed, resumed, or whose checkpoint or disk is bad.</summary>
public sealed class InterruptedTrainingTests : IDisposable
{
    private readonly Tool _tool = new();
    private readonly ITestOutputHelper _log;

    public InterruptedTrainingTests(ITestOutputHelper log)
    {
        _log = log;
        _tool.Write("text.txt", Tiny.Text());
        _tool.Write("tiny.yaml", Tiny.Recipe("text.txt"));
        _tool.Write("long.yaml", Tiny.Recipe("text.txt", steps: 1_000_000));
    }

    public void Dispose() => _tool.Dispose();

    private string[] Checkpoints(string run = "tiny") => Directory.Exists(_tool.At($"runs/{run}/checkpoints"))
        ? [.. Directory.GetDirectories(_tool.At($"runs/{run}/checkpoints"), "step-*").Order(StringComparer.Ordinal)] : [];

    [Fact]
    public void RunThatExists_NeedsResume()
    {
        string hash = (string)_tool.Run("train", "tiny.yaml", "--json").Json["sha256"]!;
        Bad.Expect(_tool.Run("train", "tiny.yaml"), "holds a run already", "--resume");
        Bad.Expect(_tool.Run("train", "tiny.yaml", "--resume", "--set", "train.batch=4"), "another recipe", "batch");
        Assert.Equal(hash, (string)_tool.Run("train", "tiny.yaml", "--resume", "--json").Json["sha256"]!);
    }

    [Fact]
    public void DamagedCheckpoint_FallsBackToTheOneBefore_AndSaysSo()
    {
        string hash = (string)_tool.Run("train", "tiny.yaml", "--json").Json["sha256"]!;
        string newest = Checkpoints()[^1];
        string file = Directory.GetFiles(newest, "*.safetensors").Order(StringComparer.Ordinal).First();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 0xFF;
        File.WriteAllBytes(file, bytes);
        ToolResult resumed = _tool.Run("train", "tiny.yaml", "--resume", "--json");
        Assert.Equal(hash, (string)resumed.Json["sha256"]!);
        Assert.Contains("falling back", resumed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void NoIntactCheckpoint_IsRefused_AndNothingIsLost()
    {
        Assert.Equal(0, _tool.Run("train", "tiny.yaml").ExitCode);
        File.Delete(Path.Combine(Checkpoints()[^1], "state.json"));
        foreach (string checkpoint in Checkpoints()[..^1])
            using (FileStream file = File.OpenWrite(Path.Combine(checkpoint, "model.safetensors"))) file.SetLength(100);
        string[] before = Files();
        Bad.Expect(_tool.Run("train", "tiny.yaml", "--resume"), "none of the 2 checkpoints is intact", "restore one from a copy");
        Assert.Equal(before, Files());

        string[] Files() => [.. Directory.GetFiles(_tool.At("runs"), "*", SearchOption.AllDirectories).Select(f => $"{f} {new FileInfo(f).Length}").Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void RunThatWasComplete_ReportsItsRateAgain()
    {
        _ = _tool.Run("train", "tiny.yaml");
        JsonObject again = _tool.Run("train", "tiny.yaml", "--resume", "--json").Json;
        Assert.True((double)again["tokens_per_second"]! > 0);
        Assert.True((double)again["val_loss"]! > 0);
    }

    [Fact]
    public void Termination_SavesAndEndsWell()
    {
        if (OperatingSystem.IsWindows())
        {
            _log.WriteLine("skipped: Windows has no SIGTERM");
            return;
        }
        using Process process = _tool.Start(["train", "long.yaml", "--json"]);
        AwaitCheckpoint(process);
        using (Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        JsonObject json = Tool.Finish(process, null).Json;
        Assert.True((bool)json["stopped"]!);
        Assert.EndsWith($"step-{(long)json["steps"]!:D8}", Checkpoints()[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void KilledAndResumed_GivesTheSameWeights()
    {
        // Enough steps to be killed in the middle.
        _tool.Write("some.yaml", Tiny.Recipe("text.txt", steps: 400));
        string whole = (string)_tool.Run("train", "some.yaml", "--set", "name=whole", "--json").Json["sha256"]!;
        using (Process process = _tool.Start(["train", "some.yaml"]))
        {
            AwaitCheckpoint(process);
            process.Kill();
            process.WaitForExit();
        }
        Assert.False(Directory.Exists(_tool.At("runs/tiny/model")), "the run ended before it was killed");
        ToolResult resumed = _tool.Run("train", "some.yaml", "--resume", "--json");
        Assert.Equal(400, (long)resumed.Json["steps"]!);
        Assert.Equal(whole, (string)resumed.Json["sha256"]!);
    }

    [Fact]
    public void FullDisk_LosesNothing()
    {
        if (_tool.WhyNoMounts() is { } why)
        {
            _log.WriteLine($"skipped: {why}");
            return;
        }
        // Room for some checkpoints of about 170 kB, but not for the 20 that are to be kept. What was left is copied out to be looked at.
        ToolResult full = _tool.RunInOwnMounts(
            "mkdir runs kept; mount -t tmpfs -o size=1500k none runs; craton train long.yaml --set train.keep=1000 --set train.steps=100; code=$?; cp -r runs/. kept; exit $code");
        Bad.Expect(full, "cannot be written", "free some space");
        Directory.Move(_tool.At("kept"), _tool.At("runs2"));
        ToolResult resumed = _tool.Run("train", "long.yaml", "--runs", "runs2", "--resume", "--set", "train.keep=1000", "--set", "train.steps=100", "--json");
        Assert.Equal(100, (long)resumed.Json["steps"]!);
        Assert.DoesNotContain("falling back", resumed.Error, StringComparison.Ordinal);
    }

    private void AwaitCheckpoint(Process process)
    {
        var clock = Stopwatch.StartNew();
        while (Checkpoints().Length == 0)
        {
            Assert.False(process.HasExited, "training ended before its first checkpoint");
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), "no checkpoint in two minutes");
            Thread.Sleep(10);
        }
    }
}
