namespace Craton.Data.Images;

/// <summary>The filters of PNG rows: each byte is stored as its difference from one that its neighbours predict.</summary>
internal static class PngFilters
{
    /// <summary>Number of filters.</summary>
    public const int Count = 5;

    /// <summary>Turns differences into the bytes of a row, in place.</summary>
    /// <param name="filter">0 none, 1 left, 2 above, 3 their mean, 4 the one of left, above and above left that is nearest to left + above − above left.</param>
    /// <param name="row">The differences.</param>
    /// <param name="above">The row above; zeros for the first.</param>
    /// <param name="pixel">Bytes of a pixel, at least 1.</param>
    public static void Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int pixel)
    {
        if (filter >= Count) throw new PictureException($"png: expected a filter from 0 to {Count - 1}, got {filter}; the file is damaged");
        for (int i = 0; i < row.Length && filter != 0; i++) row[i] += Predicted(filter, i < pixel ? (byte)0 : row[i - pixel], above[i], i < pixel ? (byte)0 : above[i - pixel]);
    }

    /// <summary>Turns the bytes of a row into differences.</summary>
    public static void Apply(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int pixel, Span<byte> differences)
    {
        for (int i = 0; i < row.Length; i++)
            differences[i] = (byte)(row[i] - Predicted(filter, i < pixel ? (byte)0 : row[i - pixel], above[i], i < pixel ? (byte)0 : above[i - pixel]));
    }

    private static byte Predicted(int filter, byte left, byte above, byte corner) => filter switch
    {
        1 => left,
        2 => above,
        3 => (byte)((left + above) / 2),
        4 => Nearest(left, above, corner),
        _ => 0,
    };

    private static byte Nearest(byte left, byte above, byte corner)
    {
        int guess = left + above - corner, a = Math.Abs(guess - left), b = Math.Abs(guess - above), c = Math.Abs(guess - corner);
        return a <= b && a <= c ? left : b <= c ? above : corner;
    }
}
