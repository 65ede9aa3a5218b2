using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>Opening files that somebody else made: regular files only, opened once and then checked.</summary>
internal static partial class ModelFile
{
    /// <summary>Opens a regular file for positional reads. Symbolic links to one are followed (caches are built of them).</summary>
    /// <exception cref="ModelFileException">There is none, or it is a folder, pipe or device.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (Directory.Exists(path)) throw new ModelFileException(path, 0, "expected a file, got a folder; name the file in it");
        try
        {
            SafeFileHandle handle = OperatingSystem.IsWindows() ? File.OpenHandle(path) : OpenWithoutWaiting(path);
            try
            {
                _ = RandomAccess.GetLength(handle); // refuses what cannot be sought in: pipes, sockets, terminals
                return handle;
            }
            catch (NotSupportedException error)
            {
                handle.Dispose();
                throw new ModelFileException(path, 0, "expected a regular file, got a pipe or a device", error);
            }
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelFileException(path, 0, "there is no such file; check the path", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ModelFileException(path, 0, $"cannot be opened ({error.Message})", error);
        }
    }

    /// <summary>Fills the buffer from a place in the file.</summary>
    /// <exception cref="ModelFileException">The file ends before (it was cut after it was opened), or the device failed.</exception>
    public static void ReadExactly(SafeFileHandle handle, string path, Span<byte> buffer, long offset)
    {
        try
        {
            while (buffer.Length > 0)
            {
                int read = RandomAccess.Read(handle, buffer, offset);
                if (read == 0)
                    throw new ModelFileException(path, offset,
                        $"the file ends here, {buffer.Length} more bytes expected; it was cut, copy it again");
                buffer = buffer[read..];
                offset += read;
            }
        }
        catch (IOException error)
        {
            throw new ModelFileException(path, offset, $"cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Opening a pipe would wait for its writer; O_NONBLOCK returns at once, and does nothing to a regular file.</summary>
    private static SafeFileHandle OpenWithoutWaiting(string path)
    {
        const int linux = 0x800 | 0x80000, others = 0x4 | 0x1000000; // O_NONBLOCK | O_CLOEXEC
        int descriptor = OpenFile(path, OperatingSystem.IsLinux() ? linux : others);
        if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
        int error = Marshal.GetLastPInvokeError();
        const int absent = 2, notFolder = 20; // ENOENT, ENOTDIR
        string message = Marshal.GetPInvokeErrorMessage(error);
        throw error is absent or notFolder ? new FileNotFoundException(message) : new IOException(message, error);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags);
}
