using System.Buffers.Binary;

namespace Craton.Data.Images;

/// <summary>Size and kind of a PNG file.</summary>
internal readonly record struct PngHeader(int Width, int Height, int Depth, PngColour Colour, bool IsInterlaced)
{
    public int Channels => PngImage.ChannelsOf(Colour);

    /// <summary>Bytes of a row of some pixels, without its filter.</summary>
    public long RowBytes(int width) => ((long)width * Channels * Depth + 7) / 8;
}

/// <summary>The chunks of a PNG file that make the picture.</summary>
internal sealed record PngChunks(PngHeader Header, byte[] Palette, byte[] Transparency, byte[] Data)
{
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Reads and checks all chunks. The order of those that matter is fixed: IHDR, PLTE, tRNS, IDAT .., IEND.</summary>
    public static PngChunks Read(ReadOnlySpan<byte> file, long mostPixels)
    {
        if (!file.StartsWith(Signature)) throw new PictureException("png: expected the signature of a PNG file, got other bytes");
        PngHeader? header = null;
        byte[] palette = [], transparency = [];
        var data = new MemoryStream();
        string last = "";
        for (int at = Signature.Length; last != "IEND";)
        {
            ReadOnlySpan<byte> content = Next(file, ref at, out string type);
            if ((type == "IHDR") != (header is null)) throw new PictureException($"png: expected one IHDR, the first chunk, got '{type}'");
            if (data.Length > 0 && type == "IDAT" && last != "IDAT") throw new PictureException($"png: expected all IDAT chunks in a row, got '{last}' between them");
            switch (type)
            {
                case "IHDR": header = ReadHeader(content, mostPixels); break;
                case "PLTE" when data.Length == 0 && palette.Length == 0: palette = ReadPalette(content, header!.Value); break;
                case "tRNS" when data.Length == 0: transparency = ReadTransparency(content, header!.Value, palette); break;
                case "IDAT": data.Write(content); break;
                case "IEND": break;
                default:
                    if (char.IsAsciiLetterUpper(type[0])) throw new PictureException($"png: expected chunks that every reader knows, each at its place, got '{type}'");
                    break;
            }
            last = type;
        }
        if (data.Length == 0) throw new PictureException("png: expected pixels, got no IDAT chunk");
        if (header!.Value.Colour == PngColour.Palette && palette.Length == 0) throw new PictureException("png: expected a palette, got no PLTE chunk before the pixels");
        return new(header.Value, palette, transparency, data.ToArray());
    }

    private static ReadOnlySpan<byte> Next(ReadOnlySpan<byte> file, ref int at, out string type)
    {
        ReadOnlySpan<byte> rest = file[at..];
        if (rest.Length < 12) throw new PictureException("png: expected another chunk, got the end of the file; it is cut");
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - 12)
            throw new PictureException($"png: expected a chunk within the file, got one of {length} bytes where {rest.Length - 12} are left; the file is cut or damaged");
        int size = (int)length;
        foreach (byte letter in rest.Slice(4, 4))
            if (!char.IsAsciiLetter((char)letter)) throw new PictureException("png: expected a chunk's name of four letters, got other bytes; the file is damaged");
        if (Crc32.Of(rest.Slice(4, 4 + size)) != BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + size)..]))
            throw new PictureException("png: expected a chunk with a right check sum, got a wrong one; the file is damaged");
        at += 12 + size;
        type = System.Text.Encoding.ASCII.GetString(rest.Slice(4, 4));
        return rest.Slice(8, size);
    }

    private static PngHeader ReadHeader(ReadOnlySpan<byte> content, long mostPixels)
    {
        if (content.Length != 13) throw new PictureException($"png: expected an IHDR of 13 bytes, got {content.Length}");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(content), height = BinaryPrimitives.ReadUInt32BigEndian(content[4..]);
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue) throw new PictureException($"png: expected at least one pixel, got {width}×{height}");
        if ((long)width * height > mostPixels) throw new PictureException($"png: expected at most {mostPixels} pixels, got {width}×{height}; make the picture smaller");
        (int depth, var colour) = (content[8], (PngColour)content[9]);
        bool isKnown = colour switch
        {
            PngColour.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngColour.Palette => depth is 1 or 2 or 4 or 8,
            PngColour.Rgb or PngColour.GreyAlpha or PngColour.Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!isKnown) throw new PictureException($"png: expected a colour and a depth that the standard knows, got colour {content[9]} of {depth} bits");
        if (content[10] != 0 || content[11] != 0 || content[12] > 1)
            throw new PictureException($"png: expected compression 0, filter 0 and interlace 0 or 1, got {content[10]}, {content[11]} and {content[12]}");
        return new((int)width, (int)height, depth, colour, content[12] == 1);
    }

    private static byte[] ReadPalette(ReadOnlySpan<byte> content, in PngHeader header)
    {
        int most = header.Colour == PngColour.Palette ? 1 << header.Depth : 256;
        bool isAllowed = header.Colour is not (PngColour.Grey or PngColour.GreyAlpha) && content.Length is > 0 && content.Length % 3 == 0 && content.Length / 3 <= most;
        return isAllowed ? content.ToArray() : throw new PictureException($"png: expected a palette of 1 to {most} colours where colours are, got {content.Length} bytes");
    }

    private static byte[] ReadTransparency(ReadOnlySpan<byte> content, in PngHeader header, byte[] palette)
    {
        bool isAllowed = header.Colour switch
        {
            PngColour.Palette => content.Length > 0 && content.Length <= palette.Length / 3,
            PngColour.Grey => content.Length == 2,
            PngColour.Rgb => content.Length == 6,
            _ => false,
        };
        return isAllowed ? content.ToArray() : throw new PictureException($"png: expected a tRNS chunk that fits the colours, got one of {content.Length} bytes");
    }
}
