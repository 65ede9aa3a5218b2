using System.Text.Unicode;

namespace Craton.Data;

/// <summary>A line of a text file, without its end.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Bytes">UTF-8, valid until the next line is read; empty where <paramref name="Fault"/> is set.</param>
/// <param name="Fault">Why the line is no text, or null.</param>
internal readonly record struct TextLine(long Number, ReadOnlyMemory<byte> Bytes, string? Fault);

/// <summary>Reads lines with exact numbers in bounded memory: LF or CR LF ends, a byte-order mark at the start is dropped, and an over-long line is passed over, not stored.</summary>
internal static class LineReader
{
    public static IEnumerable<TextLine> Read(Stream stream, int maxBytes)
    {
        byte[] buffer = new byte[Math.Min(1 << 16, maxBytes + 2)];
        int start = 0, end = 0, scanned = 0;
        long number = 0;
        bool tooLong = false;
        while (true)
        {
            int feed = buffer.AsSpan(scanned, end - scanned).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                int stop = scanned + feed;
                yield return Line(++number, buffer.AsMemory(start, stop - start), tooLong, maxBytes);
                (start, scanned, tooLong) = (stop + 1, stop + 1, false);
                continue;
            }

            if (end - start > maxBytes) (tooLong, start) = (true, end); // forget what was read of it
            (start, end) = Compact(ref buffer, start, end, maxBytes);
            scanned = end;
            int n = stream.Read(buffer, end, buffer.Length - end);
            end += n;
            if (n > 0) continue;
            if (end > start || tooLong) yield return Line(++number, buffer.AsMemory(start, end - start), tooLong, maxBytes);
            yield break;
        }
    }

    private static (int Start, int End) Compact(ref byte[] buffer, int start, int end, int maxBytes)
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        end -= start;
        if (end == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(2L * buffer.Length, maxBytes + 2L));
        return (0, end);
    }

    private static TextLine Line(long number, ReadOnlyMemory<byte> bytes, bool tooLong, int maxBytes)
    {
        if (bytes.Length > 0 && bytes.Span[^1] == '\r') bytes = bytes[..^1];
        if (number == 1 && bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        string? fault = tooLong || bytes.Length > maxBytes ? $"the line is longer than {maxBytes:N0} bytes"
            : bytes.Span.Contains((byte)0) ? "the line holds a NUL byte"
            : !Utf8.IsValid(bytes.Span) ? "the line is not valid UTF-8"
            : null;
        return new TextLine(number, fault is null ? bytes : default, fault);
    }
}
