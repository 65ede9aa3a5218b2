using Craton.Tensors.Quantization;

namespace Craton.Tensors.IO;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Shape">Its shape, row-major as everywhere here; the file has the sizes in the opposite order. Empty for a scalar.</param>
/// <param name="Offset">Byte of the file at which its data begins.</param>
/// <param name="Length">Bytes of its data.</param>
public sealed record GgufEntry(string Name, BlockType Type, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>Number of values.</summary>
    public long Count => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>Values of a row, which is stored without gaps: the last size.</summary>
    public long RowLength => Shape.Count == 0 ? 1 : Shape[^1];
}
