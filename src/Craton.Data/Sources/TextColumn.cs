namespace Craton.Data;

/// <summary>Finds out which column of a CSV or TSV file holds the text, and whether the first record names the columns.</summary>
internal readonly record struct TextColumn(int Index, bool HasHeader)
{
    private static readonly string[] s_names = ["text", "content", "sentence", "document", "body", "review", "description"];

    /// <summary>Decides from the first records of a file.</summary>
    /// <param name="sample">Up to a hundred readable records.</param>
    /// <param name="options">May name the column and say whether there is a header.</param>
    /// <param name="file">For the message.</param>
    /// <exception cref="DataFileException">The column asked for is not there.</exception>
    public static TextColumn Find(IReadOnlyList<string[]> sample, TextFileOptions options, string file)
    {
        string[] first = sample[0];
        int named = options.TextColumn is { } wanted ? IndexOf(first, wanted) : s_names.Select(n => IndexOf(first, n)).FirstOrDefault(i => i >= 0, -1);
        bool header = options.Header ?? (named >= 0 || LooksLikeHeader(first, sample.Count));
        if (options.TextColumn is { } column)
        {
            if (named >= 0 && header) return new TextColumn(named, true);
            if (int.TryParse(column, out int number) && number >= 0 && number < first.Length) return new TextColumn(number, header);
            throw new DataFileException(file, "", $"has no column '{column}'; it has {string.Join(", ", first.Select(f => $"'{(f.Length > 40 ? f[..40] : f)}'"))}.");
        }

        if (header && named >= 0) return new TextColumn(named, true);
        long[] lengths = new long[sample.Max(r => r.Length)];
        foreach (string[] record in header && sample.Count > 1 ? sample.Skip(1) : sample)
        {
            for (int i = 0; i < record.Length; i++) lengths[i] += record[i].Length;
        }

        return new TextColumn(Array.IndexOf(lengths, lengths.Max()), header);
    }

    private static int IndexOf(string[] names, string name) => Array.FindIndex(names, n => n.Trim().Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Column names are short, different, and made of letters, digits, <c>_</c> and <c>-</c>, with no cell that is a number.</summary>
    private static bool LooksLikeHeader(string[] cells, int records) =>
        records > 1
        && cells.Distinct(StringComparer.OrdinalIgnoreCase).Count() == cells.Length
        && cells.All(c => c.Length is > 0 and <= 40 && char.IsLetter(c[0]) && c.All(x => char.IsLetterOrDigit(x) || x is '_' or '-'));
}
