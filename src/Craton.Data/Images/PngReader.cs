using System.IO.Compression;

namespace Craton.Data.Images;

/// <summary>
/// Reads PNG files (ISO/IEC 15948) of all colours and depths, interlaced or not. Sizes meet limits before memory is asked for; what is not
/// needed for the picture, such as texts, is skipped unread.
/// </summary>
public static class PngReader
{
    // Deflate makes at most 1032 bytes of one.
    private const int MostExpansion = 1032;

    private static readonly (int X, int Y, int StepX, int StepY)[] s_passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="mostPixels">The most pixels that are decoded.</param>
    /// <exception cref="PictureException">The bytes are no PNG file, damaged, or a larger picture.</exception>
    public static PngImage Read(ReadOnlySpan<byte> file, long mostPixels = Picture.MostPixels)
    {
        PngChunks chunks = PngChunks.Read(file, mostPixels);
        PngHeader header = chunks.Header;
        long expected = header.IsInterlaced ? s_passes.Sum(pass => PassBytes(header, Pass(header, pass))) : PassBytes(header, (header.Width, header.Height));
        if (expected > (chunks.Data.Length + 16L) * MostExpansion)
            throw new PictureException($"png: expected compressed pixels for {header.Width}×{header.Height}, got only {chunks.Data.Length} bytes; the file is cut or its size is false");
        byte[] raw = Inflate(chunks.Data, checked((int)expected));
        byte[] samples = new byte[checked(header.Width * header.Height * header.Channels)];
        int at = 0;
        if (!header.IsInterlaced) Unpack(header, raw, ref at, (header.Width, header.Height), (0, 0, 1, 1), samples);
        else
            foreach ((int X, int Y, int StepX, int StepY) pass in s_passes) Unpack(header, raw, ref at, Pass(header, pass), pass, samples);
        if (header.Colour == PngColour.Palette && samples.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)(chunks.Palette.Length / 3 - 1)))
            throw new PictureException($"png: expected indices below {chunks.Palette.Length / 3}, the colours of the palette, got {samples.Max()}");
        return new(header.Width, header.Height, header.Colour, header.Depth, samples, chunks.Palette, chunks.Transparency);
    }

    /// <summary>Decodes a file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="mostPixels">The most pixels that are decoded.</param>
    /// <exception cref="PictureException">The file is no PNG file, damaged, or a larger picture.</exception>
    public static PngImage ReadFile(string path, long mostPixels = Picture.MostPixels)
    {
        long most = MostBytes(mostPixels);
        using FileStream file = File.OpenRead(path);
        if (file.Length > most) throw new PictureException($"'{path}': expected a picture file of at most {most} bytes, got {file.Length}");
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        try
        {
            return Read(bytes, mostPixels);
        }
        catch (PictureException error)
        {
            throw new PictureException($"'{path}': {error.Message}", error);
        }
    }

    /// <summary>Bytes of the largest file that a picture of so many pixels needs: 8 for each where nothing can be compressed, and something for the frame.</summary>
    internal static long MostBytes(long pixels) => 1024 + pixels * 10;

    private static (int Width, int Height) Pass(in PngHeader header, (int X, int Y, int StepX, int StepY) pass) =>
        ((header.Width - pass.X + pass.StepX - 1) / pass.StepX, (header.Height - pass.Y + pass.StepY - 1) / pass.StepY);

    private static long PassBytes(in PngHeader header, (int Width, int Height) size) =>
        size.Width <= 0 || size.Height <= 0 ? 0 : (1 + header.RowBytes(size.Width)) * size.Height;

    private static byte[] Inflate(byte[] data, int length)
    {
        byte[] raw = new byte[length];
        try
        {
            using var stream = new ZLibStream(new MemoryStream(data), CompressionMode.Decompress);
            int got = stream.ReadAtLeast(raw, length, throwOnEndOfStream: false);
            return got == length ? raw : throw new PictureException($"png: expected {length} bytes of pixels, got {got}; the file is cut or its size is false");
        }
        catch (Exception error) when (error is InvalidDataException or IOException) // which of them depends on where zlib gives up
        {
            throw new PictureException("png: expected compressed pixels, got bytes that are none; the file is damaged", error);
        }
    }

    // One pass: undo the filters of its rows in place, then put the samples where they belong.
    private static void Unpack(
        in PngHeader header, byte[] raw, ref int at, (int Width, int Height) size, (int X, int Y, int StepX, int StepY) pass, byte[] samples)
    {
        if (size.Width <= 0 || size.Height <= 0) return;
        int bytes = (int)header.RowBytes(size.Width), pixel = Math.Max(1, header.Channels * header.Depth / 8);
        Span<byte> above = new byte[bytes];
        for (int row = 0; row < size.Height; row++)
        {
            Span<byte> line = raw.AsSpan(at + 1, bytes);
            PngFilters.Undo(raw[at], line, above, pixel);
            int target = ((pass.Y + row * pass.StepY) * header.Width + pass.X) * header.Channels;
            for (int x = 0; x < size.Width; x++, target += pass.StepX * header.Channels)
                for (int c = 0; c < header.Channels; c++) samples[target + c] = Sample(line, x * header.Channels + c, header.Depth);
            above = line;
            at += 1 + bytes;
        }
    }

    private static byte Sample(ReadOnlySpan<byte> line, int index, int depth) => depth switch
    {
        8 => line[index],
        16 => line[2 * index],
        _ => (byte)(line[index * depth / 8] >> 8 - depth - index * depth % 8 & (1 << depth) - 1),
    };
}
