namespace Craton.Models.Gguf;

/// <summary>Where rows of a projection lie in a GGUF file.</summary>
internal static class GgufRows
{
    /// <summary>The row of the file that is a row of Hugging Face's matrix.</summary>
    /// <param name="transform">What the file changes.</param>
    /// <param name="row">The row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="keyHeads">Key and value heads.</param>
    public static long Stored(GgufTransform transform, long row, long rows, int heads, int keyHeads) => transform switch
    {
        GgufTransform.QueryHeads => Neighbours(row, rows / heads),
        GgufTransform.KeyHeads => Neighbours(row, rows / keyHeads),
        GgufTransform.GroupedQkv => ByKind(row, rows / (heads + 2L * keyHeads), heads / keyHeads, keyHeads),
        _ => row,
    };

    /// <summary>Whether the heads divide the rows.</summary>
    public static bool Fit(GgufTransform transform, long rows, int heads, int keyHeads) => transform switch
    {
        GgufTransform.QueryHeads => heads > 0 && rows % (2L * heads) == 0,
        GgufTransform.KeyHeads => keyHeads > 0 && rows % (2L * keyHeads) == 0,
        GgufTransform.GroupedQkv => keyHeads > 0 && heads % keyHeads == 0 && rows % (heads + 2L * keyHeads) == 0,
        _ => true,
    };

    // Row r of a head lies at 2r, and row r + d/2 behind it.
    private static long Neighbours(long row, long size)
    {
        long inside = row % size;
        return row - inside + (inside < size / 2 ? 2 * inside : 2 * (inside - size / 2) + 1);
    }

    // Of group g, query j is head g·n + j of the queries; its key and value are head g of theirs.
    private static long ByKind(long row, long size, long perGroup, long groups)
    {
        long group = row / ((perGroup + 2) * size), place = row % ((perGroup + 2) * size), part = place / size;
        long head = part < perGroup ? group * perGroup + part : (part == perGroup ? groups * perGroup : groups * (perGroup + 1)) + group;
        return head * size + place % size;
    }
}
