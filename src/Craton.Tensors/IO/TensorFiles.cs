namespace Craton.Tensors.IO;

/// <summary>Tensors to and from safetensors files.</summary>
public static class TensorFiles
{
    private const int Block = 1 << 20;

    /// <summary>A contiguous tensor as something to be saved.</summary>
    public static TensorSource Source(string name, Tensor tensor) => new(name, tensor.DType, Array.ConvertAll(tensor.Shape.ToArray(), size => (long)size), stream =>
    {
        for (long at = 0; at < tensor.ByteCount; at += Block) stream.Write(tensor.AsBytes(at, (int)Math.Min(Block, tensor.ByteCount - at)));
    });

    /// <summary>Gives a parameter that was not touched yet the memory of a mapped one of its type and shape, which it keeps mapped.</summary>
    public static unsafe void AllocateOver(this Tensor tensor, SafetensorsMapping mapping, string name) => tensor.AllocateOver(mapping, mapping.Pointer(name));

    /// <summary>Fills a contiguous F32 tensor from a file, widening BF16 and F16.</summary>
    /// <exception cref="ModelFileException">The file's tensor has another shape or type.</exception>
    public static void ReadInto(this SafetensorsFile file, string name, Tensor tensor)
    {
        SafetensorsEntry entry = file[name];
        if (!entry.Shape.SequenceEqual(Array.ConvertAll(tensor.Shape.ToArray(), size => (long)size)))
            throw new ModelFileException(file.Path, entry.Offset, $"tensor '{name}' has shape [{string.Join(", ", entry.Shape)}], expected {tensor.Layout}");
        file.ReadFloats(name, tensor.AsSpan<float>());
    }
}
