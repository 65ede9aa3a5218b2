using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>
/// A safetensors file open for reading. It is checked completely when opened; data is then read by position, so a file that
/// others cut meanwhile gives an exception. Reading is safe from several threads.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int ChunkBytes = 1 << 18;
    private readonly Dictionary<string, SafetensorsEntry> byName;
    private readonly SafeFileHandle handle;

    private SafetensorsFile(string path, SafeFileHandle handle, List<SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        Path = path;
        this.handle = handle;
        Tensors = entries;
        Metadata = metadata;
        byName = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>Path as given.</summary>
    public string Path { get; }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Tensors { get; }

    /// <summary>The text under <c>__metadata__</c>, often <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="CratonException">There is none.</exception>
    public SafetensorsEntry this[string name] => byName.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new CratonException(
            $"'{Path}': expected a tensor '{name}', got {Tensors.Count} others; check that the file belongs to this model");

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="ModelFileException">It is no safetensors file, or not a valid one.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle handle = ModelFile.Open(path);
        try
        {
            long fileBytes = RandomAccess.GetLength(handle);
            Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixBytes + 1];
            if (fileBytes < prefix.Length)
                throw new ModelFileException(path, 0,
                    $"expected a safetensors file, got {fileBytes} bytes: empty, cut, or not a regular file");
            ModelFile.ReadExactly(handle, path, prefix, 0);
            if (prefix[^1] != (byte)'{') RefuseOtherFormats(path, prefix);
            byte[] json = new byte[SafetensorsHeader.ReadLength(path, prefix, fileBytes)];
            ModelFile.ReadExactly(handle, path, json, SafetensorsHeader.PrefixBytes);
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            long dataBytes = fileBytes - SafetensorsHeader.PrefixBytes - json.Length;
            return new SafetensorsFile(path, handle, SafetensorsHeader.Parse(path, json, dataBytes, metadata), metadata);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Contains(string name) => byName.ContainsKey(name);

    /// <summary>Reads all bytes of a tensor, or a part of them.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">Filled completely: as long as the tensor, or as the part wanted.</param>
    /// <param name="start">First byte of the part, counted from the start of the tensor.</param>
    public void Read(string name, Span<byte> destination, long start = 0)
    {
        SafetensorsEntry entry = this[name];
        if (start < 0 || destination.Length > entry.Length - start)
            throw new ArgumentOutOfRangeException(nameof(destination),
                $"Tensor '{name}' has {entry.Length} bytes; bytes {start} to {start + destination.Length} were asked for.");
        ModelFile.ReadExactly(handle, Path, destination, entry.Offset + start);
    }

    /// <summary>Reads a floating-point tensor as single precision. Exact from F32, BF16 and F16.</summary>
    /// <param name="name">The tensor: F32, BF16 or F16.</param>
    /// <param name="destination">As many elements as the tensor has.</param>
    public void ReadFloats(string name, Span<float> destination)
    {
        SafetensorsEntry entry = this[name];
        if (destination.Length != entry.Count)
            throw new ArgumentException(
                $"Tensor '{name}' has {entry.Count} elements; room for {destination.Length} was given.", nameof(destination));
        if (entry.Type == DType.F32)
        {
            Read(name, MemoryMarshal.AsBytes(destination));
            return;
        }
        if (entry.Type is not (DType.BF16 or DType.F16))
            throw new CratonException(
                $"'{Path}': tensor '{name}' was expected as F32, BF16 or F16, got {entry.Format}; convert the file first");
        ushort[] chunk = new ushort[Math.Min(ChunkBytes / sizeof(ushort), destination.Length)];
        for (int at = 0; at < destination.Length; at += chunk.Length)
        {
            Span<ushort> bits = chunk.AsSpan(0, Math.Min(chunk.Length, destination.Length - at));
            Read(name, MemoryMarshal.AsBytes(bits), (long)at * sizeof(ushort));
            HalfPrecision.Widen(bits, destination.Slice(at, bits.Length), entry.Type.Value);
        }
    }

    /// <summary>Maps the whole file into memory; the mapping outlives this object. See its remarks before using it on a foreign file.</summary>
    public SafetensorsMapping Map() => new(Path, handle, byName);

    /// <summary>Closes the file.</summary>
    public void Dispose() => handle.Dispose();

    /// <summary>Says what a file that is not safetensors is, when its first bytes tell.</summary>
    private static void RefuseOtherFormats(string path, ReadOnlySpan<byte> start)
    {
        const string convert = "loading it could run code; convert to safetensors (save_file of the safetensors library)";
        string? problem =
            start is [0x80, >= 2 and <= 5, ..] ? $"this is a Python pickle: {convert}" :
            start.StartsWith("PK\x03\x04"u8) ? $"this is a zip archive, as PyTorch saves pickles: {convert}" :
            start[1..].StartsWith("NUMPY"u8) ? $"this is a NumPy array: {convert}" :
            start[1..].StartsWith("HDF"u8) ? "this is an HDF5 file; convert to safetensors" :
            start.StartsWith("GGUF"u8) ? "this is a GGUF file; import it as such" :
            start.StartsWith("version h"u8) ? "this is a Git LFS pointer; fetch the file itself with 'git lfs pull'" : null;
        if (problem is not null) throw new ModelFileException(path, 0, problem);
    }
}
