using System.Diagnostics;

namespace Craton.Cli.Tests.Docs;

/// <summary>The samples run, and print what they promise.</summary>
public sealed class SampleTests
{
    [Fact]
    public void TrainAndAsk_learns_its_facts_with_the_same_bits_for_any_threads_and_registers()
    {
        string one = Run("TrainAndAsk", threads: 1), three = Run("TrainAndAsk", threads: 3, registers: "128");
        Assert.Contains("The capital of Japan is Tokyo.", one, StringComparison.Ordinal);
        Assert.Contains("The capital of Peru is Lima.", one, StringComparison.Ordinal);
        Assert.Contains("The capital of Egypt is Cairo.", one, StringComparison.Ordinal);
        Assert.Equal(one, three);
    }

    [Fact]
    public void Snippets_learn()
    {
        double[] losses = [.. Run("Snippets", threads: 1).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(2, losses.Length);
        Assert.True(losses[1] < losses[0] / 4, $"the loss went from {losses[0]} to {losses[1]}");
    }

    // The build of this test project builds the samples beside it, under the same configuration.
    private static string Run(string sample, int threads, string registers = "")
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        string program = Path.Combine(Repository.Root, "artifacts", "bin", sample, configuration, sample + ".dll");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [program])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["CRATON_THREADS"] = $"{threads}";
        start.Environment["CRATON_SIMD"] = registers;
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.ReplaceLineEndings("\n");
    }
}
