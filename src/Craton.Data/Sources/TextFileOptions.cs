namespace Craton.Data;

/// <summary>What to do with a record that cannot be read.</summary>
public enum BadRecords
{
    /// <summary>Leave it out, count it and keep its place (<see cref="ReadReport"/>).</summary>
    Skip,

    /// <summary>Stop with a <see cref="DataFileException"/> that names file and line.</summary>
    Fail,
}

/// <summary>How text files are read. The limits bound memory whatever a file holds.</summary>
public sealed record TextFileOptions
{
    /// <summary>Globs of files to leave out, relative to the folder searched: <c>**/bin/**</c>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Column of CSV and TSV files, or field of JSON rows, that holds the text: a name, or a number counted from 0; null: found out.</summary>
    public string? TextColumn { get; init; }

    /// <summary>Whether the first CSV or TSV record names the columns; null: found out.</summary>
    public bool? Header { get; init; }

    /// <summary>Every line of a <c>.txt</c> file is a document of its own (names, sentences); else the file is one document.</summary>
    public bool LinePerDocument { get; init; }

    /// <summary>Keep the markup of Markdown files instead of their plain text.</summary>
    public bool KeepMarkdown { get; init; }

    /// <summary>What to do with records that cannot be read.</summary>
    public BadRecords OnBad { get; init; } = BadRecords.Skip;

    /// <summary>Longest line, CSV record or JSON row, in bytes (16 MiB).</summary>
    public int MaxRecordBytes { get; init; } = 16 << 20;

    /// <summary>Deepest nesting of a JSON row.</summary>
    public int MaxDepth { get; init; } = 64;

    /// <summary>Largest file read as one document (.txt, .md, .html, .docx, .json), in bytes after decompression (256 MiB).</summary>
    public long MaxDocumentBytes { get; init; } = 256L << 20;

    /// <summary>Most bytes that a compressed file may expand to (64 GiB).</summary>
    public long MaxExpandedBytes { get; init; } = 64L << 30;

    /// <summary>Highest ratio of expanded to compressed bytes (gzip itself cannot exceed 1,032; ordinary text stays below 20).</summary>
    public int MaxExpansion { get; init; } = 200;
}

/// <summary>A record that was left out.</summary>
/// <param name="File">The file.</param>
/// <param name="Line">Its line, counted from 1 (the first line of a CSV record that has several; the row number in a JSON array; 0: the whole file).</param>
/// <param name="Problem">Why it cannot be read.</param>
public sealed record BadRecord(string File, long Line, string Problem)
{
    /// <summary>Place and problem, as messages say them.</summary>
    public override string ToString() => Line > 0 ? $"'{File}' line {Line}: {Problem}" : $"'{File}': {Problem}";
}

/// <summary>What reading has met so far.</summary>
public sealed class ReadReport
{
    private const int MaxExamples = 100;
    private readonly List<BadRecord> _examples = [];

    /// <summary>Files opened.</summary>
    public long Files { get; internal set; }

    /// <summary>Records given out.</summary>
    public long Records { get; internal set; }

    /// <summary>Records left out.</summary>
    public long Skipped { get; private set; }

    /// <summary>The first hundred records left out.</summary>
    public IReadOnlyList<BadRecord> Examples => _examples;

    /// <summary>How many records were left out and the first of them, as messages say it; null when none was.</summary>
    public string? Problem => Skipped == 0 ? null
        : $"{Skipped:N0} {(Skipped == 1 ? "record that cannot be read was" : "records that cannot be read were")} left out, the first at {_examples[0]}";

    /// <summary>Adds what reading other files has met.</summary>
    public void Add(ReadReport other)
    {
        Files += other.Files;
        Records += other.Records;
        Skipped += other.Skipped;
        _examples.AddRange(other.Examples.Take(MaxExamples - _examples.Count));
    }

    internal void Add(BadRecord bad)
    {
        Skipped++;
        if (_examples.Count < MaxExamples) _examples.Add(bad);
    }
}
