namespace Craton.Tensors.IO;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Format">Its element type as the file says it: <c>F32</c>, <c>BF16</c>, <c>F8_E4M3</c>, …</param>
/// <param name="Type">The same as one of ours; null for element types that can only be read as bytes.</param>
/// <param name="Shape">Its shape, row-major; empty for a scalar.</param>
/// <param name="Offset">Byte of the file at which its data begins.</param>
/// <param name="Length">Bytes of its data.</param>
public sealed record SafetensorsEntry(string Name, string Format, DType? Type, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (count, size) => count * size);
}
