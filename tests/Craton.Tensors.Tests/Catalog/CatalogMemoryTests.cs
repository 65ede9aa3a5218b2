namespace Craton.Tensors.Tests.Catalog;

/// <summary>In steady state no operation, forward or backward, takes memory from anywhere but the pool.</summary>
public sealed class CatalogMemoryTests
{
    // All rows are measured in one process that does nothing else, and without tiers: here the test runner and the compiler of hot
    // methods work at the same time, and what they cause is no fault of an operation.
    private static readonly Lazy<Dictionary<string, string>> s_measured = new(Measure);

    public static TheoryData<string> Rows() => CatalogTests.Rows();

    [Theory]
    [MemberData(nameof(Rows))]
    public void Steady_state_allocates_nothing(string name)
    {
        string measured = s_measured.Value[name];
        if (OpCatalog.Row(name).Allocates is not { } excuse) Assert.Equal("0 misses, 0 leased, 0 bytes", measured);
        else
        {
            Assert.StartsWith("0 misses, 0 leased, ", measured, StringComparison.Ordinal);
            Assert.False(measured.EndsWith(" 0 bytes", StringComparison.Ordinal), $"{name} does not allocate {excuse} any more: remove the excuse");
        }
    }

    private static Dictionary<string, string> Measure() =>
        Child.Run([CatalogMemory.Verb], ("DOTNET_TieredCompilation", "0")).Select(line => line.Split('\t')).ToDictionary(line => line[0], line => line[1]);
}
