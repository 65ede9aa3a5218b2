using System.Globalization;

namespace Craton.Tokenizers.Unicode;

/// <summary>
/// Canonical decompositions, compositions and combining classes. They are read from an embedded table because the framework's own
/// normalisation does nothing when globalization is invariant, and tokens must not depend on such a setting.
/// </summary>
internal static class CanonicalData
{
    private static readonly Dictionary<int, int[]> _decompositions = [];
    private static readonly Dictionary<long, int> _compositions = [];
    private static readonly Dictionary<int, byte> _classes = [];
    private static readonly HashSet<int> _affected = [];

    static CanonicalData()
    {
        using Stream stream = typeof(CanonicalData).Assembly.GetManifestResourceStream("canonical.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '@')
                ReadClass(line[1..]);
            else if (line[0] != '#')
                ReadDecomposition(line);
        }
    }

    /// <summary>One step of the canonical decomposition of a code point, or null.</summary>
    public static int[]? Decompose(int codePoint) => _decompositions.GetValueOrDefault(codePoint);

    /// <summary>The code point that two compose to, or null.</summary>
    public static int? Compose(int first, int second) => _compositions.TryGetValue(Pair(first, second), out int composed) ? composed : null;

    /// <summary>The canonical combining class of a code point; 0 for a starter.</summary>
    public static byte ClassOf(int codePoint) => _classes.GetValueOrDefault(codePoint);

    /// <summary>
    /// True for marks, second parts of compositions, and what decomposes for good: text without any of these is in NFC already.
    /// </summary>
    public static bool MayChangeUnderNfc(int codePoint) =>
        codePoint >= 0x300 && (codePoint is (>= 0x1161 and <= 0x1175) or (>= 0x11A8 and <= 0x11C2) || _affected.Contains(codePoint));

    private static void ReadClass(string line)
    {
        string[] parts = line.Split('-', ' ');
        byte combiningClass = byte.Parse(parts[2], CultureInfo.InvariantCulture);
        for (int c = Hex(parts[0]); c <= Hex(parts[1]); c++)
        {
            _classes.Add(c, combiningClass);
            _affected.Add(c);
        }
    }

    private static void ReadDecomposition(string line)
    {
        bool excluded = line[0] == '-';
        int[] codes = [.. line.TrimStart('-').Split(' ').Select(Hex)];
        _decompositions.Add(codes[0], codes[1..]);
        if (excluded)
        {
            _affected.Add(codes[0]);
            return;
        }

        _compositions.Add(Pair(codes[1], codes[2]), codes[0]);
        _affected.Add(codes[2]);
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static long Pair(int first, int second) => (long)first << 32 | (uint)second;
}
