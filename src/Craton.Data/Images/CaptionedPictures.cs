using System.Text.Json;
using Craton.Data.Images.Scenes;

namespace Craton.Data.Images;

/// <summary>Where pictures with captions lie: JSON lines, each naming a picture file, a cell of a sheet, or a clip.</summary>
public sealed record CaptionSource
{
    /// <summary>The JSON lines; <c>.gz</c> is unpacked.</summary>
    public required string Captions { get; init; }

    /// <summary>A picture file of equal cells that holds all pictures; null where every line names a file of its own.</summary>
    public string? Sheet { get; init; }

    /// <summary>Pixels of a side of a picture in the sheet.</summary>
    public int Cell { get; init; } = 32;

    /// <summary>Pixels around every picture in the sheet.</summary>
    public int Margin { get; init; }

    /// <summary>Fields of the column and the row of a line's cell, counted from 0.</summary>
    public (string Column, string Row) CellFields { get; init; } = ("sheet_x", "sheet_y");

    /// <summary>Field of a line's picture file, relative to the folder of the lines.</summary>
    public string FileField { get; init; } = "file";

    /// <summary>Field that tells pictures apart; the picture file when null.</summary>
    public string? KeyField { get; init; }

    /// <summary>Fields of captions; the first must be there, the others may.</summary>
    public required IReadOnlyList<string> CaptionFields { get; init; }

    /// <summary>Fields of words that also belong to a picture: texts, or lists of texts.</summary>
    public IReadOnlyList<string> TagFields { get; init; } = [];

    /// <summary>Size that every picture is resized to (bilinear); null: all must have the size of the first.</summary>
    public int? Side { get; init; }

    /// <summary>Pictures of a clip (<see cref="ClipFile"/>), which every line names in the place of a picture; 1 for single pictures.</summary>
    public int Frames { get; init; } = 1;
}

/// <summary>What is said of a picture.</summary>
/// <param name="Key">Tells it from others; its part of the data depends on this alone.</param>
/// <param name="Captions">Its captions, the most important first.</param>
/// <param name="Tags">Words that also belong to it.</param>
/// <param name="Questions">Questions about it with their answers.</param>
public sealed record PictureText(string Key, IReadOnlyList<string> Captions, IReadOnlyList<string> Tags, IReadOnlyList<(string Question, string Answer)> Questions);

/// <summary>Pictures, or clips of as many pictures each, with captions.</summary>
/// <param name="Images">The pictures; those of a clip one after the other.</param>
/// <param name="Texts">What is said of each picture, or clip.</param>
public sealed record CaptionedPictures(ImageSet Images, IReadOnlyList<PictureText> Texts)
{
    private const int MostSide = 4096;

    /// <summary>Pictures of a clip; 1 for single pictures.</summary>
    public int Frames => Images.Count / Texts.Count;

    /// <summary>Which pictures the clips of some texts are.</summary>
    public int[] FramesOf(IEnumerable<int> texts) => [.. texts.SelectMany(text => Enumerable.Range(text * Frames, Frames))];

    /// <summary>Reads all lines with their pictures.</summary>
    /// <exception cref="DataFileException">A line is damaged or lacks a field, a picture is missing or of another size, or there is none.</exception>
    /// <exception cref="PictureException">A picture is damaged.</exception>
    public static CaptionedPictures Read(CaptionSource source)
    {
        if (source.Cell is < 1 or > MostSide || source.Margin is < 0 or > MostSide)
            throw new DataFileException(source.Captions, "", $"expected cells of 1 to {MostSide} pixels with a margin of 0 or more, got {source.Cell} and {source.Margin}.");
        if (source.Frames > 1 && source.Sheet is not null) throw new DataFileException(source.Captions, "", "expected clips or a sheet of single pictures, got both; leave one out.");
        var options = new TextFileOptions();
        Picture? sheet = source.Sheet is null ? null : PictureFile.Read(Existing(source.Captions, "", source.Sheet)).OnWhite();
        var pictures = new PictureCollector(source.Side is { } side ? (side, side) : null);
        var texts = new List<PictureText>();
        using DataStream stream = DataStream.Open(source.Captions, options);
        foreach (TextLine line in LineReader.Read(stream, options.MaxRecordBytes))
        {
            if (line.Fault is null && line.Bytes.Span.Trim((byte)' ').IsEmpty) continue;
            var fields = new CaptionLine(source, line, options);
            foreach (Picture picture in Seen(source, fields, sheet)) pictures.Add(fields.Place, picture);
            texts.Add(fields.Text());
        }
        return texts.Count > 0 ? new(pictures.ToSet([], []), texts) : throw new DataFileException(source.Captions, "", "holds no caption; give JSON lines, one for each picture.");
    }

    /// <summary>Generated scenes with their captions: the first ones that <c>craton data scenes</c> draws with a seed.</summary>
    /// <param name="count">Number of scenes, at least 1.</param>
    /// <param name="seed">Seed of the scenes.</param>
    public static CaptionedPictures OfScenes(int count, ulong seed = 0)
    {
        var generator = new SceneGenerator(seed);
        return Generated(count, i =>
        {
            Scene scene = generator[i];
            return (SceneGenerator.FileOf(i), scene.Caption.ToString(), [scene]);
        });
    }

    /// <summary>Generated clips with their captions: the first ones that <c>craton data clips</c> draws with a seed.</summary>
    /// <param name="count">Number of clips, at least 1.</param>
    /// <param name="frames">Pictures of each.</param>
    /// <param name="seed">Seed of the clips.</param>
    public static CaptionedPictures OfClips(int count, int frames, ulong seed = 0)
    {
        var generator = new SceneClipGenerator(seed, frames);
        return Generated(count, i =>
        {
            SceneClip clip = generator[i];
            return (SceneClipGenerator.FolderOf(i), clip.Caption.ToString(), clip.Frames);
        });
    }

    private static CaptionedPictures Generated(int count, Func<int, (string Name, string Caption, IReadOnlyList<Scene> Frames)> make)
    {
        var pictures = new PictureCollector(size: null);
        var texts = new PictureText[count];
        for (int i = 0; i < count; i++)
        {
            (string name, string caption, IReadOnlyList<Scene> frames) = make(i);
            foreach (Scene frame in frames) pictures.Add(name, SceneRenderer.Render(frame));
            texts[i] = new PictureText(name, [caption], [], []);
        }
        return new(pictures.ToSet([], []), texts);
    }

    /// <summary>Those of one part of the data, by their keys.</summary>
    /// <exception cref="DataFileException">There is none.</exception>
    public CaptionedPictures Part(Splitter splitter, Split part)
    {
        int[] chosen = [.. Enumerable.Range(0, Texts.Count).Where(i => splitter.Of(Texts[i].Key) == part)];
        if (chosen.Length == 0) throw new DataFileException("captions", "", $"has no picture of the part '{part}' among {Texts.Count}; change data.test_fraction, or add pictures.");
        int size = Frames * Images.SamplesOfOne;
        byte[] samples = new byte[chosen.Length * size];
        for (int i = 0; i < chosen.Length; i++) Images.Samples.AsSpan(chosen[i] * size, size).CopyTo(samples.AsSpan(i * size));
        return new(new ImageSet(Images.Width, Images.Height, Images.Channels, samples, [], []), [.. chosen.Select(i => Texts[i])]);
    }

    // The picture of a line, or those of its clip.
    private static IReadOnlyList<Picture> Seen(CaptionSource source, CaptionLine line, Picture? sheet)
    {
        if (source.Frames > 1) return ClipFile.Read(line.File, source.Frames, source.Side ?? Scene.Side);
        return [sheet is null ? PictureFile.Read(Existing(source.Captions, $"line {line.Number}", line.File)) : line.Cut(sheet)];
    }

    private static string Existing(string captions, string place, string file) =>
        File.Exists(file) ? file : throw new DataFileException(captions, place, $"names the picture '{file}', which does not exist; restore it, or remove the line.");
}

/// <summary>One line of captions.</summary>
internal sealed class CaptionLine
{
    private readonly CaptionSource _source;
    private readonly JsonElement _row;
    private readonly long _number;

    public CaptionLine(CaptionSource source, in TextLine line, TextFileOptions options)
    {
        (_source, _number) = (source, line.Number);
        if (line.Fault is not null) throw Wrong(line.Fault);
        try
        {
            using JsonDocument json = JsonDocument.Parse(line.Bytes, JsonRows.DocumentOptions(options));
            _row = json.RootElement.Clone();
        }
        catch (JsonException error)
        {
            throw new DataFileException(source.Captions, $"line {_number}", $"is no valid JSON ({JsonRows.Short(error)}).", error);
        }
        if (_row.ValueKind != JsonValueKind.Object) throw Wrong("expected a JSON object, got something else.");
    }

    public long Number => _number;

    public string Place => FormattableString.Invariant($"{_source.Captions} line {_number}");

    /// <summary>Path of the picture, which lies in the folder of the lines or below.</summary>
    public string File
    {
        get
        {
            string folder = Path.GetFullPath(Path.GetDirectoryName(Path.GetFullPath(_source.Captions))!), file = Required(_source.FileField);
            string path = file.Contains('\0') ? "" : Path.GetFullPath(Path.Combine(folder, file));
            return path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path
                : throw Wrong($"expected in '{_source.FileField}' a picture in the folder of the lines, got '{file}'.");
        }
    }

    /// <summary>The line's cell of the sheet.</summary>
    public Picture Cut(Picture sheet)
    {
        int cell = _source.Cell, step = cell + 2 * _source.Margin, columns = sheet.Width / step, rows = sheet.Height / step;
        int column = Cell(_source.CellFields.Column, columns), row = Cell(_source.CellFields.Row, rows);
        byte[] samples = new byte[cell * cell * 3];
        for (int y = 0; y < cell; y++)
        {
            int from = ((row * step + _source.Margin + y) * sheet.Width + column * step + _source.Margin) * 3;
            sheet.Samples.AsSpan(from, cell * 3).CopyTo(samples.AsSpan(y * cell * 3));
        }
        return new(cell, cell, 3, samples);
    }

    public PictureText Text()
    {
        string first = Required(_source.CaptionFields[0]);
        string[] captions = [first, .. _source.CaptionFields.Skip(1).SelectMany(Texts)];
        return new(Required(_source.KeyField ?? _source.FileField), captions, [.. _source.TagFields.SelectMany(Texts)], [.. Questions()]);
    }

    private IEnumerable<(string, string)> Questions()
    {
        if (!_row.TryGetProperty("questions", out JsonElement list)) yield break;
        if (list.ValueKind != JsonValueKind.Array) throw Wrong("expected in 'questions' a list.");
        foreach (JsonElement item in list.EnumerateArray())
        {
            bool isQuestion = item.ValueKind == JsonValueKind.Object && item.TryGetProperty("question", out JsonElement question) && question.ValueKind == JsonValueKind.String
                && item.TryGetProperty("answer", out JsonElement answer) && answer.ValueKind == JsonValueKind.String;
            if (!isQuestion) throw Wrong("expected in 'questions' objects of 'question' and 'answer'.");
            yield return (String(item.GetProperty("question")), String(item.GetProperty("answer")));
        }
    }

    private int Cell(string field, int below) =>
        _row.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0 && number < below ? number
            : throw Wrong($"expected in '{field}' a cell of the sheet from 0 to below {below}, got {(value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.GetRawText())}.");

    private string Required(string field) => Texts(field).FirstOrDefault(text => text.Length > 0) ?? throw Wrong($"expected a text in '{field}', got none; write one, or remove the line.");

    private IEnumerable<string> Texts(string field) => !_row.TryGetProperty(field, out JsonElement value) ? [] : value.ValueKind switch
    {
        JsonValueKind.String => [String(value)],
        JsonValueKind.Array => value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(String),
        _ => [],
    };

    // A lone surrogate written as \uD800 parses, but is no text.
    private string String(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("holds a string with an unpaired surrogate, which is no text.");
        }
    }

    private DataFileException Wrong(string problem) => new(_source.Captions, FormattableString.Invariant($"line {_number}"), problem);
}
