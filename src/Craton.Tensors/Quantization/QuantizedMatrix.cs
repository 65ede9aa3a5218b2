using Craton.Tensors.Kernels;

namespace Craton.Tensors.Quantization;

/// <summary>
/// A weight matrix [rows, columns] kept in blocks and computed with as it is: activations are rounded to 8 bits per block of 32, products are
/// exact integers, and the scales come last. The memory is that of the blocks.
/// </summary>
public sealed unsafe class QuantizedMatrix
{
    private readonly Tensor _panels; // U8 [panels, bytes of a panel]

    private QuantizedMatrix(BlockType type, int rows, int columns)
    {
        (Type, Rows, Columns) = (type, rows, columns);
        int bytes = checked((int)QuantizedGemm.PanelBytes(type, columns));
        _panels = Tensor.Persistent(DType.U8, (rows + PanelLayout.Rows - 1) / PanelLayout.Rows, bytes);
    }

    /// <summary>How the values are stored.</summary>
    public BlockType Type { get; }

    /// <summary>Number of rows: outputs of a linear layer.</summary>
    public int Rows { get; }

    /// <summary>Values of a row: inputs of a linear layer.</summary>
    public int Columns { get; }

    /// <summary>Bytes of memory.</summary>
    public long ByteCount => _panels.ByteCount;

    /// <summary>Which instructions compute: the name of one of the kernels.</summary>
    public static string Instructions => QuantizedGemm.Path;

    /// <summary>Whether matrices of this type, with rows of so many values, are computed with as they are.</summary>
    public static bool Supports(BlockType type, long columns) => PanelLayout.Has(type) && columns > 0 && columns % type.BlockValues() == 0;

    /// <summary>Takes rows of blocks.</summary>
    /// <param name="type">A supported type.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Values of a row: whole blocks.</param>
    /// <param name="readRow">Fills the blocks of a row, given its number.</param>
    /// <exception cref="CratonException">A scale is not finite: the blocks are damaged.</exception>
    public static QuantizedMatrix FromBlocks(BlockType type, int rows, int columns, Action<int, Span<byte>> readRow)
    {
        if (!Supports(type, columns)) throw new CratonException($"[quantized] type: expected Q8_0, Q4_0, Q4_K, Q5_K or Q6_K with whole blocks, got {type} with rows of {columns}");
        var matrix = new QuantizedMatrix(type, rows, columns);
        byte[] blocks = new byte[type.ByteCount(columns)];
        int size = type.BlockBytes(), panelBlock = PanelLayout.BlockBytes(type);
        for (int row = 0; row < rows; row++)
        {
            readRow(row, blocks);
            Span<byte> panel = matrix.Panel(row);
            for (int block = 0; block < blocks.Length / size; block++)
            {
                ReadOnlySpan<byte> source = blocks.AsSpan(block * size, size);
                CheckScales(type, source, row);
                PanelLayout.Pack(type, source, row % PanelLayout.Rows, panel.Slice(block * panelBlock, panelBlock));
            }
        }
        return matrix;
    }

    /// <summary>Quantises a matrix.</summary>
    /// <param name="type">A supported type.</param>
    /// <param name="weight">F32 [rows, columns], contiguous.</param>
    public static QuantizedMatrix From(BlockType type, Tensor weight)
    {
        int columns = weight.Size(1);
        return FromBlocks(type, weight.Size(0), columns, (row, blocks) => Blocks.Quantize(type, new ReadOnlySpan<float>((float*)weight.Pointer + (long)row * columns, columns), blocks));
    }

    /// <summary>The blocks of a row, as a file has them.</summary>
    public void ReadBlocks(int row, Span<byte> blocks)
    {
        int size = Type.BlockBytes(), panelBlock = PanelLayout.BlockBytes(Type);
        ReadOnlySpan<byte> panel = Panel(row);
        for (int block = 0; block < blocks.Length / size; block++)
            PanelLayout.Unpack(Type, panel.Slice(block * panelBlock, panelBlock), row % PanelLayout.Rows, blocks.Slice(block * size, size));
    }

    /// <summary>The values of a row.</summary>
    public void ReadRow(int row, Span<float> values)
    {
        Span<byte> block = stackalloc byte[256];
        block = block[..Type.BlockBytes()];
        int panelBlock = PanelLayout.BlockBytes(Type), count = Type.BlockValues();
        ReadOnlySpan<byte> panel = Panel(row);
        for (int at = 0; at < Columns; at += count, panel = panel[panelBlock..])
        {
            PanelLayout.Unpack(Type, panel[..panelBlock], row % PanelLayout.Rows, block);
            Blocks.Dequantize(Type, block, values.Slice(at, count));
        }
    }

    /// <summary>y = x · thisᵀ + bias: x F32 [.., columns] and y F32 [.., rows], contiguous; bias [rows] or null.</summary>
    internal void Multiply(Tensor x, Tensor? bias, Tensor y) =>
        QuantizedGemm.Multiply(Type, (byte*)_panels.Pointer, Rows, Columns, (float*)x.Pointer, x.Count / Columns, (float*)y.Pointer, bias is null ? null : (float*)bias.Pointer);

    private Span<byte> Panel(int row) => new((byte*)_panels.Pointer + (long)(row / PanelLayout.Rows) * _panels.Size(1), _panels.Size(1));

    private static void CheckScales(BlockType type, ReadOnlySpan<byte> block, int row)
    {
        int at = type == BlockType.Q6_K ? 208 : 0, count = type is BlockType.Q4_K or BlockType.Q5_K ? 2 : 1;
        for (int i = 0; i < count; i++)
            if (!float.IsFinite(Blocks.Half(block, at + 2 * i))) throw new CratonException($"[quantized] blocks: a scale of row {row} is not finite; the file is damaged, fetch or convert it again");
    }
}
