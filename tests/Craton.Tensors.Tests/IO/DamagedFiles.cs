using Xunit;

namespace Craton.Tensors.Tests.IO;

/// <summary>What the tests of damaged files share.</summary>
internal static class DamagedFiles
{
    /// <summary>The file with one bit changed.</summary>
    public static byte[] Flipped(byte[] file, int bit)
    {
        byte[] copy = [.. file];
        copy[bit / 8] ^= (byte)(1 << (bit % 8));
        return copy;
    }

    /// <summary>Checks that this thread allocated at most 8 times the input and 1 MiB.</summary>
    /// <param name="before">Its allocated bytes before.</param>
    /// <param name="input">Bytes of the input.</param>
    public static void Within(long before, long input) =>
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * input + (1 << 20));
}
