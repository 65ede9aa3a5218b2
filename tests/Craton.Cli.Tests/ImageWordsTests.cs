using System.Text.Json.Nodes;
using Craton.Cli.Tests.Docs;

namespace Craton.Cli.Tests;

/// <summary><c>craton caption</c>, <c>craton ask-image</c> and <c>craton embed --images</c>, and what they say of pictures that are none.</summary>
public sealed class ImageWordsTests : IDisposable
{
    private static readonly string s_vision = Path.Combine(Repository.Root, "tests", "fixtures", "encoders", "vision");
    private static readonly string s_picture = Path.Combine(s_vision, "pictures", "rgb_odd.png"), s_other = Path.Combine(s_vision, "pictures", "rgb_wide.png");

    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData("blip")]
    [InlineData("joined")]
    [InlineData("llava")]
    public void PicturesGetCaptions(string kind)
    {
        string model = PictureModels.Write(kind, _tool.At(kind));
        Directory.CreateDirectory(_tool.At("pictures"));
        File.Copy(s_picture, _tool.At("pictures/a.png"));
        _tool.Write("pictures/b.png", "no picture");
        ToolResult folder = _tool.Run("caption", "-m", model, "pictures", "--max-tokens", "5", "--json");
        JsonObject only = Assert.Single(folder.Json["captions"]!.AsArray())!.AsObject();
        Assert.Equal(Path.Combine("pictures", "a.png"), (string)only["image"]!);
        Assert.Contains("b.png': expected a PNG", folder.Error, StringComparison.Ordinal);
        string caption = (string)only["caption"]!;
        Assert.NotEmpty(caption);
        Assert.Equal(caption, _tool.Run("caption", "-m", model, s_picture, "--max-tokens", "5").Output.TrimEnd());
    }

    [Fact]
    public void BeamsLookForTheLikeliestCaption()
    {
        string model = PictureModels.Write("blip", _tool.At("model"));
        Assert.NotEmpty(_tool.Run("caption", "-m", model, s_picture, "--beams", "3", "--json").Json["captions"]![0]!["caption"]!.ToString());
        Bad.Expect(_tool.Run("caption", "-m", model, s_picture, "--beams", "0"), "expected 1 to");
        Bad.Expect(_tool.Run("caption", "-m", model, s_picture, "--max-tokens", "17"), "16 positions");
    }

    [Theory]
    [InlineData("blip-answers")]
    [InlineData("llava")]
    public void QuestionsGetAnswers(string kind)
    {
        string model = PictureModels.Write(kind, _tool.At(kind));
        JsonObject result = _tool.Run("ask-image", "-m", model, s_picture, "word9 word12", "--max-tokens", "4", "--json").Json;
        Assert.Equal("word9 word12", (string)result["question"]!);
        Assert.NotEmpty((string)result["answers"]![0]!["answer"]!);
        // The name of a control token in a question is words like any others.
        Assert.Equal(0, _tool.Run("ask-image", "-m", model, s_picture, "<image> word9", "--max-tokens", "4").ExitCode);
        Bad.Expect(_tool.Run("ask-image", "-m", model, s_picture, " "), "question is empty");
    }

    [Fact]
    public void AQuestionIsPutInTheWordsOfTheModelsTemplate()
    {
        string model = PictureModels.Write("llava", _tool.At("llava"));
        const string template = "{% for part in messages[0]['content'] %}{% if part['type'] == 'image' %}<image>{% else %} {{ part['text'] }} {% endif %}{% endfor %}word20";
        File.WriteAllText(Path.Combine(model, "chat_template.jinja"), template);
        Assert.NotEmpty((string)_tool.Run("ask-image", "-m", model, s_picture, "word9", "--max-tokens", "4", "--json").Json["answers"]![0]!["answer"]!);
        File.WriteAllText(Path.Combine(model, "chat_template.jinja"), template + "<image>");
        Bad.Expect(_tool.Run("ask-image", "-m", model, s_picture, "word9"), "once, where the image stands, got 2");
        Bad.Expect(_tool.Run("caption", "-m", model, s_picture, "--beams", "2"), "writes token by token");
    }

    [Fact]
    public void AModelThatCannotIsNamed()
    {
        string blip = PictureModels.Write("blip", _tool.At("blip")), answers = PictureModels.Write("blip-answers", _tool.At("answers")), clip = PictureModels.Write("clip", _tool.At("clip"));
        Bad.Expect(_tool.Run("ask-image", "-m", blip, s_picture, "word9"), "answers no questions");
        Bad.Expect(_tool.Run("caption", "-m", answers, s_picture), "writes no captions");
        Bad.Expect(_tool.Run("caption", "-m", clip, s_picture), "has no words for images");
        Bad.Expect(_tool.Run("caption", "-m", _tool.Folder, s_picture), "config.json");
        File.Delete(Path.Combine(blip, "tokenizer.json"));
        Bad.Expect(_tool.Run("caption", "-m", blip, s_picture), "no tokenizer");
    }

    [Fact]
    public void PicturesAndTextsOfClipBecomeVectors()
    {
        string model = PictureModels.Write("clip", _tool.At("clip"));
        Directory.CreateDirectory(_tool.At("pictures"));
        foreach (string picture in (string[])[s_picture, s_other]) File.Copy(picture, _tool.At($"pictures/{Path.GetFileName(picture)}"));
        JsonObject images = _tool.Run("embed", "-m", model, "--images", "pictures", "--json").Json;
        Assert.Equal(2, images["images"]!.AsArray().Count);
        JsonObject texts = _tool.RunWith("word9\nword12 word13\nword9\n", "embed", "-m", model, "--json").Json;
        Assert.Equal(16, (int)texts["max_tokens"]!);
        Assert.All(images["embeddings"]!.AsArray().Concat(texts["embeddings"]!.AsArray()), vector =>
        {
            Assert.Equal(8, vector!.AsArray().Count);
            Assert.Equal(1, vector.AsArray().Sum(value => Math.Pow((double)value!, 2)), 4);
        });
        Assert.Equal(texts["embeddings"]![0]!.ToJsonString(), texts["embeddings"]![2]!.ToJsonString());
        Assert.Equal(images["embeddings"]![0]!.ToJsonString(), _tool.Run("embed", "-m", model, "--images", s_picture, "--json").Json["embeddings"]![0]!.ToJsonString());
    }

    [Fact]
    public void AnEncoderOfImagesHasPicturesAlone()
    {
        string model = PictureModels.Write("encoder", _tool.At("encoder")), text = Path.Combine(Repository.Root, "tests", "fixtures", "encoders", "text", "sentence-dense");
        Assert.Equal(16, (int)_tool.Run("embed", "-m", model, "--images", s_picture, "--json").Json["dimensions"]!);
        Bad.Expect(_tool.RunWith("word9\n", "embed", "-m", model), "no side for texts");
        Bad.Expect(_tool.Run("embed", "-m", model, "--images", s_picture, "--jsonl"), "--jsonl");
        Bad.Expect(_tool.Run("embed", "-m", text, "--images", s_picture), "--images", "no side for images");
    }

    [Fact]
    public void PicturesThatAreNoneAreNamedInOneSentence()
    {
        string blip = PictureModels.Write("blip", _tool.At("blip")), clip = PictureModels.Write("clip", _tool.At("clip")), answers = PictureModels.Write("blip-answers", _tool.At("answers"));
        byte[] png = File.ReadAllBytes(s_picture);
        File.WriteAllBytes(_tool.At("cut.png"), png[..^30]);
        byte[] huge = [.. png];
        for (int i = 16; i < 24; i++) huge[i] = 0x7F;
        Mend(huge);
        File.WriteAllBytes(_tool.At("huge.png"), huge);
        File.WriteAllBytes(_tool.At("photo.jpg"), [0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0, 4, 0, 6, 3, 0, 0]);
        _tool.Write("words.png", "no picture");
        Directory.CreateDirectory(_tool.At("empty"));
        Directory.CreateDirectory(_tool.At("damaged"));
        File.Copy(_tool.At("cut.png"), _tool.At("damaged/cut.png"));
        (string File, string Sentence)[] bad =
        [
            ("missing.png", "got none; check the path"), ("words.png", "expected a PNG, JPEG, WebP or GIF file"), ("cut.png", "cut"),
            ("huge.png", "pixels, got"), ("photo.jpg", "there is none on the PATH"), ("empty", "got none; add some"), ("damaged", "none of the pictures"),
        ];
        foreach ((string file, string sentence) in bad) BadIn(["caption", "-m", blip, file], sentence);
        foreach ((string file, string sentence) in (ReadOnlySpan<(string, string)>)[bad[1], bad[5]])
        {
            BadIn(["ask-image", "-m", answers, file, "word9"], sentence);
            BadIn(["embed", "-m", clip, "--images", file], sentence);
        }
        BadIn(["classify", "-m", clip, "--labels", "word9, word12", bad[2].File], bad[2].Sentence);
        BadIn(["search-images", "-m", clip, bad[6].File, "word9"], bad[6].Sentence);
        foreach ((string file, string sentence) in bad[..3]) BadIn(["data", "check-scene", file, "a small red circle on a black background"], sentence);
        Bad.Expect(_tool.Run("data", "check-scene", s_picture, "a small red circle on a black background"), "expected a square picture");
        Bad.Expect(_tool.Run("classify", "-m", clip, s_picture), "--labels");
    }

    [Fact]
    public void AnInstalledFfmpegReadsWhatIsNoPng()
    {
        if (OperatingSystem.IsWindows()) return; // a script is no program there
        string model = PictureModels.Write("blip", _tool.At("blip"));
        File.WriteAllBytes(_tool.At("photo.jpg"), [0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0, 4, 0, 6, 3, 0, 0]);
        Directory.CreateDirectory(_tool.At("bin"));
        string ffmpeg = _tool.Write("bin/ffmpeg", $"#!/bin/sh\n/bin/cat > /dev/null\n/bin/cat '{s_picture}'\n");
        File.SetUnixFileMode(ffmpeg, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        ToolResult read = _tool.RunIn([("PATH", _tool.At("bin"))], "caption", "-m", model, "photo.jpg");
        Assert.Equal((0, _tool.Run("caption", "-m", model, s_picture).Output), (read.ExitCode, read.Output));
    }

    // On a PATH on which there is no ffmpeg, whatever the machine has.
    private void BadIn(string[] command, string sentence) => Bad.Expect(_tool.RunIn([("PATH", _tool.At("empty"))], command), sentence);

    // Makes the check sum of the first chunk right again.
    private static void Mend(byte[] png)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in png.AsSpan(12, 17))
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
        }
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), ~crc);
    }
}
