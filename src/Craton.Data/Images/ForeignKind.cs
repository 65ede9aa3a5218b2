using System.Buffers.Binary;

namespace Craton.Data.Images;

/// <summary>A kind of picture file that is not decoded here. What its first bytes say is read, so that sizes meet limits before anything is started.</summary>
internal sealed class ForeignKind
{
    /// <summary>Bytes that tell the kind.</summary>
    public const int HeadBytes = 16;

    private static readonly ForeignKind[] s_all =
    [
        new("JPEG", "jpeg_pipe", head => head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]), JpegSize),
        new("GIF", "gif", head => head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8), GifSize),
        new("WebP", "webp_pipe", head => head.StartsWith("RIFF"u8) && head.Length >= 12 && head[8..12].SequenceEqual("WEBP"u8), WebpSize),
    ];

    private readonly Test _fits;
    private readonly Measure _size;

    private ForeignKind(string name, string format, Test fits, Measure size) => (Name, Format, _fits, _size) = (name, format, fits, size);

    private delegate bool Test(ReadOnlySpan<byte> head);

    private delegate (int Width, int Height)? Measure(ReadOnlySpan<byte> file);

    /// <summary>As people call it.</summary>
    public string Name { get; }

    /// <summary>What ffmpeg calls a stream of it.</summary>
    public string Format { get; }

    /// <summary>The kind of a file by its first bytes; null for none of these.</summary>
    public static ForeignKind? Of(ReadOnlySpan<byte> head)
    {
        foreach (ForeignKind kind in s_all)
            if (kind._fits(head)) return kind;
        return null;
    }

    /// <summary>Pixels of a row and number of rows, as the file says; null where it says none.</summary>
    public (int Width, int Height)? Size(ReadOnlySpan<byte> file) => _size(file);

    // Segments up to the first that begins a frame: C0 to CF without those of tables (C4, CC) and extensions (C8).
    private static (int, int)? JpegSize(ReadOnlySpan<byte> file)
    {
        for (int at = 2; at + 9 <= file.Length && file[at] == 0xFF;)
        {
            int marker = file[at + 1];
            if (marker == 0xFF) at++; // filling
            else if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return (BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]));
            else at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        }
        return null;
    }

    private static (int, int)? GifSize(ReadOnlySpan<byte> file) => file.Length < 10 ? null
        : (BinaryPrimitives.ReadUInt16LittleEndian(file[6..]), BinaryPrimitives.ReadUInt16LittleEndian(file[8..]));

    // The first chunk: of lossy frames (VP8), of lossless ones (VP8L), or of what follows (VP8X).
    private static (int, int)? WebpSize(ReadOnlySpan<byte> file)
    {
        if (file.Length < 30) return null;
        ReadOnlySpan<byte> chunk = file[20..];
        if (file[12..16].SequenceEqual("VP8 "u8))
            return chunk[3..6].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
                ? (BinaryPrimitives.ReadUInt16LittleEndian(chunk[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(chunk[8..]) & 0x3FFF) : null;
        if (file[12..16].SequenceEqual("VP8L"u8) && chunk[0] == 0x2F)
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(chunk[1..]);
            return ((int)(bits & 0x3FFF) + 1, (int)(bits >> 14 & 0x3FFF) + 1);
        }
        return file[12..16].SequenceEqual("VP8X"u8) ? (1 + Three(chunk[4..]), 1 + Three(chunk[7..])) : null;

        static int Three(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
    }
}
