using Craton.Data.Images;
using Craton.Data.Images.Scenes;

namespace Craton.Data.Tests.Images;

/// <summary>Clips from folders of frames, and from videos with an ffmpeg that is a script.</summary>
public sealed class ClipFileTests : IDisposable
{
    private const int Side = 2, Size = Side * Side * 3;

    private static readonly Dictionary<string, byte[]> s_heads = new()
    {
        ["MP4"] = [0, 0, 0, 32, .. "ftypisom"u8],
        ["Matroska"] = [0x1A, 0x45, 0xDF, 0xA3, 0, 0, 0, 0, 0, 0, 0, 0],
        ["AVI"] = [.. "RIFF"u8, 0, 0, 0, 0, .. "AVI "u8],
        ["GIF"] = [.. "GIF89a"u8, 6, 0, 4, 0, 0, 0],
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("craton-clips-").FullName;

    public static TheoryData<string> Kinds => [.. s_heads.Keys];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Frames_of_a_video_are_taken_at_equal_distances(string kind)
    {
        if (OperatingSystem.IsWindows()) return; // a script is no program there
        // Seven frames, each of its number.
        string frames = Save("frames", [.. Enumerable.Range(0, 7).SelectMany(i => Enumerable.Repeat((byte)i, Size))]), video = Save("video.dat", s_heads[kind]);
        WriteFfmpeg($"echo \"$@\" > '{At("arguments")}'; cat '{frames}'");
        Assert.Equal([0, 2, 4, 6], Read(video, 4).Select(frame => (int)frame.Samples[0]));
        Assert.Equal([0, 6], Read(video, 2).Select(frame => (int)frame.Samples[^1]));
        Assert.Equal(13, Read(video, 13).Count);
        string arguments = File.ReadAllText(At("arguments"));
        Assert.Contains($"-protocol_whitelist file -max_pixels {Picture.MostPixels} -f {kind.ToLowerInvariant()} -i file:{video}", arguments);
        Assert.Contains("scale=2:2", arguments);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Without_ffmpeg_there_is_a_sentence(string kind) =>
        Assert.Contains($"is a video ({kind}), which is read through ffmpeg, and there is none on the PATH; install ffmpeg", Refused(Save("video.dat", s_heads[kind])));

    [Theory]
    [InlineData("exit 1", "could not decode the MP4 file")]
    [InlineData("exit 0", "could not decode the MP4 file")]
    [InlineData("printf 1234567", "could not decode the MP4 file")]
    [InlineData("yes", "made more of the MP4 file than 3000 frames need; give a folder")]
    public void What_ffmpeg_answers_is_checked(string script, string sentence)
    {
        if (OperatingSystem.IsWindows()) return;
        WriteFfmpeg(script);
        Assert.Contains(sentence, Refused(Save("video.mp4", s_heads["MP4"])));
    }

    [Fact]
    public void Pictures_of_a_folder_are_frames_in_the_order_of_their_names()
    {
        Directory.CreateDirectory(At("clip/other"));
        for (int i = 0; i < 5; i++) Save($"clip/{i:D2}.png", PngWriter.Write(new Picture(1, 1, 3, [(byte)i, 0, 0])));
        Save("clip/notes.txt", [1]);
        Save("clip/other/00.png", [1]);
        Assert.Equal([0, 2, 4], Read(At("clip"), 3).Select(frame => (int)frame.Samples[0]));
        Assert.Equal([0, 1, 1, 2, 2, 3, 3, 4], Read(At("clip"), 8).Select(frame => (int)frame.Samples[0]));
        Save("clip/01.png", [1, 2, 3]);
        Assert.Contains("01.png", Refused(At("clip"), frames: 5));
    }

    [Fact]
    public void What_is_no_clip_is_named()
    {
        Assert.Contains("2 or more PNG, JPEG, WebP or GIF files that are the frames of a clip, got 0", Refused(_folder));
        Assert.Contains("got none; check the path", Refused(At("missing.mp4")));
        Assert.Contains("got other bytes", Refused(Save("a.mp4", [.. "no video at all"u8])));
        Assert.Contains("got other bytes", Refused(Save("empty.mp4", [])));
        Assert.Contains("got other bytes", Refused(Save("one.png", PngWriter.Write(new Picture(1, 1, 3, [0, 0, 0])))));
    }

    [Fact]
    public void Captions_of_clips_are_read_with_their_frames_and_are_those_that_are_drawn()
    {
        const int Count = 12, Frames = 3;
        var generator = new SceneClipGenerator(0, Frames);
        for (int i = 0; i < Count; i++)
            for (int frame = 0; frame < Frames; frame++)
            {
                Directory.CreateDirectory(At(SceneClipGenerator.FolderOf(i)));
                PngWriter.WriteFile(At(Path.Combine(SceneClipGenerator.FolderOf(i), SceneClipGenerator.FileOf(frame))), SceneRenderer.Render(generator[i].Frames[frame]));
            }
        File.WriteAllLines(At("clips.jsonl"), Enumerable.Range(0, Count).Select(i => $$"""{"file":"{{SceneClipGenerator.FolderOf(i)}}","caption":"{{generator[i].Caption}}"}"""));
        var source = new CaptionSource { Captions = At("clips.jsonl"), CaptionFields = ["caption"], Frames = Frames };
        CaptionedPictures read = CaptionedPictures.Read(source), drawn = CaptionedPictures.OfClips(Count, Frames);
        Assert.Equal(Frames, read.Frames);
        Assert.Equal(drawn.Images.Samples, read.Images.Samples);
        Assert.Equal(drawn.Texts.Select(text => (text.Key, text.Captions[0])), read.Texts.Select(text => (text.Key, text.Captions[0])));
        var splitter = new Splitter(0, 0.5);
        CaptionedPictures part = read.Part(splitter, Split.Test);
        int first = Enumerable.Range(0, Count).First(i => splitter.Of(read.Texts[i].Key) == Split.Test);
        Assert.Equal(Frames, part.Frames);
        Assert.Equal(read.Images.SamplesOf(read.FramesOf([first])[2]), part.Images.SamplesOf(part.FramesOf([0])[2]));
        Assert.Contains("got both", Assert.Throws<DataFileException>(() => CaptionedPictures.Read(source with { Sheet = At("sheet.png") })).Message);
    }

    private IReadOnlyList<Picture> Read(string path, int frames) => ClipFile.Read(path, frames, Side, At("bin"));

    private string Refused(string path, int frames = 2) => Assert.Throws<PictureException>(() => Read(path, frames)).Message;

    private void WriteFfmpeg(string script) => FakeFfmpeg.Write(At("bin"), script);

    private string At(string name) => Path.Combine(_folder, name);

    private string Save(string name, byte[] bytes)
    {
        File.WriteAllBytes(At(name), bytes);
        return At(name);
    }
}
