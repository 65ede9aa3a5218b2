using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>The tensors of a safetensors file as memory, without copying: pages are read when touched and shared among processes.</summary>
/// <remarks>
/// For files that nobody else changes. When a mapped file is cut by someone, touching the lost pages kills the process (SIGBUS): ask
/// <see cref="CheckLength"/> first, or read foreign files by <see cref="SafetensorsFile.Read"/> instead. Saving a new file under the same path
/// is harmless on Unix: the mapping keeps the old one. On Windows the path cannot be replaced while it is mapped.
/// </remarks>
public sealed unsafe class SafetensorsMapping : IDisposable
{
    private readonly string path;
    private readonly IReadOnlyDictionary<string, SafetensorsEntry> entries;
    private readonly MappedFile file;
    private readonly SafeFileHandle watched; // the reader closes its own
    private readonly long needed;

    /// <exception cref="ModelFileException">The file was cut since it was opened.</exception>
    internal SafetensorsMapping(string path, SafeFileHandle handle, IReadOnlyDictionary<string, SafetensorsEntry> entries)
    {
        this.path = path;
        this.entries = entries;
        // Once more: it may have been cut since it was opened, and what is mapped is not checked when it is touched.
        needed = entries.Values.Select(entry => entry.Offset + entry.Length).DefaultIfEmpty().Max();
        Check(handle);
        // On Unix this also refuses .NET programs that want the file for themselves (FileShare.None).
        watched = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (RandomAccess.GetLength(watched) != RandomAccess.GetLength(handle) || File.GetLastWriteTimeUtc(watched) != File.GetLastWriteTimeUtc(handle))
                throw new ModelFileException(path, 0, "the file was changed or replaced while it was opened; open it again");
            file = new MappedFile(handle);
        }
        catch
        {
            watched.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that the file has not been cut since it was mapped. What is cut between this and a touch still ends the process.</summary>
    /// <exception cref="ModelFileException">It has.</exception>
    public void CheckLength() => Check(watched);

    /// <summary>The bytes of a tensor of less than 2 GiB; valid until this object is disposed.</summary>
    public ReadOnlySpan<byte> Span(string name) => new(Pointer(name), checked((int)entries[name].Length));

    /// <summary>The first byte of a tensor; valid until this object is disposed. Not aligned to more than one byte.</summary>
    /// <exception cref="CratonException">There is no such tensor.</exception>
    public byte* Pointer(string name) => entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? file.Start + entry.Offset
        : throw new CratonException(
            $"'{path}': expected a tensor '{name}', got {entries.Count} others; check that the file belongs to this model");

    /// <summary>Removes the mapping: pointers and spans are invalid from here on.</summary>
    public void Dispose()
    {
        file.Dispose();
        watched.Dispose();
    }

    private void Check(SafeFileHandle handle)
    {
        if (RandomAccess.GetLength(handle) is var found && found < needed)
            throw new ModelFileException(path, found, $"expected {needed} bytes, got {found}: the file was cut while it was open; save or fetch it again");
    }
}
