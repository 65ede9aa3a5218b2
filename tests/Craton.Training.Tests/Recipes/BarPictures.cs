using System.Buffers.Binary;

namespace Craton.Training.Tests.Recipes;

/// <summary>Small pictures of one bright column on black, in IDX files; the label of a picture is its column.</summary>
internal static class BarPictures
{
    public const int Side = 8;

    /// <summary>Writes pictures.</summary>
    public static string Images(string folder, string name, int count)
    {
        byte[] file = new byte[16 + count * Side * Side];
        (file[2], file[3]) = (8, 3);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), count);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(8), Side);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(12), Side);
        for (int i = 0; i < count; i++)
            for (int y = 0; y < Side; y++) file[16 + (i * Side + y) * Side + i % Side] = 255;
        return Written(folder, name, file);
    }

    /// <summary>Writes their labels.</summary>
    public static string Labels(string folder, string name, int count)
    {
        byte[] file = new byte[8 + count];
        (file[2], file[3]) = (8, 1);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), count);
        for (int i = 0; i < count; i++) file[8 + i] = (byte)(i % Side);
        return Written(folder, name, file);
    }

    private static string Written(string folder, string name, byte[] file)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, file);
        return path;
    }
}
