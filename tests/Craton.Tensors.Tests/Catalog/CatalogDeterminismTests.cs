using System.Diagnostics;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>No operation's bits depend on the number of threads or on the registers.</summary>
[Collection("worker pool")]
public sealed class CatalogDeterminismTests(ITestOutputHelper output)
{
    // A process of its own too, with the widest registers: all processes that are compared do the same and nothing else.
    private static readonly Lazy<string[]> s_here = new(() => RunChild("CRATON_CATALOG", "widest")[1..]);

    public static TheoryData<string> Rows() => CatalogTests.Rows();

    [Theory]
    [MemberData(nameof(Rows))]
    public void Any_number_of_threads_gives_the_same_bits(string name)
    {
        OpRow row = OpCatalog.Row(name);
        int threads = WorkerPool.Threads;
        try
        {
            foreach (Arrangement arrangement in Enum.GetValues<Arrangement>())
            {
                Tensor[] inputs = row.Make(OpSize.Large, arrangement);
                var hashes = new ulong[4];
                for (int n = 1; n <= hashes.Length; n++)
                {
                    WorkerPool.SetThreads(n);
                    hashes[n - 1] = CatalogRun.Evaluate(row.Call, inputs).Hash();
                }
                Assert.True(hashes.Distinct().Count() == 1, $"{name}, {arrangement}: 1 to 4 threads give the hashes {string.Join(", ", hashes)}");
            }
        }
        finally
        {
            WorkerPool.SetThreads(threads);
        }
    }

    [Theory]
    [InlineData(SimdWidth.Variable, "256", 256)]
    [InlineData(SimdWidth.Variable, "128", 128)]
    [InlineData(SimdWidth.Variable, "scalar", 32)]
    [InlineData("DOTNET_EnableAVX512", "0", 256)]
    [InlineData("DOTNET_EnableAVX2", "0", 128)]
    [InlineData("DOTNET_EnableHWIntrinsic", "0", 32)]
    public void Any_registers_give_the_same_bits(string variable, string value, int widest)
    {
        string[] child = RunChild(variable, value);
        int width = int.Parse(child[0], System.Globalization.CultureInfo.InvariantCulture);
        output.WriteLine($"{variable}={value}: {width} bits, {child.Length - 1} rows");
        Assert.InRange(width, 32, widest); // the switch was heard
        string[] different = [.. s_here.Value.Except(child[1..])];
        Assert.True(different.Length == 0, $"{different.Length} rows differ from those of {SimdWidth.Current} bits: {string.Join("; ", different)}");
        Assert.Equal(s_here.Value.Length, child.Length - 1);
    }

    private static string[] RunChild(string variable, string value)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(host, ["exec", typeof(CatalogRun).Assembly.Location, CatalogRun.Verb])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(SimdWidth.Variable);
        start.Environment[variable] = value;
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        string[] lines = child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, $"the child process failed with {child.ExitCode}: {errors.Result}");
        return lines;
    }
}
