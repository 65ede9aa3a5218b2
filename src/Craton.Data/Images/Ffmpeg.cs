using System.Diagnostics;
using System.Globalization;

namespace Craton.Data.Images;

/// <summary>
/// The ffmpeg that a user has installed, as a decoder of pictures. It is given the bytes of a file and what kind they are, no name: it opens nothing
/// else. Its time and what it may answer are limited.
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
        using Process process = Start(kind, mostPixels);
        Task input = Task.Run(() => Give(process.StandardInput.BaseStream, file));
        Task errors = Task.Run(() => process.StandardError.BaseStream.CopyTo(Stream.Null));
        Task<byte[]?> output = Task.Run(() => Take(process, PngReader.MostBytes(mostPixels)));
        if (!Task.WaitAll([input, errors, output], _patience) || !process.WaitForExit(_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new PictureException($"ffmpeg did not decode the {kind.Name} file within {_patience.TotalSeconds:0} seconds; save the picture as PNG");
        }
        byte[] png = output.Result ?? throw new PictureException($"ffmpeg made more of the {kind.Name} file than {mostPixels} pixels need; save the picture as PNG");
        return process.ExitCode == 0 && png.Length > 0 ? png : throw new PictureException($"ffmpeg could not decode the {kind.Name} file; it is cut or damaged, or this ffmpeg does not know such files");
    }

    private static bool IsProgram(string path)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & execute) != 0);
    }

    private Process Start(ForeignKind kind, long mostPixels)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string pixels = mostPixels.ToString(CultureInfo.InvariantCulture);
        string[] read = ["-protocol_whitelist", "pipe", "-max_pixels", pixels, "-f", kind.Format, "-i", "pipe:0"], write = ["-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "pipe:1"];
        foreach (string argument in (string[])["-nostdin", "-v", "quiet", .. read, .. write]) start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new PictureException($"the ffmpeg at '{program}' does not start; install another, or save the picture as PNG", error);
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
}
