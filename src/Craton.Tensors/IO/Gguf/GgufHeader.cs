using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Craton.Tensors.Quantization;
using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>
/// Parses the head of a GGUF file, versions 2 and 3, believing nothing: every count and length is compared with what the file still has
/// before memory is asked for. Format: https://github.com/ggml-org/ggml, docs/gguf.md.
/// </summary>
internal sealed class GgufHeader
{
    /// <summary>The metadata that says to what multiples data is aligned.</summary>
    public const string AlignmentKey = "general.alignment";

    /// <summary>What data is aligned to unless the metadata says otherwise.</summary>
    public const int DefaultAlignment = 32;

    private const int MaxMetadata = 1 << 14, MaxTensors = 1 << 16, MaxStringBytes = 1 << 26, MaxNameBytes = 1 << 16, MaxDepth = 8, MaxRank = 4;
    private const int LeastMetadataBytes = 8 + 4 + 1, LeastTensorBytes = 8 + 4 + 4 + 8;

    // Bytes of the types in the order of their numbers; 0 for strings and arrays.
    private static ReadOnlySpan<byte> Sizes => [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

    private readonly SafeFileHandle _handle;
    private readonly string _file;
    private readonly long _fileBytes;
    private readonly byte[] _buffer = new byte[1 << 16];
    private long _bufferStart, _position;
    private int _buffered;

    private GgufHeader(SafeFileHandle handle, string file)
    {
        (_handle, _file) = (handle, file);
        _fileBytes = RandomAccess.GetLength(handle);
    }

    /// <summary>Version of the format: 2 or 3.</summary>
    public uint Version { get; private set; }

    /// <summary>The metadata, in the order of the file.</summary>
    public List<KeyValuePair<string, GgufValue>> Metadata { get; } = [];

    /// <summary>The metadata by key.</summary>
    public Dictionary<string, GgufValue> ByKey { get; } = new(StringComparer.Ordinal);

    /// <summary>The tensors, in the order of the file.</summary>
    public List<GgufEntry> Tensors { get; } = [];

    /// <summary>Reads and checks everything before the data.</summary>
    /// <exception cref="ModelFileException">It is no GGUF file, or not a valid one.</exception>
    public static GgufHeader Read(SafeFileHandle handle, string file)
    {
        var header = new GgufHeader(handle, file);
        header.ReadAll();
        return header;
    }

    private long Left => _fileBytes - _position;

    private void ReadAll()
    {
        if (_fileBytes < 4 || !Take(4).SequenceEqual("GGUF"u8))
            throw Bad(0, $"expected a GGUF file, got {_fileBytes} bytes that do not begin with 'GGUF'; the file is cut or of another format");
        Version = U32();
        if (Version is not (2 or 3))
            throw Bad(4, $"expected version 2 or 3, got {Version}{(Version is > 0 and <= 0x03000000 && (Version & 0xFFFF) == 0 ? " (a big-endian file)" : "")}; convert the file again");
        int tensors = Count("tensors", LeastTensorBytes, MaxTensors), metadata = Count("metadata", LeastMetadataBytes, MaxMetadata);
        for (int i = 0; i < metadata; i++)
        {
            long at = _position;
            string key = Text("a key", MaxNameBytes);
            GgufValue value = Value(key, ValueType(key), 0);
            if (!ByKey.TryAdd(key, value)) throw Bad(at, $"the metadata '{Short(key)}' occurs twice; write the file again");
            Metadata.Add(new(key, value));
        }
        int alignment = Alignment();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < tensors; i++) Tensors.Add(Tensor(names, alignment));
        PlaceData(alignment);
    }

    private int Alignment()
    {
        if (!ByKey.TryGetValue(AlignmentKey, out GgufValue value)) return DefaultAlignment;
        return value.Content is uint alignment && alignment <= 1 << 30 && int.IsPow2((int)alignment)
            ? (int)alignment
            : throw Bad(_position, $"expected {AlignmentKey} as a 32-bit power of two, got {value.Type} {(value.Content is GgufArray ? "" : value.Content)}; write the file again");
    }

    // The offset is still relative to the data, whose place is known only when all entries have been read.
    private GgufEntry Tensor(HashSet<string> names, int alignment)
    {
        long at = _position;
        string name = Text("the name of a tensor", MaxNameBytes);
        if (!names.Add(name)) throw Bad(at, $"tensor '{Short(name)}' occurs twice; write the file again");
        uint rank = U32();
        if (rank > MaxRank) throw Bad(at, $"tensor '{Short(name)}' has {rank} dimensions, expected at most {MaxRank}");
        long[] shape = new long[rank];
        UInt128 count = 1;
        for (int i = 0; i < rank; i++)
        {
            ulong size = U64();
            if (size > long.MaxValue || (count *= size) > long.MaxValue) throw Bad(at, $"tensor '{Short(name)}' is too large: its sizes multiply to more than 63 bits hold");
            shape[rank - 1 - i] = (long)size;
        }
        uint id = U32();
        if (!BlockTypes.IsKnown(id)) throw Bad(at, $"tensor '{Short(name)}' has type {id}, which is none of the known ones; convert the file again with a current program");
        var type = (BlockType)id;
        long row = rank == 0 ? 1 : shape[^1];
        if (row % type.BlockValues() != 0) throw Bad(at, $"tensor '{Short(name)}' has rows of {row} values, expected a multiple of the {type.BlockValues()} of a {type} block");
        UInt128 bytes = count / (uint)type.BlockValues() * (uint)type.BlockBytes();
        ulong offset = U64();
        if (offset % (uint)alignment != 0) throw Bad(at, $"tensor '{Short(name)}' begins at byte {offset} of the data, expected a multiple of {alignment}");
        if (bytes + offset > (ulong)_fileBytes) throw Bad(at, $"tensor '{Short(name)}' needs the bytes {offset} to {bytes + offset} of the data, but the file has {_fileBytes} in all; it was cut, copy it again");
        return new GgufEntry(name, type, shape, (long)offset, (long)bytes);
    }

    private void PlaceData(int alignment)
    {
        long start = (_position + alignment - 1) & -(long)alignment, end = 0;
        int[] order = [.. Enumerable.Range(0, Tensors.Count).OrderBy(i => Tensors[i].Offset).ThenBy(i => Tensors[i].Length)];
        foreach (int i in order)
        {
            GgufEntry entry = Tensors[i];
            if (entry.Length > 0 && entry.Offset < end) throw Bad(start + entry.Offset, $"tensor '{Short(entry.Name)}' overlaps another; write the file again");
            end = Math.Max(end, entry.Offset + entry.Length);
            if (end > 0 && start > _fileBytes - end) throw Bad(_fileBytes, $"tensor '{Short(entry.Name)}' ends at byte {start + end}, the file before; it was cut, copy it again");
            Tensors[i] = entry with { Offset = start + entry.Offset };
        }
    }

    private GgufValueType ValueType(string key)
    {
        long at = _position;
        uint type = U32();
        return type < Sizes.Length ? (GgufValueType)type : throw Bad(at, $"the metadata '{Short(key)}' has the unknown type {type}");
    }

    private GgufValue Value(string key, GgufValueType type, int depth) => new(type, type switch
    {
        GgufValueType.UInt8 => Take(1)[0],
        GgufValueType.Int8 => (sbyte)Take(1)[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(Take(2)),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(Take(2)),
        GgufValueType.UInt32 => U32(),
        GgufValueType.Int32 => (int)U32(),
        GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(Take(4)),
        GgufValueType.Bool => Bool(key),
        GgufValueType.String => Text(key, MaxStringBytes),
        GgufValueType.Array => Array(key, depth + 1),
        GgufValueType.UInt64 => U64(),
        GgufValueType.Int64 => (long)U64(),
        _ => BinaryPrimitives.ReadDoubleLittleEndian(Take(8)),
    });

    private GgufArray Array(string key, int depth)
    {
        long at = _position;
        if (depth > MaxDepth) throw Bad(at, $"the metadata '{Short(key)}' nests arrays deeper than {MaxDepth}");
        GgufValueType type = ValueType(key);
        int least = type switch { GgufValueType.String => 8, GgufValueType.Array => 12, _ => Sizes[(int)type] };
        ulong length = U64();
        if (length > (ulong)(Left / least) || length > (ulong)System.Array.MaxLength)
            throw Bad(at, $"the array '{Short(key)}' is said to have {length} items, more than the {Left} bytes that follow can hold; the file was cut, copy it again");
        int count = (int)length;
        return new GgufArray(type, type switch
        {
            GgufValueType.UInt8 => Numbers<byte>(count),
            GgufValueType.Int8 => Numbers<sbyte>(count),
            GgufValueType.UInt16 => Numbers<ushort>(count),
            GgufValueType.Int16 => Numbers<short>(count),
            GgufValueType.UInt32 => Numbers<uint>(count),
            GgufValueType.Int32 => Numbers<int>(count),
            GgufValueType.Float32 => Numbers<float>(count),
            GgufValueType.UInt64 => Numbers<ulong>(count),
            GgufValueType.Int64 => Numbers<long>(count),
            GgufValueType.Float64 => Numbers<double>(count),
            GgufValueType.Bool => Items(count, () => Bool(key)),
            GgufValueType.String => Items(count, () => Text(key, MaxStringBytes)),
            _ => Items(count, () => Array(key, depth + 1)),
        });
    }

    private T[] Numbers<T>(int count) where T : unmanaged
    {
        T[] items = count == 0 ? [] : new T[count]; // one empty array serves all
        Fill(MemoryMarshal.AsBytes(items.AsSpan()));
        return items;
    }

    private static T[] Items<T>(int count, Func<T> read)
    {
        T[] items = count == 0 ? [] : new T[count];
        for (int i = 0; i < count; i++) items[i] = read();
        return items;
    }

    private bool Bool(string key)
    {
        byte value = Take(1)[0];
        return value <= 1 ? value == 1 : throw Bad(_position - 1, $"the metadata '{Short(key)}' is a flag, expected 0 or 1, got {value}");
    }

    private int Count(string what, int leastBytes, int most)
    {
        long at = _position;
        ulong count = U64();
        if (count > (ulong)(Left / leastBytes)) throw Bad(at, $"the file is said to have {count} {what}, more than the {Left} bytes that follow can hold; it was cut, copy it again");
        if (count > (ulong)most) throw Bad(at, $"expected at most {most} {what}, got {count}");
        return (int)count;
    }

    // Pieces of some vocabularies are not valid UTF-8: what is not becomes U+FFFD.
    private string Text(string what, int most)
    {
        long at = _position;
        ulong length = U64();
        if (length > (ulong)Left) throw Bad(at, $"'{Short(what)}' is said to have {length} bytes, but the file ends after {Left}; it was cut, copy it again");
        if (length > (ulong)most) throw Bad(at, $"'{Short(what)}' has {length} bytes, expected at most {most}");
        if ((int)length <= _buffer.Length) return Encoding.UTF8.GetString(Take((int)length));
        byte[] bytes = new byte[length];
        Fill(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>The next bytes, valid until the next call; at most as many as the buffer has.</summary>
    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > Left) throw Bad(_position, $"the file ends here, {length - Left} more bytes expected; it was cut, copy it again");
        if (_position + length > _bufferStart + _buffered)
        {
            _bufferStart = _position;
            _buffered = (int)Math.Min(_buffer.Length, Left);
            ModelFile.ReadExactly(_handle, _file, _buffer.AsSpan(0, _buffered), _position);
        }
        ReadOnlySpan<byte> bytes = _buffer.AsSpan((int)(_position - _bufferStart), length);
        _position += length;
        return bytes;
    }

    private void Fill(Span<byte> destination)
    {
        if (destination.Length <= _buffer.Length)
        {
            Take(destination.Length).CopyTo(destination);
            return;
        }
        if (destination.Length > Left) throw Bad(_position, $"the file ends here, {destination.Length - Left} more bytes expected; it was cut, copy it again");
        ModelFile.ReadExactly(_handle, _file, destination, _position);
        _position += destination.Length;
    }

    private ModelFileException Bad(long at, string problem) => new(_file, at, problem);

    private static string Short(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
