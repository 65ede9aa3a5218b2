using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Craton.Data;

/// <summary>A file of a ZIP archive.</summary>
/// <param name="Name">Its path in the archive.</param>
/// <param name="Content">Its bytes.</param>
public readonly record struct ZipEntry(string Name, byte[] Content);

/// <summary>
/// Reads ZIP archives (PKWARE, "ZIP File Format Specification" 6.3) of stored and deflated files. Every size meets a limit before memory is
/// asked for, and every check sum is checked. Encrypted archives, those of several parts and those beyond 4 GiB (ZIP64) are refused.
/// </summary>
public static class ZipReader
{
    /// <summary>Most bytes of an archive, and of all its files together: 1 GiB.</summary>
    public const long MostBytes = 1L << 30;

    /// <summary>Most bytes of one file: 256 MiB.</summary>
    public const long MostOfOne = 1L << 28;

    private const uint EndSignature = 0x06054b50, EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndSize = 22, EntrySize = 46, LocalSize = 30, MostComment = ushort.MaxValue;
    private const int MostExpansion = 1032; // deflate makes at most 1032 bytes of one
    private const ushort Stored = 0, Deflated = 8;

    /// <summary>All files in the order of the archive's directory; folders are passed over.</summary>
    /// <exception cref="DataFileException">The archive cannot be opened, is damaged, too large, or of a kind that is not read.</exception>
    public static IEnumerable<ZipEntry> Read(string path)
    {
        using DataStream stream = DataStream.Open(path, new TextFileOptions());
        long length = new FileInfo(path).Length;
        if (length > MostBytes) throw new DataFileException(path, "", $"has {length:N0} bytes, the most that an archive may have is {MostBytes:N0}; split it.");
        byte[] archive = new byte[length];
        int got = stream.ReadAtLeast(archive, archive.Length, throwOnEndOfStream: false);
        return Read(archive.AsMemory(0, got), path);
    }

    /// <summary>All files of an archive in memory.</summary>
    internal static IEnumerable<ZipEntry> Read(ReadOnlyMemory<byte> archive, string name)
    {
        (int count, int at, int end) = Directory(archive.Span, name);
        long total = 0;
        for (int i = 0; i < count; i++)
        {
            Header header = Entry(archive.Span[..end], ref at, name);
            total += header.Size;
            if (header.Size > MostOfOne || total > MostBytes)
                throw new DataFileException(name, $"file '{header.Name}'", $"expands to {header.Size:N0} bytes, {total:N0} with those before it; expected at most {MostOfOne:N0} of one and {MostBytes:N0} of all.");
            if (!header.Name.EndsWith('/')) yield return new(header.Name, Content(archive, header, name));
        }
    }

    private readonly record struct Header(string Name, ushort Method, uint Crc, uint Packed, uint Size, uint Offset);

    // The last record of the archive says where its directory lies; a comment may follow it.
    private static (int Count, int Start, int End) Directory(ReadOnlySpan<byte> archive, string name)
    {
        for (int at = archive.Length - EndSize; at >= Math.Max(0, archive.Length - EndSize - MostComment); at--)
        {
            ReadOnlySpan<byte> end = archive[at..];
            if (U32(end, 0) != EndSignature || U16(end, 20) != archive.Length - at - EndSize) continue;
            if (U16(end, 4) != 0 || U16(end, 6) != 0 || U16(end, 8) != U16(end, 10)) throw new DataFileException(name, $"byte {at}", "is one part of several; join them to one archive.");
            (uint size, uint start) = (U32(end, 12), U32(end, 16));
            if (start > at || size > at - start)
                throw new DataFileException(name, $"byte {at}", $"expected a directory within the archive, got {size} bytes at {start}; the file is damaged, or larger than this format allows.");
            return (U16(end, 10), (int)start, (int)(start + size));
        }
        throw new DataFileException(name, "", "is no ZIP archive, or is cut: its directory is missing; get it again.");
    }

    private static Header Entry(ReadOnlySpan<byte> archive, ref int at, string name)
    {
        ReadOnlySpan<byte> entry = archive[at..];
        if (entry.Length < EntrySize || U32(entry, 0) != EntrySignature) throw new DataFileException(name, $"byte {at}", "expected another entry of the directory, got other bytes; the file is damaged.");
        int nameLength = U16(entry, 28), length = EntrySize + nameLength + U16(entry, 30) + U16(entry, 32);
        if (length > entry.Length) throw new DataFileException(name, $"byte {at}", "expected a whole entry of the directory, got a cut one; the file is damaged.");
        var header = new Header(Encoding.UTF8.GetString(entry.Slice(EntrySize, nameLength)), U16(entry, 10), U32(entry, 16), U32(entry, 20), U32(entry, 24), U32(entry, 42));
        if ((U16(entry, 8) & 1) != 0) throw new DataFileException(name, $"file '{header.Name}'", "is encrypted; give an archive without a password.");
        if (header.Method is not (Stored or Deflated)) throw new DataFileException(name, $"file '{header.Name}'", $"is packed by method {header.Method}, expected 0 (stored) or 8 (deflated).");
        at += length;
        return header;
    }

    private static byte[] Content(ReadOnlyMemory<byte> archive, in Header header, string name)
    {
        string place = $"file '{header.Name}'";
        ReadOnlySpan<byte> local = header.Offset < archive.Length ? archive.Span[(int)header.Offset..] : [];
        if (local.Length < LocalSize || U32(local, 0) != LocalSignature) throw new DataFileException(name, place, $"expected its content at byte {header.Offset}, got other bytes; the archive is damaged.");
        int start = LocalSize + U16(local, 26) + U16(local, 28);
        if (start > local.Length || header.Packed > local.Length - start) throw new DataFileException(name, place, $"expected {header.Packed} bytes of content, got fewer; the archive is cut.");
        bool fits = header.Method == Stored ? header.Size == header.Packed : header.Size <= (header.Packed + 16L) * MostExpansion;
        if (!fits) throw new DataFileException(name, place, $"expected content of {header.Size} bytes, got {header.Packed} packed ones, which cannot be; the archive is damaged.");
        byte[] content = new byte[header.Size];
        ReadOnlyMemory<byte> packed = archive.Slice((int)header.Offset + start, (int)header.Packed);
        if (header.Method == Stored) packed.CopyTo(content);
        else Inflate(packed, content, name, place);
        return Crc32.Of(content) == header.Crc ? content : throw new DataFileException(name, place, "has a wrong check sum; the archive is damaged.");
    }

    private static void Inflate(ReadOnlyMemory<byte> packed, byte[] content, string name, string place)
    {
        try
        {
            using var stream = new DeflateStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
            int got = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (got < content.Length || stream.ReadByte() >= 0) throw new DataFileException(name, place, $"expected {content.Length} bytes of content, got {(got < content.Length ? "fewer" : "more")}; the archive is damaged.");
        }
        catch (Exception error) when (error is InvalidDataException or IOException) // which of them depends on where zlib gives up
        {
            throw new DataFileException(name, place, "expected deflated content, got bytes that are none; the archive is damaged.", error);
        }
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
