using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Craton.Tensors.IO;

/// <summary>
/// Parses the header of a safetensors file, believing nothing: every length is checked before memory is asked for, and every
/// byte of the data belongs to exactly one tensor. Format: 8 bytes little-endian length, that many bytes of JSON, the data
/// (https://github.com/huggingface/safetensors).
/// </summary>
internal ref struct SafetensorsHeader
{
    public const int PrefixBytes = 8;
    public const int MaxBytes = 100_000_000;
    public const string MetadataName = "__metadata__";
    private const int MaxRank = 64;

    /// <summary>All element types of the format with their size in bits, and ours.</summary>
    private static readonly (string Name, int Bits, DType? Type)[] Formats =
    [
        ("F32", 32, DType.F32), ("F64", 64, DType.F64), ("BF16", 16, DType.BF16), ("F16", 16, DType.F16), ("I32", 32, DType.I32),
        ("I64", 64, DType.I64), ("BOOL", 8, DType.Bool), ("U8", 8, DType.U8), ("I8", 8, null), ("I16", 16, null), ("U16", 16, null),
        ("U32", 32, null), ("U64", 64, null), ("F8_E4M3", 8, null), ("F8_E5M2", 8, null), ("F8_E8M0", 8, null), ("C64", 64, null),
        ("F4", 4, null), ("F6_E2M3", 6, null), ("F6_E3M2", 6, null),
    ];

    private readonly string file;
    private readonly long dataStart;
    private readonly long dataBytes;
    private Utf8JsonReader reader;

    private SafetensorsHeader(string file, ReadOnlySpan<byte> json, long dataBytes)
    {
        this.file = file;
        this.dataBytes = dataBytes;
        dataStart = PrefixBytes + json.Length;
        reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
    }

    /// <summary>The name that the format has for one of our element types.</summary>
    public static string FormatOf(DType type) => Array.Find(Formats, format => format.Type == type).Name;

    /// <summary>Checks the length of the header against the file.</summary>
    /// <returns>Bytes of JSON that follow the prefix.</returns>
    public static int ReadLength(string file, ReadOnlySpan<byte> prefix, long fileBytes)
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxBytes) throw new ModelFileException(file, 0, $"expected a header of at most {MaxBytes} bytes, got {length}");
        if (length > (ulong)(fileBytes - PrefixBytes))
            throw new ModelFileException(file, 0,
                $"the header is said to have {length} bytes, but the file ends after {fileBytes - PrefixBytes}; it was cut, copy it again");
        return (int)length;
    }

    /// <summary>Parses the JSON.</summary>
    /// <param name="file">Path, for errors.</param>
    /// <param name="json">The header without its length.</param>
    /// <param name="dataBytes">Bytes of the file behind the header.</param>
    /// <param name="metadata">Receives the metadata.</param>
    /// <returns>The tensors in the order of their data.</returns>
    public static List<SafetensorsEntry> Parse(string file, ReadOnlySpan<byte> json, long dataBytes, Dictionary<string, string> metadata)
    {
        if (json.Length == 0 || json[0] != (byte)'{')
            throw new ModelFileException(file, PrefixBytes, "expected the header to begin with '{'");
        if (!Utf8.IsValid(json)) throw new ModelFileException(file, PrefixBytes, "the header is not valid UTF-8");
        var header = new SafetensorsHeader(file, json, dataBytes);
        try
        {
            // The sort is stable: tensors without data stay where the header has them.
            List<SafetensorsEntry> entries = [.. header.ReadAll(metadata).OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length)];
            header.CheckCoverage(entries);
            return entries;
        }
        catch (JsonException error)
        {
            throw new ModelFileException(file, header.Position, "the header is not valid JSON", error);
        }
    }

    private readonly long Position => PrefixBytes + reader.TokenStartIndex;

    private List<SafetensorsEntry> ReadAll(Dictionary<string, string> metadata)
    {
        var entries = new List<SafetensorsEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        Expect(JsonTokenType.StartObject, "an object");
        while (Next() != JsonTokenType.EndObject)
        {
            string name = Text();
            if (!names.Add(name)) throw Bad($"the name '{Short(name)}' occurs twice");
            if (name == MetadataName) ReadMetadata(metadata);
            else entries.Add(ReadEntry(name));
        }
        if (reader.Read()) throw Bad("expected nothing behind the header's object"); // Read throws by itself on garbage
        return entries;
    }

    private void ReadMetadata(Dictionary<string, string> metadata)
    {
        Expect(JsonTokenType.StartObject, "an object of strings as metadata");
        while (Next() != JsonTokenType.EndObject)
        {
            string key = Text();
            Expect(JsonTokenType.String, "a string as metadata", key);
            if (!metadata.TryAdd(key, Text())) throw Bad($"the metadata '{Short(key)}' occurs twice");
        }
    }

    private SafetensorsEntry ReadEntry(string name)
    {
        long at = Position;
        (string Name, int Bits, DType? Type)? format = null;
        long[]? sizes = null;
        (long Begin, long End)? range = null;
        Expect(JsonTokenType.StartObject, "an object for tensor", name);
        while (Next() != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("dtype"u8) && format is null) format = ReadFormat(name);
            else if (reader.ValueTextEquals("shape"u8) && sizes is null) sizes = ReadShape(name);
            else if (reader.ValueTextEquals("data_offsets"u8) && range is null) range = ReadRange(name);
            else throw Bad($"tensor '{Short(name)}' has a field '{Short(Text())}' that is unknown or occurs twice");
        }
        if (format is not { } type || sizes is null || range is not { } bytes)
            throw new ModelFileException(file, at, $"tensor '{Short(name)}' lacks dtype, shape or data_offsets");
        long expected = ByteCount(at, name, type.Bits, sizes);
        if (bytes.End - bytes.Begin != expected)
            throw new ModelFileException(file, at,
                $"tensor '{Short(name)}' of type {type.Name} and this shape needs {expected} bytes, its data_offsets give {bytes.End - bytes.Begin}");
        return new SafetensorsEntry(name, type.Name, type.Type, sizes, dataStart + bytes.Begin, expected);
    }

    private (string, int, DType?) ReadFormat(string name)
    {
        Expect(JsonTokenType.String, "a string as dtype of tensor", name);
        foreach ((string Name, int, DType?) format in Formats)
            if (reader.ValueTextEquals(format.Name)) return format;
        throw Bad($"tensor '{Short(name)}' has the unknown dtype '{Short(Text())}'");
    }

    private long[] ReadShape(string name)
    {
        Expect(JsonTokenType.StartArray, "an array as shape of tensor", name);
        Span<long> sizes = stackalloc long[MaxRank];
        int rank = 0;
        while (Next() != JsonTokenType.EndArray)
        {
            if (rank == MaxRank) throw Bad($"tensor '{Short(name)}' has more than {MaxRank} dimensions");
            sizes[rank++] = Whole("a size of tensor", name);
        }
        return sizes[..rank].ToArray();
    }

    private (long, long) ReadRange(string name)
    {
        Expect(JsonTokenType.StartArray, "two numbers as data_offsets of tensor", name);
        Next();
        long begin = Whole("data_offsets of tensor", name);
        Next();
        long end = Whole("data_offsets of tensor", name);
        Expect(JsonTokenType.EndArray, "two numbers as data_offsets of tensor", name);
        if (begin > end || end > dataBytes)
            throw Bad($"data_offsets of tensor '{Short(name)}' are {begin} to {end}, expected a range within the {dataBytes} bytes of data");
        return (begin, end);
    }

    private readonly long ByteCount(long at, string name, int bits, long[] sizes)
    {
        try
        {
            long count = 1;
            foreach (long size in sizes) count = checked(count * size);
            long total = checked(count * bits);
            if (total % 8 == 0) return total / 8;
            throw new ModelFileException(file, at, $"tensor '{Short(name)}' does not fill whole bytes");
        }
        catch (OverflowException error)
        {
            throw new ModelFileException(file, at, $"the shape of tensor '{Short(name)}' is too large to count its bytes", error);
        }
    }

    /// <summary>Requires that the data begins with the first byte, ends with the last, and has no hole or overlap.</summary>
    private readonly void CheckCoverage(List<SafetensorsEntry> entries)
    {
        long end = dataStart;
        foreach (SafetensorsEntry entry in entries)
        {
            if (entry.Offset != end)
                throw new ModelFileException(file, Math.Min(end, entry.Offset),
                    $"tensor '{Short(entry.Name)}' begins at byte {entry.Offset}, expected {end}: the data has {(entry.Offset > end ? "a hole" : "an overlap")}");
            end += entry.Length;
        }
        if (end != dataStart + dataBytes)
            throw new ModelFileException(file, end, $"the last tensor ends here, but {dataStart + dataBytes - end} more bytes follow");
    }

    private JsonTokenType Next()
    {
        if (!reader.Read()) throw Bad("the header is not valid JSON");
        return reader.TokenType;
    }

    /// <summary>The message is put together only when it is needed: a header may have a million names.</summary>
    private void Expect(JsonTokenType type, string what, string? name = null)
    {
        if (Next() != type) throw Bad(name is null ? $"expected {what}" : $"expected {what} '{Short(name)}'");
    }

    private readonly long Whole(string what, string name) => reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) && value >= 0
        ? value
        : throw Bad($"expected a whole number from 0 as {what} '{Short(name)}'");

    private readonly string Text()
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException error) // half of a surrogate pair, escaped
        {
            throw new ModelFileException(file, Position, "a string of the header is not valid Unicode", error);
        }
    }

    private readonly ModelFileException Bad(string problem) => new(file, Position, problem);

    private static string Short(string name) => name.Length <= 80 ? name : name[..80] + "…";
}
