using System.Text;

namespace Craton.Tensors.IO;

/// <summary>
/// Files that are there completely or not at all. Content goes to a temporary file in the same folder, is flushed to the disk,
/// takes its name in one step, and the folder is flushed too. After a crash at any instant the name shows the old content or
/// the new; once a method has returned, the new.
/// </summary>
public static class DurableFile
{
    private const string TemporarySuffix = ".tmp";

    /// <summary>Replaces or creates a file.</summary>
    /// <param name="path">The file. Whoever has the previous one open or mapped keeps it: the new one is another file.</param>
    /// <param name="write">Writes the content to the stream, which it leaves open.</param>
    /// <param name="expectedBytes">Size of the content when known: checked against the free space before anything is written.</param>
    /// <param name="files">The file system; the real one by default.</param>
    /// <exception cref="CratonException">The disk is full, or the place may not be written to. The previous file is untouched.</exception>
    /// <exception cref="IOException">The device failed. The previous file is untouched.</exception>
    public static void Write(string path, Action<Stream> write, long? expectedBytes = null, IFileOps? files = null)
    {
        files ??= FileOps.Real;
        path = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(path) ?? throw new CratonException(
            $"'{path}': expected the name of a file, got a root folder");
        RemoveLeftovers(path, files);
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}{TemporarySuffix}");
        try
        {
            // The file stays open, and so locked, until it has its name: a leftover is one that nobody holds.
            WriteSynced(temporary, write, path, expectedBytes, files, whileOpen: () =>
            {
                files.RenameFile(temporary, path);
                KillPoint.Hit("file-renamed");
                files.SyncDirectory(folder);
                KillPoint.Hit("file-done");
            });
        }
        catch
        {
            RemoveAfterFailure(() => files.DeleteFile(temporary));
            throw;
        }
    }

    /// <summary>Replaces or creates a text file in UTF-8 without a mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteText(string path, string text, IFileOps? files = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Write(path, stream => stream.Write(bytes), bytes.Length, files);
    }

    /// <summary>
    /// Creates a new file under its final name and returns when its content is on the disk. Not atomic by itself: for files in
    /// a folder that is not yet visible (see <see cref="DurableDirectory"/>).
    /// </summary>
    /// <param name="path">The file to create.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="shownPath">The path that errors name: where the file would have been in the end.</param>
    /// <param name="expectedBytes">Size of the content when known.</param>
    /// <param name="files">The file system.</param>
    /// <param name="whileOpen">What to do between the flush and the closing of the file.</param>
    internal static void WriteSynced(
        string path, Action<Stream> write, string shownPath, long? expectedBytes, IFileOps files, Action? whileOpen = null)
    {
        if (expectedBytes is { } need && FreeBytes(path) is { } free && free < need) throw DiskFull(shownPath, need, atLeast: false, null);
        KillPoint.Hit("file-begin");
        long reached = 0;
        Guard(shownPath, () =>
        {
            using Stream stream = files.Create(path);
            try
            {
                KillPoint.Hit("file-created");
                write(stream);
                stream.Flush();
            }
            finally
            {
                reached = stream.Position;
            }
            KillPoint.Hit("file-written");
            files.Sync(stream);
            KillPoint.Hit("file-synced");
            whileOpen?.Invoke();
        }, () => expectedBytes ?? reached, atLeast: expectedBytes is null);
    }

    /// <summary>Runs file operations and words their failure for the user.</summary>
    internal static void Guard(string shownPath, Action operations, Func<long>? need = null, bool atLeast = true)
    {
        try
        {
            operations();
        }
        catch (IOException error) when (IsDiskFull(error))
        {
            throw DiskFull(shownPath, need?.Invoke() ?? 0, atLeast, error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new CratonException($"'{shownPath}' cannot be written: its folder does not exist; create the folder first", error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new CratonException(
                $"'{shownPath}' cannot be written: permission denied; choose another folder or change its rights", error);
        }
        catch (IOException error)
        {
            throw new IOException($"'{shownPath}' could not be written ({error.Message}); check the disk and run again", error);
        }
    }

    /// <summary>Cleans up after a failure. That this may fail too (the device is gone) must not hide the first error.</summary>
    internal static void RemoveAfterFailure(Action remove)
    {
        try
        {
            remove();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next save to the same place removes what is left.
        }
    }

    /// <summary>Removes temporary files of earlier saves of the same file whose process has died: nobody holds their lock.</summary>
    private static void RemoveLeftovers(string path, IFileOps files)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder)) return;
        foreach (string leftover in Directory.EnumerateFiles(folder, $".{Path.GetFileName(path)}.*{TemporarySuffix}"))
        {
            try
            {
                using (new FileStream(leftover, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) { }
                files.DeleteFile(leftover);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // In use by a save that is under way elsewhere, or just gone.
            }
        }
    }

    private static bool IsDiskFull(IOException error) => OperatingSystem.IsWindows()
        ? (error.HResult & 0xFFFF) is 0x70 or 0x27             // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL
        : error.HResult is 28 or 122 || (OperatingSystem.IsMacOS() && error.HResult == 69); // ENOSPC, EDQUOT (69 on macOS)

    private static CratonException DiskFull(string path, long need, bool atLeast, Exception? inner)
    {
        string free = FreeBytes(path) is { } bytes ? $"{bytes:N0} are free" : "the disk is full";
        return new CratonException(
            $"'{path}' cannot be written: it needs {(atLeast ? "more than " : "")}{need:N0} bytes and {free}; free some space and run again", inner!);
    }

    private static long? FreeBytes(string path)
    {
        try
        {
            string? folder = Path.GetDirectoryName(path);
            while (folder is not null && !Directory.Exists(folder)) folder = Path.GetDirectoryName(folder);
            return folder is null ? null : new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // not every file system tells
        }
    }
}
