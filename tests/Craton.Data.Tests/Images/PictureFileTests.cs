using System.Diagnostics;
using Craton.Data.Images;

namespace Craton.Data.Tests.Images;

/// <summary>Picture files of all kinds; JPEG, WebP and GIF with an ffmpeg that is a script.</summary>
public sealed class PictureFileTests : IDisposable
{
    // The beginnings of files of 6×4 pixels.
    private static readonly byte[] s_jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC4, 0, 2, 0xFF, 0xC0, 0, 17, 8, 0, 4, 0, 6, 3, 0, 0, 0];
    private static readonly byte[] s_gif = [.. "GIF89a"u8, 6, 0, 4, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] s_lossy = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPVP8 "u8, 0, 0, 0, 0, 0, 0, 0, 0x9D, 0x01, 0x2A, 6, 0, 4, 0];
    private static readonly byte[] s_lossless = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPVP8L"u8, 0, 0, 0, 0, 0x2F, 5, 0xC0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] s_extended = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPVP8X"u8, 10, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 3, 0, 0];

    private static readonly Picture s_red = new(6, 4, 3, [.. Enumerable.Range(0, 72).Select(i => (byte)(i % 3 == 0 ? 255 : 0))]);

    private readonly string _folder = Directory.CreateTempSubdirectory("craton-pictures-").FullName;

    private static readonly string[] s_kinds = ["JPEG", "GIF", "WebP lossy", "WebP lossless", "WebP extended"];

    public static TheoryData<string> Kinds => [.. s_kinds];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AForeignFileIsReadThroughFfmpeg(string kind)
    {
        if (OperatingSystem.IsWindows()) return; // a script is no program there
        string path = Save("picture.dat", FileOf(kind));
        WriteFfmpeg($"""
            echo "$@" > '{At("arguments")}'
            cat > '{At("input")}'
            cat '{SavePng("answer", s_red)}'
            """);
        Assert.Equal(s_red.Samples, PictureFile.Read(path, 24, At("bin")).Samples);
        Assert.Equal(FileOf(kind), File.ReadAllBytes(At("input")));
        string arguments = File.ReadAllText(At("arguments"));
        Assert.Contains($"-f {kind.Split(' ')[0] switch { "JPEG" => "jpeg_pipe", "GIF" => "gif", _ => "webp_pipe" }} -i pipe:0", arguments);
        Assert.DoesNotContain(path, arguments);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WithoutFfmpegThereIsASentence(string kind)
    {
        string sentence = Refused(Save("picture.dat", FileOf(kind)), search: At("bin"));
        Assert.Contains($"is a {kind.Split(' ')[0]} file, which is read through ffmpeg, and there is none on the PATH", sentence);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ALargePictureIsRefusedBeforeAnythingIsStarted(string kind)
    {
        WriteFfmpeg($"touch '{At("started")}'");
        Assert.Contains("expected 1 to 23 pixels, got 6×4", Refused(Save("picture.dat", FileOf(kind)), mostPixels: 23, search: At("bin")));
        Assert.False(File.Exists(At("started")));
    }

    [Theory]
    [InlineData("exit 1", "could not decode the JPEG file")]
    [InlineData("exit 0", "could not decode the JPEG file")]
    [InlineData("echo no picture", "signature of a PNG file")]
    [InlineData("yes", "made more of the JPEG file than 24 pixels need")]
    public void WhatFfmpegAnswersIsChecked(string script, string sentence)
    {
        if (OperatingSystem.IsWindows()) return;
        WriteFfmpeg(script);
        Assert.Contains(sentence, Refused(Save("picture.jpg", s_jpeg), mostPixels: 24, search: At("bin")));
    }

    [Fact]
    public void FfmpegIsNotWaitedForWithoutEnd()
    {
        if (OperatingSystem.IsWindows()) return;
        WriteFfmpeg("sleep 60");
        var watch = Stopwatch.StartNew();
        var ffmpeg = new Ffmpeg(Path.Combine(At("bin"), "ffmpeg"), TimeSpan.FromSeconds(0.5));
        Assert.Contains("within", Assert.Throws<PictureException>(() => ffmpeg.ToPng(s_jpeg, ForeignKind.Of(s_jpeg)!, 24)).Message);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
    }

    [Fact]
    public void OnlyFoldersOfTheSearchPathAreLookedIn()
    {
        if (OperatingSystem.IsWindows()) return;
        WriteFfmpeg("exit 0");
        Assert.NotNull(Ffmpeg.Find($"/nowhere:{At("bin")}"));
        Assert.Null(Ffmpeg.Find(Path.GetRelativePath(Environment.CurrentDirectory, At("bin"))));
        Assert.Null(Ffmpeg.Find(""));
        File.SetUnixFileMode(Path.Combine(At("bin"), "ffmpeg"), UnixFileMode.UserRead);
        Assert.Null(Ffmpeg.Find(At("bin")));
    }

    [Fact]
    public void WhatIsNoPictureIsNamed()
    {
        Assert.Contains("got other bytes", Refused(Save("a.png", [.. "text, not a picture"u8])));
        Assert.Contains("got other bytes", Refused(Save("empty.png", [])));
        Assert.Contains("got a folder", Refused(_folder));
        Assert.Contains("got none", Refused(At("missing.png")));
        byte[] png = PngWriter.Write(s_red);
        Assert.Contains("cut", Refused(Save("cut.png", png[..^20])));
        Assert.Contains("at most 23 pixels", Refused(Save("large.png", png), mostPixels: 23));
        Assert.Contains("size of a JPEG picture", Refused(Save("cut.jpg", s_jpeg[..12])));
    }

    [Fact]
    public void AFolderIsSearchedWithThoseInIt()
    {
        Assert.Contains("got none", Assert.Throws<PictureException>(() => PictureFile.In(At("nowhere"))).Message);
        Directory.CreateDirectory(At("in/b"));
        Assert.Contains("got none; add some", Assert.Throws<PictureException>(() => PictureFile.In(At("in"))).Message);
        string[] files = [Save("in/b/one.PNG", s_gif), Save("in/c.jpeg", s_gif), Save("in/a.webp", s_gif)];
        Save("in/notes.txt", s_gif);
        Assert.Equal(files.Order(StringComparer.Ordinal), PictureFile.In(At("in")));
    }

    [Fact]
    public void AHundredThousandMutationsOfBeginningsAreMeasuredOrNot()
    {
        byte[][] files = Array.ConvertAll(s_kinds, FileOf);
        var random = new Random(20260802);
        int measured = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] file = [.. files[i % files.Length]];
            for (int n = random.Next(1, 5); n > 0; n--) file[random.Next(file.Length)] = (byte)random.Next(256);
            if (random.Next(3) == 0) file = file[..random.Next(file.Length)];
            if (ForeignKind.Of(file)?.Size(file) is ( >= 0, >= 0)) measured++;
        }
        Assert.InRange(measured, 10_000, 99_999);
    }

    private static byte[] FileOf(string kind) => kind switch
    {
        "JPEG" => s_jpeg,
        "GIF" => s_gif,
        "WebP lossy" => s_lossy,
        "WebP lossless" => s_lossless,
        _ => s_extended,
    };

    private static string Refused(string path, long mostPixels = 1 << 20, string search = "") =>
        Assert.Throws<PictureException>(() => PictureFile.Read(path, mostPixels, search)).Message;

    private void WriteFfmpeg(string script) => FakeFfmpeg.Write(At("bin"), script);

    private string At(string name) => Path.Combine(_folder, name);

    private string Save(string name, byte[] bytes)
    {
        File.WriteAllBytes(At(name), bytes);
        return At(name);
    }

    private string SavePng(string name, Picture picture) => Save(name, PngWriter.Write(picture));
}
