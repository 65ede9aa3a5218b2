using System.Text.Json;

namespace Craton.Data.Images;

/// <summary>A question about a picture.</summary>
/// <param name="Picture">Number of the picture.</param>
/// <param name="Question">The question.</param>
/// <param name="Answer">Its answer.</param>
public readonly record struct PictureQuestion(int Picture, string Question, string Answer);

/// <summary>Pictures with questions about them.</summary>
/// <param name="Images">The pictures.</param>
/// <param name="Questions">The questions, in the order of the file.</param>
public sealed record PictureQuestions(ImageSet Images, IReadOnlyList<PictureQuestion> Questions)
{
    private const int MostQuestions = 1 << 24;

    /// <summary>
    /// Reads a ZIP archive of PNG files <c>ID.png</c>, or a folder of pictures named so, with a JSON file of <c>[question, answer, ID]</c> (as easy-VQA has them); or JSON lines with a
    /// picture's path as <c>file</c>, relative to the lines' folder, and <c>questions</c>, a list of <c>question</c> and <c>answer</c> (as
    /// <c>craton data scenes</c> writes them).
    /// </summary>
    /// <param name="questions">The JSON file, or JSON lines where its name is <c>.jsonl</c>; <c>.gz</c> is unpacked.</param>
    /// <param name="images">The archive or folder of pictures; null for JSON lines.</param>
    /// <exception cref="DataFileException">A file is damaged, a question has no picture, or there is none.</exception>
    /// <exception cref="PictureException">A picture is damaged.</exception>
    public static PictureQuestions Read(string questions, string? images = null)
    {
        PictureQuestions read = images is null ? ReadLines(questions) : ReadPair(questions, images);
        return read.Questions.Count > 0 ? read : throw new DataFileException(questions, "", "holds no question; give a file with at least one.");
    }

    private static PictureQuestions ReadPair(string questions, string images)
    {
        var pictures = new PictureCollector(null);
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string name, Picture picture) in Pictures(images))
        {
            string id = Path.GetFileNameWithoutExtension(name);
            if (!numbers.TryAdd(id, pictures.Count)) throw new DataFileException(images, $"file '{name}'", $"is the second picture '{id}'; expected one of each name.");
            pictures.Add($"{images}/{name}", picture);
        }
        if (pictures.Count == 0) throw new DataFileException(images, "", "holds no picture; give an archive of PNG files, or a folder of pictures.");
        using JsonDocument json = Parse(questions);
        if (json.RootElement.ValueKind != JsonValueKind.Array || json.RootElement.GetArrayLength() > MostQuestions)
            throw new DataFileException(questions, "", $"expected a list of at most {MostQuestions:N0} questions, [question, answer, picture].");
        var all = new List<PictureQuestion>(json.RootElement.GetArrayLength());
        foreach (JsonElement item in json.RootElement.EnumerateArray())
        {
            bool isQuestion = item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 3
                && item[0].ValueKind == JsonValueKind.String && item[1].ValueKind == JsonValueKind.String && item[2].ValueKind is JsonValueKind.Number or JsonValueKind.String;
            if (!isQuestion) throw new DataFileException(questions, $"question {all.Count + 1}", "expected [question, answer, picture], got something else.");
            string id = item[2].ValueKind == JsonValueKind.String ? Text(questions, item[2]) : item[2].GetRawText();
            if (!numbers.TryGetValue(id, out int picture))
                throw new DataFileException(questions, $"question {all.Count + 1}", $"is about the picture '{id}', which '{images}' does not hold; give the pictures of the same part.");
            all.Add(new(picture, Text(questions, item[0]), Text(questions, item[1])));
        }
        return new(pictures.ToSet([], []), all);
    }

    private static PictureQuestions ReadLines(string lines)
    {
        CaptionedPictures captioned = CaptionedPictures.Read(new CaptionSource { Captions = lines, CaptionFields = ["caption"] });
        var all = new List<PictureQuestion>();
        for (int i = 0; i < captioned.Texts.Count; i++)
            foreach ((string question, string answer) in captioned.Texts[i].Questions) all.Add(new(i, question, answer));
        return new(captioned.Images, all);
    }

    private static IEnumerable<(string Name, Picture Picture)> Pictures(string images) => Directory.Exists(images)
        ? Directory.GetFiles(images).Where(PictureFile.IsNamed).Order(StringComparer.Ordinal).Select(file => (Path.GetFileName(file), PictureFile.Read(file)))
        : ZipReader.Read(images).Where(entry => entry.Name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)).Select(entry => (entry.Name, Decoded(images, entry)));

    private static Picture Decoded(string archive, in ZipEntry entry)
    {
        try
        {
            return PngReader.Read(entry.Content).ToPicture();
        }
        catch (PictureException error)
        {
            throw new PictureException($"'{archive}' file '{entry.Name}': {error.Message}", error);
        }
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(DataStream.ReadAll(path, new TextFileOptions { MaxDocumentBytes = 1 << 28 }), new JsonDocumentOptions { MaxDepth = 4 });
        }
        catch (JsonException error)
        {
            throw new DataFileException(path, "", $"is no JSON ({JsonRows.Short(error)}); get the file again.", error);
        }
    }

    private static string Text(string path, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            throw new DataFileException(path, "", "holds a string with an unpaired surrogate, which is no text.", error);
        }
    }
}
