namespace Craton.Data.Images;

/// <summary>Reads clips: folders whose pictures, in the order of their names, are frames, and video files, which the user's ffmpeg decodes.</summary>
public static class ClipFile
{
    /// <summary>What is read, for errors and help.</summary>
    public const string Kinds = "a folder of pictures that are frames, or an MP4, WebM, Matroska, AVI or GIF file";

    private const int HeadBytes = 12, MostFrames = 3000;
    private const long MostBytes = 1L << 28;

    /// <summary>Reads frames of a clip at equal distances, the first and the last among them.</summary>
    /// <param name="path">A folder of 2 or more pictures, or a video, of which at most the first 3000 frames are looked at.</param>
    /// <param name="frames">How many, 2 or more; a shorter clip has some twice.</param>
    /// <param name="side">Rows and columns that the frames of a video are resized to.</param>
    /// <exception cref="PictureException">There is no clip, it is damaged or too large, or it is a video and there is no ffmpeg.</exception>
    public static IReadOnlyList<Picture> Read(string path, int frames, int side) => Read(path, frames, side, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>Reads a clip, with the ffmpeg of a search path.</summary>
    internal static IReadOnlyList<Picture> Read(string path, int frames, int side, string? searchPath)
    {
        try
        {
            return Directory.Exists(path) ? OfFolder(path, frames) : OfVideo(path, frames, side, searchPath);
        }
        catch (PictureException error)
        {
            throw new PictureException($"'{path}': {error.Message}", error);
        }
    }

    private static Picture[] OfFolder(string folder, int frames)
    {
        string[] files = [.. Directory.EnumerateFiles(folder).Where(PictureFile.IsNamed).Order(StringComparer.Ordinal)];
        if (files.Length < 2) throw new PictureException($"expected 2 or more {PictureFile.Kinds} files that are the frames of a clip, got {files.Length}; give the folder that holds them");
        return [.. Chosen(files.Length, frames).Select(i => PictureFile.Read(files[i]))];
    }

    private static Picture[] OfVideo(string path, int frames, int side, string? searchPath)
    {
        (string name, string format) = KindOf(path);
        Ffmpeg ffmpeg = Ffmpeg.Find(searchPath)
            ?? throw new PictureException($"is a video ({name}), which is read through ffmpeg, and there is none on the PATH; install ffmpeg, or give a folder with the frames as PNG files");
        int size = side * side * 3;
        byte[] samples = ffmpeg.ToFrames(path, name, format, side, (int)Math.Min(MostFrames, MostBytes / size));
        return [.. Chosen(samples.Length / size, frames).Select(i => new Picture(side, side, 3, samples.AsSpan(i * size, size).ToArray()))];
    }

    // As people call it, and what ffmpeg calls the way to read it.
    private static (string Name, string Format) KindOf(string path)
    {
        if (!File.Exists(path)) throw new PictureException($"expected {Kinds}, got none; check the path");
        using FileStream file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[HeadBytes];
        head.Clear();
        file.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false);
        if (head[4..8].SequenceEqual("ftyp"u8)) return ("MP4", "mp4");
        if (head.StartsWith((ReadOnlySpan<byte>)[0x1A, 0x45, 0xDF, 0xA3])) return ("Matroska", "matroska");
        if (head.StartsWith("RIFF"u8) && head[8..].SequenceEqual("AVI "u8)) return ("AVI", "avi");
        return head.StartsWith("GIF8"u8) ? ("GIF", "gif") : throw new PictureException($"expected {Kinds}, got other bytes");
    }

    private static IEnumerable<int> Chosen(int count, int frames) => Enumerable.Range(0, frames).Select(i => (int)(((long)i * (count - 1) * 2 + (frames - 1)) / (2 * (frames - 1))));
}
