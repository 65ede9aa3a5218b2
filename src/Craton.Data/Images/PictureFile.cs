namespace Craton.Data.Images;

/// <summary>
/// Reads picture files whatever their kind. PNG files are read here; JPEG, WebP and GIF files (of these the first picture) by the user's ffmpeg, whose
/// samples may differ between its versions.
/// </summary>
public static class PictureFile
{
    /// <summary>The kinds of files, for errors and help.</summary>
    public const string Kinds = "PNG, JPEG, WebP or GIF";

    private const int MostDepth = 32;
    private const long MostForeignBytes = 1 << 26;

    private static readonly string[] s_ends = [".png", ".jpg", ".jpeg", ".webp", ".gif"];

    /// <summary>Whether a file is named as a picture.</summary>
    public static bool IsNamed(string path) => s_ends.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>The files named as pictures in a folder and those below it, in ordinal order of their paths.</summary>
    /// <exception cref="PictureException">There is no such folder, or no picture in it.</exception>
    public static IReadOnlyList<string> In(string folder)
    {
        if (!Directory.Exists(folder)) throw new PictureException($"'{folder}': expected a folder with {Kinds} files, got none");
        var options = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = MostDepth };
        string[] files = [.. Directory.EnumerateFiles(folder, "*", options).Where(IsNamed).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new PictureException($"'{folder}': expected {Kinds} files in the folder, got none; add some, or give another folder");
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="mostPixels">The most pixels that are decoded.</param>
    /// <exception cref="PictureException">There is none, it is damaged, too large or no picture, or its kind asks for an ffmpeg and there is none.</exception>
    public static Picture Read(string path, long mostPixels = Picture.MostPixels) => Read(path, mostPixels, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>Reads a file, with the ffmpeg of a search path.</summary>
    internal static Picture Read(string path, long mostPixels, string? searchPath)
    {
        try
        {
            byte[] file = Content(path, mostPixels, out ForeignKind? kind);
            if (kind is null) return PngReader.Read(file, mostPixels).ToPicture();
            CheckSize(file, kind, mostPixels);
            Ffmpeg ffmpeg = Ffmpeg.Find(searchPath)
                ?? throw new PictureException($"is a {kind.Name} file, which is read through ffmpeg, and there is none on the PATH; install ffmpeg, or save the picture as PNG");
            return PngReader.Read(ffmpeg.ToPng(file, kind, mostPixels), mostPixels).ToPicture();
        }
        catch (PictureException error)
        {
            throw new PictureException($"'{path}': {error.Message}", error);
        }
    }

    // The bytes of a file, and its kind where that is not PNG.
    private static byte[] Content(string path, long mostPixels, out ForeignKind? kind)
    {
        if (!File.Exists(path)) throw new PictureException($"expected a {Kinds} file, got {(Directory.Exists(path) ? "a folder" : "none; check the path")}");
        using FileStream file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[ForeignKind.HeadBytes];
        head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        bool isPng = head.StartsWith(PngChunks.Signature);
        kind = isPng ? null : ForeignKind.Of(head) ?? throw new PictureException($"expected a {Kinds} file, got other bytes");
        long most = isPng ? PngReader.MostBytes(mostPixels) : MostForeignBytes;
        if (file.Length > most) throw new PictureException($"expected a picture file of at most {most} bytes, got {file.Length}");
        byte[] content = new byte[file.Length];
        head.CopyTo(content);
        file.ReadExactly(content.AsSpan(head.Length));
        return content;
    }

    private static void CheckSize(byte[] file, ForeignKind kind, long mostPixels)
    {
        (int width, int height) = kind.Size(file) ?? throw new PictureException($"expected the size of a {kind.Name} picture at the beginning of the file, got none; the file is cut or damaged");
        if (width < 1 || height < 1 || (long)width * height > mostPixels)
            throw new PictureException($"expected 1 to {mostPixels} pixels, got {width}×{height}; make the picture smaller");
    }
}
