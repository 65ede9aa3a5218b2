using System.Text;
using Craton.Tensors.Quantization;

namespace Craton.Tensors.IO;

/// <summary>A tensor to be saved in a GGUF file: what it is, and how to write its bytes.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Shape">Its shape, row-major; rows are whole blocks.</param>
/// <param name="Write">Writes the blocks, row after row: as many bytes as type and shape say.</param>
public sealed record GgufSource(string Name, BlockType Type, IReadOnlyList<long> Shape, Action<Stream> Write)
{
    /// <summary>Bytes of its data.</summary>
    public long Length => Type.ByteCount(Shape.Aggregate(1L, (count, size) => checked(count * size)));

    /// <summary>A tensor from single precision, quantised row by row while it is written.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">A type that can be written.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="readRow">Fills one row of values, given its number.</param>
    public static GgufSource FromRows(string name, BlockType type, IReadOnlyList<long> shape, Action<long, Span<float>> readRow) => new(name, type, shape, stream =>
    {
        int length = shape.Count == 0 ? 1 : checked((int)shape[^1]);
        float[] row = new float[length];
        byte[] blocks = new byte[type.ByteCount(length)];
        long rows = shape.Aggregate(1L, (count, size) => count * size) / Math.Max(1, length);
        for (long i = 0; i < rows; i++)
        {
            readRow(i, row);
            Blocks.Quantize(type, row, blocks);
            stream.Write(blocks);
        }
    });
}

/// <summary>Writes GGUF files, version 3, little endian. The same content gives the same bytes.</summary>
public static class GgufWriter
{
    private const int MaxRank = 4, MaxNameBytes = 63; // what readers of the format take

    /// <summary>Saves a file; it is there completely or not at all (<see cref="DurableFile"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Keys and values in the order wanted. <c>general.alignment</c> is obeyed when given.</param>
    /// <param name="tensors">The tensors in the order wanted.</param>
    /// <param name="files">The file system; the real one by default.</param>
    /// <exception cref="CratonException">A name occurs twice or is too long, or a row is not made of whole blocks.</exception>
    public static void Save(
        string path, IReadOnlyList<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufSource> tensors, IFileOps? files = null)
    {
        int alignment = Alignment(metadata);
        byte[] header = Header(metadata, tensors, alignment);
        DurableFile.Write(path, stream => Write(stream, header, tensors, alignment), header.Length + tensors.Sum(tensor => Padded(tensor.Length, alignment)), files);
    }

    /// <summary>Writes the same bytes to a stream.</summary>
    public static void Write(Stream stream, IReadOnlyList<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufSource> tensors)
    {
        int alignment = Alignment(metadata);
        Write(stream, Header(metadata, tensors, alignment), tensors, alignment);
    }

    private static void Write(Stream stream, byte[] header, IReadOnlyList<GgufSource> tensors, int alignment)
    {
        stream.Write(header);
        byte[] zeros = new byte[alignment];
        foreach (GgufSource tensor in tensors)
        {
            long start = stream.Position;
            tensor.Write(stream);
            long written = stream.Position - start;
            if (written != tensor.Length) throw new InvalidOperationException($"Tensor '{tensor.Name}' has {tensor.Length} bytes, {written} were written.");
            stream.Write(zeros, 0, (int)(Padded(written, alignment) - written));
        }
    }

    private static byte[] Header(IReadOnlyList<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufSource> tensors, int alignment)
    {
        var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string key, GgufValue value) in metadata)
        {
            if (!names.Add(key)) throw new CratonException($"two values to be saved have the key '{key}'; keys must differ");
            Put(writer, key);
            writer.Write((uint)value.Type);
            Put(writer, value.Type, value.Content);
        }
        names.Clear();
        long offset = 0;
        foreach (GgufSource tensor in tensors)
        {
            Check(tensor, names);
            Put(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Count);
            foreach (long size in tensor.Shape.Reverse()) writer.Write((ulong)size);
            writer.Write((uint)tensor.Type);
            writer.Write((ulong)offset);
            offset = checked(offset + Padded(tensor.Length, alignment));
        }
        while (buffer.Length % alignment != 0) buffer.WriteByte(0);
        return buffer.ToArray();
    }

    private static void Check(GgufSource tensor, HashSet<string> names)
    {
        if (!names.Add(tensor.Name)) throw new CratonException($"two tensors to be saved have the name '{tensor.Name}'; names must differ");
        if (Encoding.UTF8.GetByteCount(tensor.Name) > MaxNameBytes)
            throw new CratonException($"tensor '{tensor.Name}': expected a name of at most {MaxNameBytes} bytes, which is what readers of GGUF take; shorten it");
        if (tensor.Shape.Count > MaxRank) throw new CratonException($"tensor '{tensor.Name}': expected at most {MaxRank} dimensions, got {tensor.Shape.Count}");
        long row = tensor.Shape.Count == 0 ? 1 : tensor.Shape[^1];
        if (row % tensor.Type.BlockValues() != 0)
            throw new CratonException($"tensor '{tensor.Name}': expected rows of a multiple of {tensor.Type.BlockValues()} values for {tensor.Type}, got {row}; use a type with smaller blocks");
    }

    private static int Alignment(IReadOnlyList<KeyValuePair<string, GgufValue>> metadata)
    {
        foreach ((string key, GgufValue value) in metadata)
            if (key == GgufHeader.AlignmentKey)
                return value.Content is uint alignment && alignment <= 1 << 30 && int.IsPow2((int)alignment) ? (int)alignment
                    : throw new CratonException($"{GgufHeader.AlignmentKey}: expected a 32-bit power of two, got {value.Content}");
        return GgufHeader.DefaultAlignment;
    }

    private static long Padded(long bytes, int alignment) => (bytes + alignment - 1) & -(long)alignment;

    private static void Put(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void Put(BinaryWriter writer, GgufValueType type, object content)
    {
        switch (type)
        {
            case GgufValueType.UInt8: writer.Write((byte)content); break;
            case GgufValueType.Int8: writer.Write((sbyte)content); break;
            case GgufValueType.UInt16: writer.Write((ushort)content); break;
            case GgufValueType.Int16: writer.Write((short)content); break;
            case GgufValueType.UInt32: writer.Write((uint)content); break;
            case GgufValueType.Int32: writer.Write((int)content); break;
            case GgufValueType.Float32: writer.Write((float)content); break;
            case GgufValueType.Bool: writer.Write((bool)content); break;
            case GgufValueType.String: Put(writer, (string)content); break;
            case GgufValueType.UInt64: writer.Write((ulong)content); break;
            case GgufValueType.Int64: writer.Write((long)content); break;
            case GgufValueType.Float64: writer.Write((double)content); break;
            default:
                var array = (GgufArray)content;
                writer.Write((uint)array.ItemType);
                writer.Write((ulong)array.Items.Length);
                foreach (object item in array.Items) Put(writer, array.ItemType, item);
                break;
        }
    }
}
