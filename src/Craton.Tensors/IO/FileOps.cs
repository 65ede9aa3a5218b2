using System.Runtime.InteropServices;

namespace Craton.Tensors.IO;

/// <summary>The file system of this machine.</summary>
public sealed partial class FileOps : IFileOps
{
    private FileOps() { }

    /// <summary>The only instance: it has no state.</summary>
    public static IFileOps Real { get; } = new FileOps();

    /// <inheritdoc/>
    /// <remarks>Others may rename or delete the file while it is open: it is renamed before it is closed.</remarks>
    public Stream Create(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Delete, bufferSize: 1 << 16);

    /// <inheritdoc/>
    public void Sync(Stream file) => ((FileStream)file).Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void RenameFile(string from, string to) => File.Move(from, to, overwrite: true);

    /// <inheritdoc/>
    public void RenameDirectory(string from, string to) => Directory.Move(from, to);

    /// <inheritdoc/>
    public void DeleteFile(string path) => File.Delete(path);

    /// <inheritdoc/>
    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    /// <inheritdoc/>
    public void DeleteDirectory(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// .NET opens no folders, so on Unix this calls <c>open</c> and <c>fsync</c> of the C library (POSIX.1-2017). On Windows it
    /// does nothing: NTFS journals the names, and a folder cannot be flushed without administrator's rights.
    /// </remarks>
    public void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        const int readOnly = 0;
        int descriptor = Retry(() => Open(path, readOnly));
        if (descriptor < 0) throw Failure("open", path);
        try
        {
            const int invalid = 22; // EINVAL: this file system has nothing to flush for a folder
            if (Retry(() => Fsync(descriptor)) != 0 && Marshal.GetLastPInvokeError() != invalid) throw Failure("fsync", path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static int Retry(Func<int> call)
    {
        const int interrupted = 4; // EINTR: a signal came first
        int result;
        do result = call();
        while (result < 0 && Marshal.GetLastPInvokeError() == interrupted);
        return result;
    }

    private static IOException Failure(string call, string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of folder '{path}' failed: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
