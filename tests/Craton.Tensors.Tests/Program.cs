using System.Globalization;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Tests.Catalog;
using Craton.Tensors.Tests.Quantization;
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
            case [QuantizedMatrixTests.Verb]:
                Console.WriteLine(QuantizedMatrixTests.Describe());
                return 0;
            case [CatalogRun.Verb, .. string[] rounds]:
                Console.WriteLine(SimdWidth.Current);
                for (int round = rounds is [string count] ? int.Parse(count, CultureInfo.InvariantCulture) : 1; round > 0; round--)
                    foreach (string line in CatalogRun.Hashes()) Console.WriteLine(line);
                return 0;
            case [CatalogMemory.Verb]:
                CatalogMemory.Print();
                return 0;
            default:
                return 2;
        }
    }
}
