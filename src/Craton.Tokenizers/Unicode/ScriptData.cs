using System.Globalization;

namespace Craton.Tokenizers.Unicode;

/// <summary>The script of each character, from an embedded table.</summary>
internal static class ScriptData
{
    /// <summary>The script of characters that are not assigned.</summary>
    public const string None = "";

    private const string LaterMark = "@Later";

    private static readonly List<(int First, int Last, string Script)> _all = Read();
    private static readonly List<(int First, int Last, string Script)> _ranges = _all.FindAll(r => r.Script != LaterMark);
    private static readonly List<(int First, int Last, string Script)> _later = _all.FindAll(r => r.Script == LaterMark);

    /// <summary>The script of a character, such as <c>Latin</c>; Common and Inherited are scripts too.</summary>
    public static string ScriptOf(int code) => Find(_ranges, code);

    /// <summary>The same as it was in Unicode 9.0.0.</summary>
    public static string OldScriptOf(int code) => code switch
    {
        0x589 or 0x61C => "Common",
        0x953 or 0x954 => "Devanagari",
        _ => Find(_later, code) == LaterMark ? None : ScriptOf(code),
    };

    private static string Find(List<(int First, int Last, string Script)> ranges, int code)
    {
        int low = 0, high = ranges.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            (int first, int last, string script) = ranges[middle];
            if (code >= first && code <= last)
                return script;
            if (code < first)
                high = middle - 1;
            else
                low = middle + 1;
        }

        return None;
    }

    /// <summary>The script of a name, without regard to case and underscores, or null.</summary>
    public static string? Find(string name)
    {
        foreach ((_, _, string script) in _ranges)
        {
            if (script.Replace("_", "", StringComparison.Ordinal).Equals(name, StringComparison.OrdinalIgnoreCase))
                return script;
        }

        return null;
    }

    private static List<(int, int, string)> Read()
    {
        var ranges = new List<(int First, int Last, string Script)>();
        using Stream stream = typeof(ScriptData).Assembly.GetManifestResourceStream("scripts.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            foreach (string range in line[0] == '#' ? [] : parts[1..])
            {
                string[] ends = range.Split('-');
                ranges.Add((Hex(ends[0]), Hex(ends[^1]), parts[0]));
            }
        }

        ranges.Sort();
        return ranges;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
