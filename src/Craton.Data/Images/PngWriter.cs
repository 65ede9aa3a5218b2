using System.Buffers.Binary;
using System.IO.Compression;

namespace Craton.Data.Images;

/// <summary>Writes PNG files of 8-bit samples, not interlaced.</summary>
public static class PngWriter
{
    /// <summary>Encodes a picture. The same picture gives the same bytes on one version of the runtime.</summary>
    public static byte[] Write(Picture picture)
    {
        PngColour colour = picture.Channels switch { 1 => PngColour.Grey, 2 => PngColour.GreyAlpha, 3 => PngColour.Rgb, _ => PngColour.Rgba };
        var file = new MemoryStream();
        file.Write(PngChunks.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], picture.Height);
        (header[8], header[9], header[10], header[11], header[12]) = (8, (byte)colour, 0, 0, 0);
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compressed(picture));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>Writes a picture to a file.</summary>
    public static void WriteFile(string path, Picture picture) => File.WriteAllBytes(path, Write(picture));

    // Each row with the filter that leaves the least differences.
    private static byte[] Compressed(Picture picture)
    {
        int bytes = picture.Width * picture.Channels;
        byte[] above = new byte[bytes], best = new byte[bytes + 1], trial = new byte[bytes + 1];
        var data = new MemoryStream();
        using (var stream = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
            for (int row = 0; row < picture.Height; row++)
            {
                ReadOnlySpan<byte> line = picture.Samples.AsSpan(row * bytes, bytes);
                long least = long.MaxValue;
                for (int filter = 0; filter < PngFilters.Count; filter++)
                {
                    trial[0] = (byte)filter;
                    PngFilters.Apply(filter, line, above, picture.Channels, trial.AsSpan(1));
                    long sum = 0;
                    foreach (byte difference in trial.AsSpan(1)) sum += Math.Abs((int)(sbyte)difference);
                    if (sum >= least) continue;
                    (least, best, trial) = (sum, trial, best);
                }
                stream.Write(best);
                line.CopyTo(above);
            }
        return data.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        byte[] chunk = new byte[12 + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        type.CopyTo(chunk.AsSpan(4));
        content.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), Crc32.Of(chunk.AsSpan(4, 4 + content.Length)));
        file.Write(chunk);
    }
}
