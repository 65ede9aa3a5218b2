using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Tests.Catalog;
using Craton.Tensors.Tests.Simd;

namespace Craton.Tensors.Tests;

/// <summary>What a test runs in a child process of its own, with other switches of the runtime.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        switch (args)
        {
            case [SimdHash.Verb]:
                Console.WriteLine(SimdHash.Describe());
                return 0;
            case [CatalogRun.Verb]:
                Console.WriteLine(SimdWidth.Current);
                foreach (string line in CatalogRun.Hashes()) Console.WriteLine(line);
                return 0;
            default:
                return 2;
        }
    }
}
