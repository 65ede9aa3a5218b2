using System.Buffers.Binary;

namespace Craton.Data.Images;

/// <summary>An array of bytes with its shape, as an IDX file holds it.</summary>
/// <param name="Shape">Its sizes, 1 to 4 of them.</param>
/// <param name="Values">All values, row-major.</param>
public sealed record IdxArray(int[] Shape, byte[] Values);

/// <summary>Reads IDX files, the format of MNIST and its relatives, also compressed (<c>.gz</c>). Only arrays of unsigned bytes are read.</summary>
public static class IdxReader
{
    private const byte UnsignedByte = 8;
    private const int MostDimensions = 4, MostExpansion = 1032; // deflate makes at most 1032 bytes of one

    /// <summary>Reads grey pictures and their labels.</summary>
    /// <param name="images">File of an array [count, height, width].</param>
    /// <param name="labels">File of an array [count], or null.</param>
    /// <exception cref="DataFileException">A file is damaged, of another shape, or too large; or the two do not belong together.</exception>
    public static ImageSet ReadImages(string images, string? labels = null)
    {
        IdxArray pixels = Read(images);
        if (pixels.Shape is not [> 0, > 0, > 0]) throw new DataFileException(images, "", $"expected pictures [count, height, width], got an array [{string.Join(", ", pixels.Shape)}]; give the file of the images.");
        int[] classes = [];
        if (labels is not null)
        {
            IdxArray values = Read(labels);
            if (values.Shape.Length != 1 || values.Shape[0] != pixels.Shape[0])
                throw new DataFileException(labels, "", $"expected a label for each of the {pixels.Shape[0]} pictures of '{images}', got an array [{string.Join(", ", values.Shape)}]; give the labels of the same part.");
            classes = Array.ConvertAll(values.Values, value => (int)value);
        }
        return new(pixels.Shape[2], pixels.Shape[1], 1, pixels.Values, classes, []);
    }

    /// <summary>Reads one array.</summary>
    /// <exception cref="DataFileException">The file is no IDX file of bytes, damaged, or larger than <see cref="ImageSet.MostBytes"/>.</exception>
    public static IdxArray Read(string path)
    {
        using DataStream stream = DataStream.Open(path, new TextFileOptions());
        long length = new FileInfo(path).Length;
        return Read(stream, path, DataStream.IsCompressed(path) ? length * MostExpansion : length);
    }

    /// <summary>Reads one array from a stream that can hold at most so many bytes.</summary>
    internal static IdxArray Read(Stream stream, string name, long mostBytes)
    {
        Span<byte> head = stackalloc byte[4 + 4 * MostDimensions];
        Fill(stream, name, head[..4]);
        if (head[0] != 0 || head[1] != 0 || head[2] != UnsignedByte || head[3] is < 1 or > MostDimensions)
            throw new DataFileException(name, "byte 0", $"expected an IDX file of unsigned bytes with 1 to {MostDimensions} dimensions (00 00 08 01 to 04), got {Convert.ToHexString(head[..4])}.");
        int[] shape = new int[head[3]];
        Fill(stream, name, head[..(4 * shape.Length)]);
        long count = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(head[(4 * i)..]);
            if (shape[i] < 1 || (count *= shape[i]) > Math.Min(ImageSet.MostBytes, mostBytes))
                throw new DataFileException(name, $"byte {4 + 4 * i}", $"expected sizes above 0 of at most {Math.Min(ImageSet.MostBytes, mostBytes):N0} values in all, got [{string.Join(", ", shape[..(i + 1)])}]; the file is cut or its sizes are false.");
        }
        byte[] values = new byte[count];
        Fill(stream, name, values);
        return stream.ReadByte() < 0 ? new(shape, values) : throw new DataFileException(name, "", $"expected {count:N0} values, got more; its sizes are false.");
    }

    private static void Fill(Stream stream, string name, Span<byte> bytes)
    {
        int got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length) throw new DataFileException(name, "", $"expected {bytes.Length:N0} more bytes, got {got:N0}; the file is cut, get it again.");
    }
}
