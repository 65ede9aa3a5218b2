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

    /// <summary>Makes this the content of a file that many damaged ones follow each other in. It is never cut to nothing before: file systems wait for the disk then.</summary>
    public static void Write(string path, byte[] bytes)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        file.Write(bytes);
        file.SetLength(bytes.Length);
    }

    /// <summary>Checks that this thread allocated at most 8 times the input and 1 MiB.</summary>
    /// <param name="before">Its allocated bytes before.</param>
    /// <param name="input">Bytes of the input.</param>
    public static void Within(long before, long input) =>
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * input + (1 << 20));
}
