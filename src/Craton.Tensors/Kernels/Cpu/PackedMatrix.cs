using System.Runtime.Intrinsics.X86;
using Craton.Tensors.IO;
using Craton.Tensors.Memory;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>
/// The second operand of a product, a [K, N] matrix, packed once for many products: panels of <see cref="PanelColumns"/> columns, each
/// [k][column] and padded with zeros. Tiles read it where it lies, which for few rows is most of the work saved. Where BF16 or F16 holds every
/// value exactly, as in models that were stored so, it takes half the memory, and a panel is widened just before it is used: the bits are the same.
/// </summary>
internal sealed unsafe class PackedMatrix
{
    /// <summary>Columns of a panel: two of the widest registers, so that tiles read whole panels; tiles of narrower ones take a part, which leaves
    /// them the lines of a part of the first-level cache.</summary>
    public static int PanelColumns => Avx512F.IsSupported ? 32 : Avx2.IsSupported ? 16 : 8;

    // A tile of one row takes this many columns; the panels of the last one are all there.
    private const int MostColumnsAcross = 128;

    private readonly Storage _storage;

    /// <summary>Packs a matrix on all threads.</summary>
    /// <param name="source">Element (k, n) of the operand, any strides.</param>
    /// <param name="k">Rows of the operand, the steps of the sums.</param>
    /// <param name="n">Columns of the operand and of the product.</param>
    public PackedMatrix(StridedMatrix<float> source, int k, int n)
    {
        (K, N) = (k, n);
        int panels = (n + MostColumnsAcross - 1) / MostColumnsAcross * (MostColumnsAcross / PanelColumns);
        PanelStride = (nint)k * PanelColumns;
        Type = HalfPanels.TypeFor(source, k, n);
        _storage = Storage.Allocate(((panels * PanelStride) + GemmPacking.Overrun) * Type.Size());
        var job = new Packing(this, source);
        WorkerPool.Run(ref job, panels);
    }

    /// <summary>How values are kept: F32, or BF16 or F16 where that is exact.</summary>
    public DType Type { get; }

    /// <summary>Bytes of memory.</summary>
    public long ByteCount => _storage.Bytes;

    public int K { get; }

    public int N { get; }

    /// <summary>Distance of panels in elements.</summary>
    public nint PanelStride { get; }

    /// <summary>Of values in F32: where step <paramref name="k"/> of the panel that begins at <paramref name="column"/> lies, a multiple of
    /// <see cref="PanelColumns"/> or a part of it.</summary>
    public float* At(int k, int column)
        => (float*)_storage.Pointer + (column / PanelColumns * PanelStride) + ((nint)k * PanelColumns) + (column % PanelColumns);

    /// <summary>Of values in 16 bits: the same.</summary>
    public ushort* HalfAt(int k, int column)
        => (ushort*)_storage.Pointer + (column / PanelColumns * PanelStride) + ((nint)k * PanelColumns) + (column % PanelColumns);

    /// <summary>Column n of the operand: row n of the weight.</summary>
    /// <param name="n">The column.</param>
    /// <param name="values">K values.</param>
    public void ReadColumn(int n, Span<float> values)
    {
        if (Type != DType.F32)
        {
            ushort* half = HalfAt(0, n);
            for (int i = 0; i < values.Length; i++, half += PanelColumns) HalfPrecision.Widen(new ReadOnlySpan<ushort>(half, 1), values.Slice(i, 1), Type);
            return;
        }
        float* from = At(0, n);
        for (int i = 0; i < values.Length; i++, from += PanelColumns)
            values[i] = *from;
    }

    /// <summary>y = x · this + bias + residual: x F32 [.., K], y and residual F32 [.., N], bias F32 [N], all contiguous; the last two may be left
    /// out.</summary>
    public void Multiply(Tensor x, Tensor? bias, Tensor? residual, Tensor y)
    {
        StridedMatrix<float> rows = new((float*)x.Pointer, K, 1), result = new((float*)y.Pointer, N, 1);
        Gemm.Linear(Problem((int)(y.Count / Math.Max(1, N)), rows, result), bias, residual);
    }

    /// <summary>C = A · this.</summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="a">One M×K matrix.</param>
    /// <param name="c">One M×N matrix.</param>
    public GemmProblem Problem(int m, StridedMatrix<float> a, StridedMatrix<float> c)
        => new(new GemmShape(m, N, K), a, default, c, accumulate: false, exchanged: false, this);

    private readonly struct Packing(PackedMatrix packed, StridedMatrix<float> source) : IJob
    {
        private readonly PackedMatrix _packed = packed;
        private readonly StridedMatrix<float> _source = source;

        public void Run(int task, int worker)
        {
            int column = task * PanelColumns, used = Math.Clamp(_packed.N - column, 0, PanelColumns);
            if (_packed.Type != DType.F32)
            {
                PackHalf(column, used);
                return;
            }
            float* panel = _packed.At(0, column);
            if (used == 0)
            {
                new Span<float>(panel, (int)_packed.PanelStride).Clear();
                return;
            }
            GemmPacking.Pack(_source.At(0, 0, column), _source.ColumnStride, _source.RowStride, used, PanelColumns, _packed.K, panel);
        }

        // Some steps at a time: packed as floats, and narrowed.
        private void PackHalf(int column, int used)
        {
            const int Steps = 256;
            float* panel = (float*)WorkerScratch.Rent((Steps * PanelColumns + GemmPacking.Overrun) * sizeof(float));
            for (int k = 0, count; k < _packed.K; k += count)
            {
                count = Math.Min(Steps, _packed.K - k);
                int values = count * PanelColumns;
                if (used == 0) new Span<float>(panel, values).Clear();
                else GemmPacking.Pack(_source.At(0, k, column), _source.ColumnStride, _source.RowStride, used, PanelColumns, count, panel);
                HalfPrecision.Narrow(new ReadOnlySpan<float>(panel, values), new Span<ushort>(_packed.HalfAt(k, column), values), _packed.Type);
            }
        }
    }
}
