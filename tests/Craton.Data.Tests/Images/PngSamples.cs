using System.Buffers.Binary;
using System.IO.Compression;
using Craton.Data.Images;

namespace Craton.Data.Tests.Images;

/// <summary>PNG files of every kind, made by a second, simple encoder.</summary>
internal static class PngSamples
{
    private static readonly (int X, int Y, int StepX, int StepY)[] s_passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    /// <summary>Colours and depths of the standard, each plain and interlaced.</summary>
    public static IEnumerable<(PngColour Colour, int Depth, bool Interlaced)> Kinds() =>
        from kind in new[]
        {
            (PngColour.Grey, 1), (PngColour.Grey, 2), (PngColour.Grey, 4), (PngColour.Grey, 8), (PngColour.Grey, 16), (PngColour.Rgb, 8), (PngColour.Rgb, 16),
            (PngColour.Palette, 1), (PngColour.Palette, 2), (PngColour.Palette, 4), (PngColour.Palette, 8), (PngColour.GreyAlpha, 8), (PngColour.GreyAlpha, 16),
            (PngColour.Rgba, 8), (PngColour.Rgba, 16),
        }
        from interlaced in new[] { false, true }
        select (kind.Item1, kind.Item2, interlaced);

    /// <summary>Random samples and the file that holds them.</summary>
    public static (byte[] File, byte[] Samples) Make(PngColour colour, int depth, bool interlaced, int width, int height, int seed = 1)
    {
        var random = new Random(seed);
        int channels = PngImage.ChannelsOf(colour);
        byte[] samples = new byte[width * height * channels];
        for (int i = 0; i < samples.Length; i++) samples[i] = (byte)random.Next(1 << Math.Min(8, depth));
        var raw = new MemoryStream();
        foreach ((int x, int y, int stepX, int stepY) in interlaced ? s_passes : [(0, 0, 1, 1)])
        {
            byte[] above = [];
            for (int row = y; row < height && x < width; row += stepY)
            {
                var bits = new List<bool>();
                for (int column = x; column < width; column += stepX)
                    for (int c = 0; c < channels; c++)
                    {
                        int sample = samples[(row * width + column) * channels + c] << (depth == 16 ? 8 : 0) | (depth == 16 ? random.Next(256) : 0);
                        for (int bit = depth - 1; bit >= 0; bit--) bits.Add((sample >> bit & 1) != 0);
                    }
                byte[] line = new byte[(bits.Count + 7) / 8], differences = new byte[line.Length];
                for (int i = 0; i < bits.Count; i++)
                    if (bits[i]) line[i / 8] |= (byte)(128 >> i % 8);
                if (above.Length == 0) above = new byte[line.Length];
                int filter = row % PngFilters.Count;
                PngFilters.Apply(filter, line, above, Math.Max(1, channels * depth / 8), differences);
                raw.WriteByte((byte)filter);
                raw.Write(differences);
                above = line;
            }
        }
        byte[] header = [0, 0, 0, 0, 0, 0, 0, 0, (byte)depth, (byte)colour, 0, 0, (byte)(interlaced ? 1 : 0)];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        byte[] palette = colour == PngColour.Palette ? [.. Enumerable.Range(0, 3 << depth).Select(i => (byte)(i * 7))] : [];
        byte[] data = Compressed(raw.ToArray()), text = [.. "Comment\0made for a test"u8];
        return ([.. PngChunks.Signature, .. Chunk("IHDR"u8, header), .. Chunk("tEXt"u8, text), .. palette.Length > 0 ? Chunk("PLTE"u8, palette) : [],
            .. Chunk("IDAT"u8, data.AsSpan(0, data.Length / 2)), .. Chunk("IDAT"u8, data.AsSpan(data.Length / 2)), .. Chunk("IEND"u8, [])], samples);
    }

    /// <summary>A chunk with its check sum.</summary>
    public static byte[] Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        byte[] length = new byte[4], crc = new byte[4], body = [.. type, .. content];
        BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(crc, Crc32.Of(body));
        return [.. length, .. body, .. crc];
    }

    /// <summary>The check sums of all chunks made right, so that what is inside them is reached.</summary>
    public static void Mend(Span<byte> file)
    {
        for (int at = 8; at <= file.Length - 12;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12) return;
            BinaryPrimitives.WriteUInt32BigEndian(file[(at + 8 + (int)length)..], Crc32.Of(file.Slice(at + 4, 4 + (int)length)));
            at += 12 + (int)length;
        }
    }

    private static byte[] Compressed(byte[] raw)
    {
        var data = new MemoryStream();
        using (var stream = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true)) stream.Write(raw);
        return data.ToArray();
    }
}
