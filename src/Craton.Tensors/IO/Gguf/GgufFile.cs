using Craton.Tensors.Quantization;
using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>
/// A GGUF file (version 2 or 3) open for reading. It is checked completely when opened; data is then read by position, or through a mapping.
/// Reading is safe from several threads.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private const int ChunkBytes = 1 << 18;
    private readonly Dictionary<string, GgufEntry> _byName;
    private readonly Dictionary<string, GgufValue> _byKey;
    private readonly SafeFileHandle _handle;

    private GgufFile(string path, SafeFileHandle handle, GgufHeader header)
    {
        (Path, _handle) = (path, handle);
        (Version, Tensors, Metadata) = (header.Version, header.Tensors, header.Metadata);
        _byName = header.Tensors.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        _byKey = header.ByKey;
    }

    /// <summary>Path as given.</summary>
    public string Path { get; }

    /// <summary>Version of the format.</summary>
    public uint Version { get; }

    /// <summary>The tensors in the order of the file.</summary>
    public IReadOnlyList<GgufEntry> Tensors { get; }

    /// <summary>The metadata in the order of the file.</summary>
    public IReadOnlyList<KeyValuePair<string, GgufValue>> Metadata { get; }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="CratonException">There is none.</exception>
    public GgufEntry this[string name] => _byName.TryGetValue(name, out GgufEntry? entry)
        ? entry
        : throw new CratonException($"'{Path}': expected a tensor '{name}', got {Tensors.Count} others; check that the file is complete and of this architecture");

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="ModelFileException">It is no GGUF file, or not a valid one.</exception>
    public static GgufFile Open(string path)
    {
        SafeFileHandle handle = ModelFile.Open(path);
        try
        {
            return new GgufFile(path, handle, GgufHeader.Read(handle, path));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file begins as GGUF files do.</summary>
    public static bool IsGguf(string path)
    {
        if (!File.Exists(path)) return false;
        using SafeFileHandle handle = ModelFile.Open(path);
        Span<byte> magic = stackalloc byte[4];
        return RandomAccess.GetLength(handle) >= magic.Length && RandomAccess.Read(handle, magic, 0) == magic.Length && magic.SequenceEqual("GGUF"u8);
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>The metadata of that key; null when there is none.</summary>
    public GgufValue? Find(string key) => _byKey.TryGetValue(key, out GgufValue value) ? value : default(GgufValue?);

    /// <summary>Reads all bytes of a tensor, or a part of them.</summary>
    /// <param name="entry">A tensor of this file.</param>
    /// <param name="destination">Filled completely.</param>
    /// <param name="start">First byte of the part, counted from the start of the tensor.</param>
    public void Read(GgufEntry entry, Span<byte> destination, long start = 0)
    {
        if (start < 0 || destination.Length > entry.Length - start)
            throw new ArgumentOutOfRangeException(nameof(destination),
                $"Tensor '{entry.Name}' has {entry.Length} bytes; bytes {start} to {start + destination.Length} were asked for.");
        ModelFile.ReadExactly(_handle, Path, destination, entry.Offset + start);
    }

    /// <summary>Reads values as single precision, whatever floats or blocks they are stored as.</summary>
    /// <param name="entry">A tensor of this file.</param>
    /// <param name="destination">Filled completely: whole blocks.</param>
    /// <param name="start">First value, at the start of a block.</param>
    /// <exception cref="CratonException">The tensor holds integers.</exception>
    public void ReadFloats(GgufEntry entry, Span<float> destination, long start = 0)
    {
        int values = entry.Type.BlockValues(), bytes = entry.Type.BlockBytes(), blocks = Math.Max(1, Math.Min(ChunkBytes / bytes, destination.Length / values));
        byte[] chunk = new byte[blocks * bytes];
        for (int at = 0; at < destination.Length; at += blocks * values)
        {
            Span<float> part = destination.Slice(at, Math.Min(blocks * values, destination.Length - at));
            Span<byte> source = chunk.AsSpan(0, checked((int)entry.Type.ByteCount(part.Length)));
            Read(entry, source, entry.Type.ByteCount(start + at));
            Blocks.Dequantize(entry.Type, source, part);
        }
    }

    /// <summary>Maps the whole file into memory; the mapping outlives this object. See its remarks before using it on a foreign file.</summary>
    public GgufMapping Map() => new(_handle, this);

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();
}

/// <summary>The tensors of a GGUF file as memory, without copying: pages are read when touched and shared among processes.</summary>
/// <remarks>
/// For files that nobody else changes. When a mapped file is cut by someone, touching the lost pages kills the process (SIGBUS): read foreign
/// files by <see cref="GgufFile.Read"/> instead. Replacing the file under the same path is harmless on Unix.
/// </remarks>
public sealed unsafe class GgufMapping : IDisposable
{
    private readonly MappedFile _file;
    private readonly GgufFile _entries;

    internal GgufMapping(SafeFileHandle handle, GgufFile entries) => (_file, _entries) = (new MappedFile(handle), entries);

    /// <summary>The first byte of a tensor, aligned as the file aligns; valid until this object is disposed.</summary>
    /// <exception cref="CratonException">There is no such tensor.</exception>
    public byte* Pointer(string name) => _file.Start + _entries[name].Offset;

    /// <summary>The bytes of a tensor of less than 2 GiB; valid until this object is disposed.</summary>
    public ReadOnlySpan<byte> Span(string name) => new(Pointer(name), checked((int)_entries[name].Length));

    /// <summary>Removes the mapping: pointers and spans are invalid from here on.</summary>
    public void Dispose() => _file.Dispose();
}
