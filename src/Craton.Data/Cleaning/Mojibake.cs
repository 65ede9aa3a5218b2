using System.Text;

namespace Craton.Data;

/// <summary>
/// Undoes the most common damage of text: UTF-8 that was read as Windows-1252 or Latin-1 (<c>Ã©</c> for <c>é</c>). A line is
/// repaired only when all its characters beyond ASCII turn into valid UTF-8; ordinary accented text practically never does.
/// </summary>
internal static class Mojibake
{
    // Windows-1252 0x80..0x9F; the five holes stand for themselves, as browsers read them.
    private const string HighControls = "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";
    private const int MaxRounds = 3;
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The repaired text, or the same instance when nothing was wrong.</summary>
    public static string Repair(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\u00C2', '\u00F4')) return text; // no lead byte of UTF-8
        for (int round = 0; round < MaxRounds; round++) // text is sometimes damaged twice over
        {
            string[] lines = text.Split('\n');
            bool changed = false;
            for (int i = 0; i < lines.Length; i++) changed |= RepairLine(ref lines[i]);
            if (!changed) break;
            text = string.Join('\n', lines);
        }

        return text;
    }

    private static bool RepairLine(ref string line)
    {
        if (!line.AsSpan().ContainsAnyInRange('\u00C2', '\u00F4')) return false;
        byte[] bytes = new byte[line.Length];
        int sequences = 0, leads = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (ByteOf(line[i]) is not { } b) return false;
            bytes[i] = b;
            if (b < 0xC2) continue;
            sequences++;
            if (b is 0xC2 or 0xC3 or 0xE2) leads++;
        }

        // Â, Ã and â (Latin letters, typographic marks) are sure signs. A single other pair may be honest: CAFÉ» is C9 BB.
        if (leads == 0 && sequences < 3) return false;
        try
        {
            line = s_strict.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static byte? ByteOf(char c)
    {
        if (c < 0x100) return (byte)c;
        int high = HighControls.IndexOf(c);
        return high < 0 ? null : (byte)(0x80 + high);
    }
}
