using System.Globalization;

namespace Craton.Tokenizers.Unicode;

/// <summary>The decompositions of characters that only look different from others, from an embedded table.</summary>
internal static class CompatibilityData
{
    private static readonly Dictionary<int, int[]> _decompositions = Read();

    /// <summary>One step of the compatibility decomposition of a code point, or null.</summary>
    public static int[]? Decompose(int codePoint) => _decompositions.GetValueOrDefault(codePoint);

    private static Dictionary<int, int[]> Read()
    {
        var decompositions = new Dictionary<int, int[]>();
        using Stream stream = typeof(CompatibilityData).Assembly.GetManifestResourceStream("compatibility.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
                continue;
            int[] codes = [.. line.Split(' ').Select(code => int.Parse(code, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            decompositions.Add(codes[0], codes[1..]);
        }

        return decompositions;
    }
}
