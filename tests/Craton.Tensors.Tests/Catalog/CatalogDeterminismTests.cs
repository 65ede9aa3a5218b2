using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>No operation's bits depend on the number of threads or on the registers.</summary>
[Collection("worker pool")]
public sealed class CatalogDeterminismTests(ITestOutputHelper output)
{
    // In this process, after and among everything else that tests do here.
    private static readonly Lazy<string[]> s_here = new(() => [.. CatalogRun.Hashes()]);

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
    [InlineData(SimdWidth.Variable, "512", 512)]
    [InlineData(SimdWidth.Variable, "256", 256)]
    [InlineData(SimdWidth.Variable, "128", 128)]
    [InlineData(SimdWidth.Variable, "scalar", 32)]
    [InlineData("DOTNET_EnableAVX512", "0", 256)]
    [InlineData("DOTNET_EnableAVX2", "0", 128)]
    [InlineData("DOTNET_EnableHWIntrinsic", "0", 32)]
    [InlineData("DOTNET_TieredCompilation", "0", 512)]
    public void Any_registers_give_the_same_bits(string variable, string value, int widest)
    {
        string[] child = Child.Run([CatalogRun.Verb], (variable, value));
        int width = int.Parse(child[0], System.Globalization.CultureInfo.InvariantCulture);
        output.WriteLine($"{variable}={value}: {width} bits, {child.Length - 1} rows");
        Assert.InRange(width, 32, widest); // the switch was heard
        AssertSame(s_here.Value, child[1..], $"in this process of {SimdWidth.Current} bits");
    }

    // Methods are compiled again while a process runs: hot ones, and long loops in the middle of a run. With these switches that happens at once.
    [Theory]
    [InlineData("DOTNET_TC_CallCountingDelayMs", "0")]
    [InlineData("DOTNET_TC_OnStackReplacement_InitialCounter", "1")]
    [InlineData("DOTNET_ReadyToRun", "0")]
    public void Bits_stay_while_methods_are_compiled_again(string variable, string value)
    {
        string[] rounds = Child.Run([CatalogRun.Verb, "3"], (variable, value), ("DOTNET_TC_CallCountThreshold", "5"))[1..];
        Assert.Equal(3 * s_here.Value.Length, rounds.Length);
        foreach (string[] round in rounds.Chunk(s_here.Value.Length)) AssertSame(s_here.Value, round, "in this process");
    }

    private static void AssertSame(string[] here, string[] there, string where)
    {
        string[] different = [.. here.Zip(there).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First}, there {pair.Second}")];
        // Whether another try here gives the old bits or the new ones says what to look for: a race, or code and state of the process.
        string again = different.Length == 0 ? "" : string.Join("; ", here.Zip(CatalogRun.Hashes()).Where(pair => pair.First != pair.Second).Select(pair => pair.Second));
        Assert.True(different.Length == 0, $"{different.Length} rows differ {where}: {string.Join("; ", different)}. Once more here, changed: {again}");
        Assert.Equal(here.Length, there.Length);
    }
}
