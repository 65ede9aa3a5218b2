using System.Diagnostics;
using System.Globalization;

namespace Craton.Data.Images;

/// <summary>
/// The ffmpeg that a user has installed, as a decoder of pictures and videos. It is told what kind a file is, and given the bytes of a picture, or the
/// path of a video: it opens no address. Its time and what it may answer are limited.
/// </summary>
/// <param name="program">Path of the program.</param>
/// <param name="patience">How long it may take; 30 seconds when null.</param>
internal sealed class Ffmpeg(string program, TimeSpan? patience = null)
{
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

    /// <summary>Looks for it in the folders of a search path, never in the current one.</summary>
    public static Ffmpeg? Find(string? searchPath)
    {
        string name = OperatingSystem.IsWindows() ? "ffmpeg.exe" : "ffmpeg";
        foreach (string folder in (searchPath ?? "").Split(Path.PathSeparator))
            if (Path.IsPathFullyQualified(folder) && Path.Combine(folder, name) is var program && IsProgram(program)) return new Ffmpeg(program);
        return null;
    }

    /// <summary>The first picture of a file as a PNG file.</summary>
    /// <exception cref="PictureException">It cannot be decoded, or not within the limits.</exception>
    public byte[] ToPng(byte[] file, ForeignKind kind, long mostPixels)
    {
        string[] arguments = [.. From("pipe", kind.Format, mostPixels), "pipe:0", "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "pipe:1"];
        return Run(arguments, file, PngReader.MostBytes(mostPixels), new(kind.Name, $"{mostPixels} pixels need", "save the picture as PNG"));
    }

    /// <summary>The first frames of a video, resized: samples [count, side, side, 3], at least one frame. The file is opened by ffmpeg, since the order of what is in it is free.</summary>
    /// <param name="path">Path of the video.</param>
    /// <param name="kind">Its kind as people call it.</param>
    /// <param name="format">What ffmpeg calls a stream of it.</param>
    /// <param name="side">Rows and columns of a frame.</param>
    /// <param name="most">Most frames.</param>
    /// <exception cref="PictureException">It cannot be decoded, or not within the limits.</exception>
    public byte[] ToFrames(string path, string kind, string format, int side, int most)
    {
        string size = string.Create(CultureInfo.InvariantCulture, $"scale={side}:{side}:flags=bilinear"), count = most.ToString(CultureInfo.InvariantCulture);
        string[] arguments = [.. From("file", format, Picture.MostPixels), $"file:{Path.GetFullPath(path)}", "-an", "-frames:v", count, "-vf", size, "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"];
        long one = 3L * side * side;
        var work = new Work(kind, $"{most} frames need", "give a folder with the frames as PNG files");
        byte[] samples = Run(arguments, [], most * one, work);
        return samples.Length % one == 0 ? samples : throw work.Damaged;
    }

    // How a stream of a format is read; its name follows.
    private static string[] From(string protocol, string format, long mostPixels) =>
        ["-nostdin", "-v", "quiet", "-protocol_whitelist", protocol, "-max_pixels", mostPixels.ToString(CultureInfo.InvariantCulture), "-f", format, "-i"];

    private byte[] Run(string[] arguments, byte[] file, long most, Work work)
    {
        using Process process = Start(arguments, work.Instead);
        Task input = Task.Run(() => Give(process.StandardInput.BaseStream, file));
        Task errors = Task.Run(() => process.StandardError.BaseStream.CopyTo(Stream.Null));
        Task<byte[]?> output = Task.Run(() => Take(process, most));
        if (!Task.WaitAll([input, errors, output], _patience) || !process.WaitForExit(_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new PictureException($"ffmpeg did not decode the {work.Kind} file within {_patience.TotalSeconds:0} seconds; {work.Instead}");
        }
        byte[] made = output.Result ?? throw new PictureException($"ffmpeg made more of the {work.Kind} file than {work.Need}; {work.Instead}");
        return process.ExitCode == 0 && made.Length > 0 ? made : throw work.Damaged;
    }

    private static bool IsProgram(string path)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & execute) != 0);
    }

    private Process Start(string[] arguments, string instead)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new PictureException($"the ffmpeg at '{program}' does not start; install another, or {instead}", error);
        }
    }

    private static void Give(Stream input, byte[] file)
    {
        try
        {
            using (input) input.Write(file);
        }
        catch (IOException)
        {
            // It has read enough.
        }
    }

    // All that it answers; null when that is too much.
    private static byte[]? Take(Process process, long most)
    {
        var taken = new MemoryStream();
        byte[] block = new byte[1 << 16];
        for (int got; (got = process.StandardOutput.BaseStream.Read(block)) > 0;)
        {
            if (taken.Length + got > most)
            {
                process.Kill(entireProcessTree: true);
                return null;
            }
            taken.Write(block, 0, got);
        }
        return taken.ToArray();
    }

    // What is asked for, in the words of errors.
    private sealed record Work(string Kind, string Need, string Instead)
    {
        public PictureException Damaged => new($"ffmpeg could not decode the {Kind} file; it is cut or damaged, or this ffmpeg does not know such files");
    }
}
