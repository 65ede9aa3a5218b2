using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Craton.Tensors;

namespace Craton.Cli.Packing;

/// <summary>
/// Which files lie behind a program, as JSON; behind it, at the very end, stand where the index begins, its length, and a mark.
/// </summary>
/// <param name="IsFile">True: the model is the one file; false: it is the folder of all.</param>
/// <param name="Files">The files, at least one.</param>
internal sealed record PackedIndex(bool IsFile, IReadOnlyList<PackedIndex.Entry> Files)
{
    private const int FooterBytes = 32, Longest = 1 << 20;

    /// <summary>A file: its name within the model, its place behind the program, and its hash.</summary>
    public sealed record Entry(string Path, long Start, long Length, string Sha256);

    private static ReadOnlySpan<byte> Mark => "craton packed 01"u8;

    /// <summary>A name for exactly this content.</summary>
    [JsonIgnore]
    public string Name => Convert.ToHexStringLower(SHA256.HashData(ToJson()))[..32];

    /// <summary>Reads the index of a program; null when it carries no model.</summary>
    /// <param name="program">The whole program.</param>
    /// <param name="path">Its path, for the error.</param>
    /// <exception cref="CratonException">The index is damaged.</exception>
    public static PackedIndex? Read(Stream program, string path)
    {
        if (program.Length < FooterBytes) return null;
        Span<byte> footer = stackalloc byte[FooterBytes];
        program.Position = program.Length - FooterBytes;
        program.ReadExactly(footer);
        if (!footer[16..].SequenceEqual(Mark)) return null;
        long start = BinaryPrimitives.ReadInt64LittleEndian(footer), length = BinaryPrimitives.ReadInt64LittleEndian(footer[8..]);
        if (length is < 2 or > Longest || start != program.Length - FooterBytes - length || start < 0) throw Damaged(path);
        byte[] json = new byte[length];
        program.Position = start;
        program.ReadExactly(json);
        try
        {
            PackedIndex? index = JsonSerializer.Deserialize(json, PackedIndexJson.Default.PackedIndex);
            bool isWhole = index is { Files.Count: > 0 } && index.Files.All(file => file is { Start: >= 0, Length: >= 0 } && file.Start <= start - file.Length && !file.Path.Contains('\0'));
            return isWhole ? index : throw Damaged(path);
        }
        catch (JsonException)
        {
            throw Damaged(path);
        }
    }

    /// <summary>Writes the index behind all files.</summary>
    public void Write(Stream output)
    {
        long start = output.Position;
        byte[] json = ToJson();
        output.Write(json);
        Span<byte> footer = stackalloc byte[FooterBytes];
        BinaryPrimitives.WriteInt64LittleEndian(footer, start);
        BinaryPrimitives.WriteInt64LittleEndian(footer[8..], json.Length);
        Mark.CopyTo(footer[16..]);
        output.Write(footer);
    }

    /// <summary>The error of a program whose model cannot be read.</summary>
    public static CratonException Damaged(string path) => new($"'{path}': the model in it is damaged; copy the program again, or pack it anew");

    private byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, PackedIndexJson.Default.PackedIndex);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(PackedIndex))]
internal sealed partial class PackedIndexJson : JsonSerializerContext;
