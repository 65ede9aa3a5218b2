using System.Text;
using System.Text.Json;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>
/// Documents or conversations out of files and folders: .txt .md .html .htm .jsonl .ndjson .json .csv .tsv .docx, each also with
/// .gz. Files come in ordinal order of their names, so the same folder always gives the same sequence.
/// </summary>
public sealed class TextFiles
{
    private static readonly string[] s_extensions = [".txt", ".md", ".markdown", ".html", ".htm", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".docx"];
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly IReadOnlyList<string> _patterns;
    private readonly TextFileOptions _options;

    /// <summary>Describes what to read; nothing is opened yet.</summary>
    /// <param name="patterns">Files, folders or globs such as <c>docs/**/*.md</c>.</param>
    /// <param name="options">How to read them.</param>
    public TextFiles(IReadOnlyList<string> patterns, TextFileOptions? options = null)
    {
        _patterns = patterns;
        _options = options ?? new TextFileOptions();
    }

    /// <summary>What the reading so far has met; starts anew with each enumeration.</summary>
    public ReadReport Report { get; private set; } = new();

    /// <summary>Reads documents. A row of turns becomes the text of its turns.</summary>
    /// <exception cref="CratonException">No file or no document was found; a file is binary or damaged; a record is bad and <see cref="TextFileOptions.OnBad"/> says fail.</exception>
    public IEnumerable<Document> Read()
    {
        foreach ((FileGlob.Match file, long line, DataRow row) in Rows())
        {
            if (row.Text.AsSpan().Trim().Length == 0) Bad(file.Path, line, "the text is empty");
            else yield return Counted(new Document(Place(file.Name, '#', line), row.Text, Place(file.Path, ':', line)));
        }

        CheckAny("document");
    }

    /// <summary>Reads supervised examples: rows with <c>messages</c>, or a prompt with its completion. Other rows are bad records.</summary>
    /// <exception cref="CratonException">As for <see cref="Read"/>.</exception>
    public IEnumerable<Conversation> ReadConversations()
    {
        foreach ((FileGlob.Match file, long line, DataRow row) in Rows())
        {
            if (row.Turns is null) Bad(file.Path, line, "expected 'messages', or 'prompt' with 'completion', got plain text");
            else yield return Counted(new Conversation(Place(file.Name, '#', line), row.Turns, Place(file.Path, ':', line)));
        }

        CheckAny("conversation");
    }

    private T Counted<T>(T item)
    {
        Report.Records++;
        return item;
    }

    private void CheckAny(string what)
    {
        if (Report.Records > 0) return;
        throw new CratonException($"No {what} was found in {string.Join(", ", _patterns.Select(p => $"'{p}'"))}: {Report.Problem ?? "the files are empty"}; give other files, or mend these.");
    }

    private static string Place(string file, char mark, long line) => line == 0 ? file : $"{file}{mark}{line}";

    private IEnumerable<(FileGlob.Match File, long Line, DataRow Row)> Rows()
    {
        Report = new ReadReport();
        foreach (FileGlob.Match file in Files())
        {
            Report.Files++;
            foreach ((long line, DataRow row) in RowsOf(file.Path)) yield return (file, line, row);
        }
    }

    private List<FileGlob.Match> Files()
    {
        var files = new List<FileGlob.Match>();
        foreach (string pattern in _patterns) files.AddRange(FileGlob.Find(pattern, _options.Exclude, n => s_extensions.Contains(Extension(n))));
        if (files.Count == 0)
            throw new CratonException($"No text file was found in {string.Join(", ", _patterns.Select(p => $"'{p}'"))}; expected files ending in {string.Join(" ", s_extensions)} (each also .gz).");
        return files;
    }

    private static string Extension(string path) =>
        Path.GetExtension(DataStream.IsCompressed(path) ? path[..^3] : path).ToLowerInvariant();

    private IEnumerable<(long Line, DataRow Row)> RowsOf(string path) => Extension(path) switch
    {
        ".jsonl" or ".ndjson" => JsonLines(path),
        ".json" => JsonArray(path),
        ".csv" => Delimited(path, ','),
        ".tsv" => Delimited(path, '\t'),
        ".docx" => Whole(MarkupText.FromWord(DataStream.ReadAll(path, _options), _options, path)),
        ".html" or ".htm" => Whole(MarkupText.FromHtml(TextOf(path), path)),
        ".md" or ".markdown" when !_options.KeepMarkdown => Whole(MarkupText.FromMarkdown(TextOf(path), path)),
        _ when _options.LinePerDocument => Lines(path),
        _ => Whole(TextOf(path)), // a file named by the user is text whatever its extension; binary content is refused below
    };

    private static IEnumerable<(long, DataRow)> Whole(string text) => [(0, new DataRow(text, null))];

    private void Bad(string path, long line, string problem)
    {
        if (_options.OnBad == BadRecords.Fail) throw new DataFileException(path, line > 0 ? $"line {line}" : "", $"{problem}; mend it, or read with the policy 'skip'.");
        Report.Add(new BadRecord(path, line, problem));
    }

    /// <summary>A whole file as text: UTF-8, or UTF-16 with a byte-order mark.</summary>
    private string TextOf(string path)
    {
        byte[] bytes = DataStream.ReadAll(path, _options);
        if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE])) return Encoding.Unicode.GetString(bytes.AsSpan(2));
        if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])) return Encoding.BigEndianUnicode.GetString(bytes.AsSpan(2));
        int nul = bytes.AsSpan().IndexOf((byte)0);
        if (nul >= 0) throw new DataFileException(path, $"byte {nul}", "expected text, got a NUL byte: the file is binary; exclude it or convert it to text.");
        try { return s_strict.GetString(bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes); }
        catch (DecoderFallbackException e)
        {
            int at = FirstInvalid(bytes);
            throw new DataFileException(path, $"byte {at}", $"expected UTF-8 text, got the byte 0x{bytes[at]:X2}: the file is binary or in another encoding; exclude it or convert it to UTF-8.", e);
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (at < bytes.Length && Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == System.Buffers.OperationStatus.Done) at += length;
        return at;
    }

    private IEnumerable<(long, DataRow)> Lines(string path)
    {
        using DataStream stream = DataStream.Open(path, _options);
        foreach (TextLine line in LineReader.Read(stream, _options.MaxRecordBytes))
        {
            if (line.Fault is { } fault) Bad(path, line.Number, fault);
            else if (!line.Bytes.Span.Trim((byte)' ').IsEmpty) yield return (line.Number, new DataRow(Encoding.UTF8.GetString(line.Bytes.Span), null));
        }
    }

    private IEnumerable<(long, DataRow)> JsonLines(string path)
    {
        using DataStream stream = DataStream.Open(path, _options);
        foreach (TextLine line in LineReader.Read(stream, _options.MaxRecordBytes))
        {
            if (line.Fault is null && line.Bytes.Span.Trim(" \t"u8).IsEmpty) continue;
            string problem = line.Fault ?? "";
            DataRow? row = line.Fault is null ? JsonRows.Parse(line.Bytes, _options, out problem) : null;
            if (row is { } good) yield return (line.Number, good);
            else Bad(path, line.Number, problem);
        }
    }

    private IEnumerable<(long, DataRow)> JsonArray(string path)
    {
        using JsonDocument json = ParseArray(path);
        long number = 0;
        foreach (JsonElement element in json.RootElement.EnumerateArray())
        {
            number++;
            if (JsonRows.Row(element, _options.TextColumn, out string problem) is { } row) yield return (number, row);
            else Bad(path, number, problem);
        }
    }

    private JsonDocument ParseArray(string path)
    {
        try
        {
            var json = JsonDocument.Parse(DataStream.ReadAll(path, _options), JsonRows.DocumentOptions(_options));
            if (json.RootElement.ValueKind == JsonValueKind.Array) return json;
            json.Dispose();
        }
        catch (JsonException e)
        {
            throw new DataFileException(path, $"line {e.LineNumber + 1}", $"no valid JSON ({JsonRows.Short(e)}); mend it, or name it .jsonl if every line is a row.", e);
        }

        throw new DataFileException(path, "", "expected a JSON array of rows; name it .jsonl if every line is a row.");
    }

    private IEnumerable<(long, DataRow)> Delimited(string path, char delimiter)
    {
        using DataStream stream = DataStream.Open(path, _options);
        using IEnumerator<DelimitedRecord> records = new DelimitedReader(stream, delimiter, _options.MaxRecordBytes).Read().GetEnumerator();
        var ahead = new List<DelimitedRecord>();
        while (ahead.Count < 100 && records.MoveNext()) ahead.Add(records.Current);
        string[][] sample = ahead.Where(r => r.Fault is null).Select(r => r.Fields).ToArray();
        TextColumn column = sample.Length > 0 ? TextColumn.Find(sample, _options, path) : new TextColumn(0, false);
        int width = sample.Length > 0 ? sample[0].Length : 1;
        bool skipHeader = column.HasHeader;
        foreach (DelimitedRecord record in ahead.Concat(Rest(records)))
        {
            if (record.Fault is { } fault) Bad(path, record.Line, fault);
            else if (skipHeader) skipHeader = false;
            else if (record.Fields.Length != width) Bad(path, record.Line, $"expected {width} fields, got {record.Fields.Length}");
            else yield return (record.Line, new DataRow(record.Fields[column.Index], null));
        }
    }

    private static IEnumerable<T> Rest<T>(IEnumerator<T> items)
    {
        while (items.MoveNext()) yield return items.Current;
    }
}
