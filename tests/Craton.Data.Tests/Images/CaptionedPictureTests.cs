using System.IO.Compression;
using System.Text;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Tensors;

namespace Craton.Data.Tests.Images;

/// <summary>Pictures with captions and questions from files, good and bad, and how they are changed for training.</summary>
public sealed class CaptionedPictureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("craton-captions-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Scenes that are drawn when they are needed are those of a folder of scenes, with the same keys.</summary>
    [Fact]
    public void Scenes_are_the_same_drawn_at_once_and_read_from_files()
    {
        const int Count = 5;
        var generator = new SceneGenerator(0);
        Directory.CreateDirectory(Path.Combine(_folder, "images"));
        for (int i = 0; i < Count; i++) PngWriter.WriteFile(Path.Combine(_folder, SceneGenerator.FileOf(i)), SceneRenderer.Render(generator[i]));
        string[] lines = [.. Enumerable.Range(0, Count).Select(i => $$"""{"file":"{{SceneGenerator.FileOf(i)}}","caption":"{{generator[i].Caption}}"}""")];
        CaptionedPictures read = CaptionedPictures.Read(new CaptionSource { Captions = Save("scenes.jsonl", lines), CaptionFields = ["caption"] }), drawn = CaptionedPictures.OfScenes(Count);
        Assert.Equal(read.Images.Samples, drawn.Images.Samples);
        Assert.Equal(read.Texts.Select(text => (text.Key, text.Captions[0])), drawn.Texts.Select(text => (text.Key, text.Captions[0])));
    }

    [Fact]
    public void Cells_of_a_sheet_are_cut_without_their_margin()
    {
        // Two cells of 2×2 with a margin of 1, each of one grey value.
        byte[] samples = new byte[4 * 8 * 3];
        for (int y = 1; y < 3; y++)
            for (int x = 0; x < 8; x++)
                for (int c = 0; c < 3; c++) samples[(y * 8 + x) * 3 + c] = (byte)(x is 1 or 2 ? 10 : x is 5 or 6 ? 20 : 255);
        PngWriter.WriteFile(Path.Combine(_folder, "sheet.png"), new Picture(8, 4, 3, samples));
        var source = new CaptionSource
        {
            Captions = Save("a.jsonl", """{"id":"a","sheet_x":1,"sheet_y":0,"name":"light","more":["pale"],"tags":["x","y"],"group":"greys"}""", """{"id":"b","sheet_x":0,"sheet_y":0,"name":"dark"}"""),
            Sheet = Path.Combine(_folder, "sheet.png"),
            Cell = 2,
            Margin = 1,
            KeyField = "id",
            CaptionFields = ["name", "more"],
            TagFields = ["tags", "group"],
        };
        CaptionedPictures read = CaptionedPictures.Read(source);
        Assert.Equal([.. Enumerable.Repeat((byte)20, 12), .. Enumerable.Repeat((byte)10, 12)], read.Images.Samples);
        Assert.Equal(["light", "pale"], read.Texts[0].Captions);
        Assert.Equal(["x", "y", "greys"], read.Texts[0].Tags);
        Assert.Contains("'sheet_x' a cell of the sheet from 0 to below 2", Refused(source with { Captions = Save("b.jsonl", """{"id":"a","sheet_x":2,"sheet_y":0,"name":"x"}""") }));
        Assert.Contains("'sheet_y' a cell", Refused(source with { Captions = Save("c.jsonl", """{"id":"a","sheet_x":0,"name":"x"}""") }));
    }

    [Fact]
    public void Lines_that_do_not_fit_are_named()
    {
        Scene("one.png", 16);
        Scene("other.png", 20);
        Assert.Contains("line 2: expected a text in 'caption'", Refused(Lines("""{"file":"one.png","caption":"a"}""", """{"file":"one.png"}""")));
        Assert.Contains("which does not exist", Refused(Lines("""{"file":"none.png","caption":"a"}""")));
        Assert.Contains("line 1: expected a text in 'file'", Refused(Lines("""{"caption":"a"}""")));
        Assert.Contains("in the folder of the lines, got '../one.png'", Refused(Lines("""{"file":"../one.png","caption":"a"}""")));
        Assert.Contains("expected a picture of 16×16", Refused(Lines("""{"file":"one.png","caption":"a"}""", """{"file":"other.png","caption":"b"}""")));
        Assert.Contains("no valid JSON", Refused(Lines("{")));
        Assert.Contains("surrogate", Refused(Lines("""{"file":"one.png","caption":"\ud800"}""")));
        Assert.Contains("holds no caption", Refused(Lines("")));
        CaptionedPictures one = CaptionedPictures.Read(Lines("""{"file":"one.png","caption":"a"}""") with { Side = 8 });
        Assert.Equal((8, 8), (one.Images.Width, one.Images.Height));
        Assert.Contains("no picture of the part", Assert.Throws<DataFileException>(() => one.Part(new Splitter(0, 0), Split.Test)).Message);
    }

    [Fact]
    public void A_hundred_thousand_mutations_of_a_line_are_read_or_refused_with_a_sentence()
    {
        Scene("one.png", 16);
        byte[] line = """{"file":"one.png","caption":"a red circle","tags":["x","\u00e9"],"questions":[{"question":"what?","answer":"a"}]}"""u8.ToArray();
        CaptionSource source = Lines("") with { TagFields = ["tags"] };
        var random = new Random(20261126);
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = [.. line];
            for (int n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(1, 128);
            try
            {
                var read = new CaptionLine(source, new TextLine(1, bytes, null), new TextFileOptions());
                Assert.StartsWith(_folder, read.File);
                Assert.NotEmpty(read.Text().Captions[0]);
            }
            catch (DataFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10_000, 99_999);
    }

    [Fact]
    public void Questions_are_read_from_an_archive_a_folder_and_lines()
    {
        Scene("7.png", 16);
        string archive = Path.Combine(_folder, "pictures.zip"), questions = Path.Combine(_folder, "q.json");
        using (ZipArchive zip = ZipFile.Open(archive, ZipArchiveMode.Create)) zip.CreateEntryFromFile(Path.Combine(_folder, "7.png"), "7.png", CompressionLevel.NoCompression);
        File.WriteAllText(questions, """[["what colour?", "red", 7], ["a circle?", "yes", "7"]]""");
        PictureQuestion[] expected = [new(0, "what colour?", "red"), new(0, "a circle?", "yes")];
        Assert.Equal(expected, PictureQuestions.Read(questions, archive).Questions);
        Assert.Equal(expected, PictureQuestions.Read(questions, _folder).Questions);
        string lines = Save("q.jsonl", """{"file":"7.png","caption":"x","questions":[{"question":"what colour?","answer":"red"},{"question":"a circle?","answer":"yes"}]}""");
        Assert.Equal(expected, PictureQuestions.Read(lines).Questions);

        File.WriteAllText(questions, """[["what colour?", "red", 8]]""");
        Assert.Contains("the picture '8', which", Assert.Throws<DataFileException>(() => PictureQuestions.Read(questions, archive)).Message);
        File.WriteAllText(questions, """[["what colour?", 7]]""");
        Assert.Contains("question 1: expected [question, answer, picture]", Assert.Throws<DataFileException>(() => PictureQuestions.Read(questions, archive)).Message);
        File.WriteAllText(questions, "[]");
        Assert.Contains("no question", Assert.Throws<DataFileException>(() => PictureQuestions.Read(questions, archive)).Message);
        string empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        Assert.Contains("no picture", Assert.Throws<DataFileException>(() => PictureQuestions.Read(questions, empty)).Message);
        File.WriteAllBytes(archive, File.ReadAllBytes(archive)[..^4]);
        Assert.Contains("is cut", Assert.Throws<DataFileException>(() => PictureQuestions.Read(questions, archive)).Message);
    }

    [Fact]
    public void A_change_of_nothing_changes_nothing_and_a_mirrored_picture_is_mirrored()
    {
        byte[] samples = [.. Enumerable.Range(0, 4 * 4 * 3).Select(i => (byte)(5 * i))];
        var set = new ImageSet(4, 4, 3, samples, [], []);
        int[] many = new int[8];
        var random = new CounterRandom(1, 2, 3);
        float[] plain = PictureAugmentation.Pixels(set, many).ToArray<float>();
        Assert.Equal(plain, PictureAugmentation.Pixels(set, many, new PictureAugmentation(), random).ToArray<float>());
        float[] flipped = PictureAugmentation.Pixels(set, many, new PictureAugmentation(Flip: true), random).ToArray<float>();
        float[] mirrored = [.. Enumerable.Range(0, 48).Select(i => plain[i / 4 * 4 + 3 - i % 4])];
        bool[] turned = [.. Enumerable.Range(0, 8).Select(i => flipped.AsSpan(48 * i, 48).SequenceEqual(mirrored))];
        Assert.Equal(turned, Enumerable.Range(0, 8).Select(i => !flipped.AsSpan(48 * i, 48).SequenceEqual(plain.AsSpan(0, 48))));
        Assert.Contains(true, turned);
        Assert.Contains(false, turned);
    }

    [Fact]
    public void What_is_said_of_a_scene_is_compared_part_by_part_in_either_order()
    {
        SceneCaption truth = SceneCaption.Parse("a small red circle above a large blue square on a black background");
        Assert.All(SceneCaptionCheck.Compare(truth, truth), part => Assert.True(part.Holds));
        Assert.All(SceneCaptionCheck.Compare(truth, SceneCaption.Parse("a large blue square below a small red circle on a black background")), part => Assert.True(part.Holds));
        Assert.Equal(["colour", "relation"], Wrong(SceneCaption.Parse("a small green circle left of a large blue square on a black background")));
        Assert.Equal(["count", "relation", "other_size", "other_colour", "other_shape"], Wrong(SceneCaption.Parse("a small red circle on a black background")));
        Assert.Equal(9, Wrong(null).Length);

        string[] Wrong(SceneCaption? said) => [.. SceneCaptionCheck.Compare(truth, said).Where(part => !part.Holds).Select(part => part.Name)];
    }

    private CaptionSource Lines(params string[] lines) => new() { Captions = Save("lines.jsonl", lines), CaptionFields = ["caption"] };

    private static string Refused(CaptionSource source) => Assert.Throws<DataFileException>(() => CaptionedPictures.Read(source)).Message;

    private string Save(string name, params string[] lines)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, string.Join('\n', lines), new UTF8Encoding(false));
        return path;
    }

    private void Scene(string name, int side) => PngWriter.WriteFile(Path.Combine(_folder, name), SceneRenderer.Render(new SceneGenerator(1)[0], side));
}
