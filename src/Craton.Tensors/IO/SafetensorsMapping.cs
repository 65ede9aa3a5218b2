using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>The tensors of a safetensors file as memory, without copying: pages are read when touched and shared among processes.</summary>
/// <remarks>
/// For files that nobody else changes. When a mapped file is cut by someone, touching the lost pages kills the process (SIGBUS):
/// read foreign files by <see cref="SafetensorsFile.Read"/> instead. Saving a new file under the same path is harmless on Unix:
/// the mapping keeps the old one. On Windows the path cannot be replaced while it is mapped.
/// </remarks>
public sealed unsafe class SafetensorsMapping : IDisposable
{
    private readonly string path;
    private readonly IReadOnlyDictionary<string, SafetensorsEntry> entries;
    private readonly MappedFile file;

    internal SafetensorsMapping(string path, SafeFileHandle handle, IReadOnlyDictionary<string, SafetensorsEntry> entries)
    {
        this.path = path;
        this.entries = entries;
        file = new MappedFile(handle);
    }

    /// <summary>The bytes of a tensor of less than 2 GiB; valid until this object is disposed.</summary>
    public ReadOnlySpan<byte> Span(string name) => new(Pointer(name), checked((int)entries[name].Length));

    /// <summary>The first byte of a tensor; valid until this object is disposed. Not aligned to more than one byte.</summary>
    /// <exception cref="CratonException">There is no such tensor.</exception>
    public byte* Pointer(string name) => entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? file.Start + entry.Offset
        : throw new CratonException(
            $"'{path}': expected a tensor '{name}', got {entries.Count} others; check that the file belongs to this model");

    /// <summary>Removes the mapping: pointers and spans are invalid from here on.</summary>
    public void Dispose() => file.Dispose();
}
