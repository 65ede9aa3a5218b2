using Craton.Tensors.Tests.Simd;

namespace Craton.Tensors.Tests;

/// <summary>What a test runs in a child process of its own, with other switches of the runtime.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [SimdHash.Verb])
            return 2;
        Console.WriteLine(SimdHash.Describe());
        return 0;
    }
}
