using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Craton.Training.Reports;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>
/// The same recipe gives the same weights, byte for byte: for any number of threads, with any registers, on any machine, and after any
/// interruption. <c>tests/same-bits.sh</c> does the same through the command line, for longer.
/// </summary>
public sealed partial class SameBitsTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 30;

    // SHA-256 of the weights after 30 steps: the same on every machine. A change of the arithmetic, the data order or the
    // initialisation changes it, and with it every model that was ever trained: say so when you write a new one here.
    private const string Expected = "69aa14ed12dbd5296408c22ad9b678cbaadf185b0d9181cc43c5ecd9dc171658";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("CRATON_THREADS", "1", 512)]
    [InlineData("CRATON_THREADS", "2", 512)]
    [InlineData("CRATON_THREADS", "3", 512)]
    [InlineData("CRATON_SIMD", "512", 512)]
    [InlineData("CRATON_SIMD", "256", 256)]
    [InlineData("CRATON_SIMD", "128", 128)]
    [InlineData("CRATON_SIMD", "scalar", 32)]
    [InlineData("DOTNET_EnableAVX512", "0", 256)]
    [InlineData("DOTNET_EnableAVX2", "0", 128)] // without it there is no fused multiply-add, and our kernels go one float at a time
    [InlineData("DOTNET_EnableHWIntrinsic", "0", 32)]
    public void Threads_registers_and_instructions_do_not_change_the_weights(string variable, string value, int widest)
    {
        string run = New("run");
        string[] printed = Child.Run(["tiny", run, $"{Steps}"], (variable, value));
        output.WriteLine(string.Join(", ", printed));
        int bits = int.Parse(printed[0].Split('-')[0], CultureInfo.InvariantCulture);
        Assert.True(bits <= widest, $"{variable}={value} had no effect: {printed[0]}");
        Assert.Equal(Expected, printed[^1]);
    }

    [Fact]
    public void Blocks_that_are_computed_again_on_the_way_back_do_not_change_the_weights() =>
        Assert.Equal(Expected, Child.Run(["tiny", New("run"), $"{Steps}", "checkpoint"])[^1]);

    [Fact]
    public void Killed_at_random_moments_and_resumed_leaves_the_same_files()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        string whole = New("whole"), run = New("run");
        var watch = Stopwatch.StartNew();
        _ = Child.Run(["tiny", whole, $"{Steps}"]);
        int longest = (int)watch.ElapsedMilliseconds;
        int kills = 0;
        for (int attempt = 0; attempt < 6; attempt++)
        {
            // At any time, or exactly between two acts of saving.
            using Process process = attempt % 2 == 0
                ? Child.Start(["tiny", run, $"{Steps}"])
                : Child.Start(["tiny", run, $"{Steps}"], ("CRATON_KILLPOINT", $"*:{random.Next(1, 60)}"));
            if (!process.WaitForExit(attempt % 2 == 0 ? random.Next(longest / 4, longest) : Child.LongestMilliseconds)) process.Kill();
            process.WaitForExit();
            if (process.ExitCode != 0) kills++;
        }
        Assert.Equal(Expected, Child.Run(["tiny", run, $"{Steps}"])[^1]);
        output.WriteLine($"seed {seed}: {kills} kills");
        Assert.True(kills > 0);
        Assert.Equal(Fingerprint(whole), Fingerprint(run));
    }

    [Fact]
    public void A_termination_signal_saves_and_the_resumed_run_ends_with_the_same_files()
    {
        if (OperatingSystem.IsWindows())
        {
            output.WriteLine("skipped: Windows has no termination signal");
            return;
        }
        string whole = New("whole");
        _ = Child.Run(["tiny", whole, $"{Steps}"]);
        for (int attempt = 0; attempt < 5; attempt++)
        {
            string run = New($"run-{attempt}");
            using Process process = Child.Start(["tiny", run, $"{Steps}"]);
            while (!process.HasExited && !Directory.Exists(Path.Combine(run, "runs", "tiny", "checkpoints", "step-00000003"))) Thread.Sleep(1);
            _ = Signal(process.Id, SigTerm);
            string printed = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            if (!printed.Contains("stopped", StringComparison.Ordinal)) continue; // it was faster than the signal
            Assert.Equal(Expected, Child.Run(["tiny", run, $"{Steps}"])[^1]);
            Assert.Equal(Fingerprint(whole), Fingerprint(run));
            return;
        }
        Assert.Fail("five runs ended before the signal came");
    }

    private const int SigTerm = 15;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    private string New(string name) => Directory.CreateDirectory(folder[name]).FullName;

    /// <summary>SHA-256 of everything a run leaves but its times, the report that shows them, and the checkpoints kept on the way.</summary>
    private static string Fingerprint(string run)
    {
        string root = Path.Combine(run, "runs", "tiny");
        return string.Join('\n', Directory.GetFiles(root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path))
            .Where(path => !path.StartsWith("checkpoints", StringComparison.Ordinal) && path is not (MetricsLog.TimingFile or "report.html"))
            .Order(StringComparer.Ordinal)
            .Select(path => $"{path} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(root, path))))}"));
    }
}
