using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Craton.Tensors.IO;

/// <summary>A tensor to be saved: what it is, and how to write its bytes.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Write">Writes the elements row-major, little-endian: as many bytes as type and shape say.</param>
public sealed record TensorSource(string Name, DType Type, IReadOnlyList<long> Shape, Action<Stream> Write)
{
    private const int ChunkElements = 1 << 16;

    /// <summary>Bytes of its data.</summary>
    public long Length => Shape.Aggregate((long)Type.Size(), (bytes, size) => checked(bytes * size));

    /// <summary>A tensor from bytes in memory.</summary>
    public static TensorSource FromBytes(string name, DType type, IReadOnlyList<long> shape, ReadOnlyMemory<byte> bytes) =>
        new(name, type, shape, stream => stream.Write(bytes.Span));

    /// <summary>A tensor from single precision in memory, stored as F32, or rounded to nearest as BF16 or F16.</summary>
    public static TensorSource FromFloats(string name, IReadOnlyList<long> shape, ReadOnlyMemory<float> values, DType type = DType.F32) => new(name, type, shape, stream =>
    {
        if (type == DType.F32)
        {
            stream.Write(MemoryMarshal.AsBytes(values.Span));
            return;
        }
        ushort[] chunk = new ushort[Math.Min(ChunkElements, values.Length)];
        for (int at = 0; at < values.Length; at += chunk.Length)
        {
            ReadOnlySpan<float> part = values.Span.Slice(at, Math.Min(chunk.Length, values.Length - at));
            HalfPrecision.Narrow(part, chunk.AsSpan(0, part.Length), type);
            stream.Write(MemoryMarshal.AsBytes(chunk.AsSpan(0, part.Length)));
        }
    });
}

/// <summary>Writes safetensors files. The same tensors give the same bytes.</summary>
public static class SafetensorsWriter
{
    /// <summary>Metadata that the Transformers library asks for.</summary>
    private static readonly IReadOnlyDictionary<string, string> Default = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };

    /// <summary>Saves a file; it is there completely or not at all (<see cref="DurableFile"/>).</summary>
    /// <param name="path">The file. One that is open or mapped may be replaced: its readers keep the old one.</param>
    /// <param name="tensors">The tensors in the order wanted. Wider element types come first, so that each lies at a multiple of its size.</param>
    /// <param name="metadata">Text to keep; <c>format: pt</c> when null.</param>
    /// <param name="files">The file system; the real one by default.</param>
    public static void Save(
        string path, IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null, IFileOps? files = null)
    {
        byte[] header = Header(tensors, metadata ?? Default);
        DurableFile.Write(path, stream => Write(stream, header, tensors), header.Length + tensors.Sum(tensor => tensor.Length), files);
    }

    /// <summary>Writes the same bytes to a stream.</summary>
    /// <inheritdoc cref="Save"/>
    public static void Write(Stream stream, IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(stream, Header(tensors, metadata ?? Default), tensors);

    private static void Write(Stream stream, byte[] header, IReadOnlyList<TensorSource> tensors)
    {
        stream.Write(header);
        foreach (TensorSource tensor in InFileOrder(tensors))
        {
            long start = stream.Position;
            tensor.Write(stream);
            if (stream.Position - start != tensor.Length)
                throw new InvalidOperationException(
                    $"Tensor '{tensor.Name}' has {tensor.Length} bytes, {stream.Position - start} were written.");
        }
    }

    /// <summary>Length and JSON, filled up with spaces to a multiple of 8 bytes.</summary>
    private static byte[] Header(IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[SafetensorsHeader.PrefixBytes]);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true }))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataName };
            long offset = 0;
            foreach (TensorSource tensor in InFileOrder(tensors))
            {
                if (!names.Add(tensor.Name))
                    throw new CratonException($"two tensors to be saved have the name '{tensor.Name}'; names must differ");
                WriteEntry(json, tensor, offset);
                offset = checked(offset + tensor.Length);
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        if (buffer.Length - SafetensorsHeader.PrefixBytes > SafetensorsHeader.MaxBytes)
            throw new CratonException(
                $"the header of {tensors.Count} tensors has {buffer.Length} bytes, at most {SafetensorsHeader.MaxBytes} are allowed; save fewer tensors per file");
        byte[] bytes = buffer.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)(bytes.Length - SafetensorsHeader.PrefixBytes));
        return bytes;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count == 0) return;
        json.WriteStartObject(SafetensorsHeader.MetadataName);
        foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, TensorSource tensor, long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", SafetensorsHeader.FormatOf(tensor.Type));
        json.WriteStartArray("shape");
        foreach (long size in tensor.Shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>PyTorch views the data in place and refuses elements that do not lie at a multiple of their size.</summary>
    private static IEnumerable<TensorSource> InFileOrder(IReadOnlyList<TensorSource> tensors) => tensors.OrderByDescending(tensor => tensor.Type.Size());
}
