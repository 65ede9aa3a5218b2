using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>A batch of matrices in memory: element (r, c) of matrix i is <c>Data[i·BatchStride + r·RowStride + c·ColumnStride]</c>.
/// Strides count elements; a transposed view exchanges two of them, a batch stride of 0 uses one matrix for the whole batch.</summary>
internal readonly unsafe struct StridedMatrix<T>(T* data, nint rowStride, nint columnStride, nint batchStride = 0)
    where T : unmanaged
{
    public readonly T* Data = data;
    public readonly nint RowStride = rowStride;
    public readonly nint ColumnStride = columnStride;
    public readonly nint BatchStride = batchStride;

    /// <summary>The same matrices with rows and columns exchanged.</summary>
    public StridedMatrix<T> Transposed => new(Data, ColumnStride, RowStride, BatchStride);

    /// <summary>Address of element (<paramref name="row"/>, <paramref name="column"/>) of matrix <paramref name="batch"/>.</summary>
    public T* At(nint batch, nint row, nint column) => Data + (batch * BatchStride) + (row * RowStride) + (column * ColumnStride);
}

/// <summary>Sizes of a product: C [M, N] = A [M, K] · B [K, N], <paramref name="Batch"/> times.</summary>
internal readonly record struct GemmShape(int M, int N, int K, int Batch = 1);

/// <summary>What is done to each element of the product once its whole sum over k is there, while it is still in the first-level cache.</summary>
internal unsafe interface IGemmEpilogue
{
    /// <summary>Finishes a piece of one row in place. Every element is passed exactly once, in pieces of any length and order, from several
    /// threads at once.</summary>
    /// <param name="cRow">The piece: <paramref name="n"/> adjacent values, columns <paramref name="column"/> .. column+n-1.</param>
    /// <param name="n">Length of the piece.</param>
    /// <param name="row">Row within the matrix (of any matrix of a batch).</param>
    /// <param name="column">Column of the first value.</param>
    void Apply(float* cRow, int n, int row, int column);

    /// <summary>Brings near what <see cref="Apply"/> will read for a piece of a row, if it reads much.</summary>
    void Fetch(int n, int row, int column);
}

/// <summary>Leaves the product as it is.</summary>
internal readonly unsafe struct NoEpilogue : IGemmEpilogue
{
    public void Apply(float* cRow, int n, int row, int column)
    {
    }

    public void Fetch(int n, int row, int column)
    {
    }
}

/// <summary>Adds <c>bias[column]</c>, one addition after the whole sum.</summary>
internal readonly unsafe struct BiasEpilogue(float* bias) : IGemmEpilogue
{
    private readonly float* _bias = bias;

    public void Apply(float* cRow, int n, int row, int column) => RowSum.Add(cRow, _bias + column, n);

    public void Fetch(int n, int row, int column)
    {
    }
}

/// <summary>Adds <c>bias[column]</c>, if there is one, and then <c>residual[row·stride + column]</c>.</summary>
internal readonly unsafe struct ResidualEpilogue(float* bias, float* residual, nint stride) : IGemmEpilogue
{
    private readonly float* _bias = bias, _residual = residual;
    private readonly nint _stride = stride;

    public void Apply(float* cRow, int n, int row, int column)
    {
        if (_bias != null)
            RowSum.Add(cRow, _bias + column, n);
        RowSum.Add(cRow, _residual + (row * _stride) + column, n);
    }

    public void Fetch(int n, int row, int column)
    {
        float* from = _residual + (row * _stride) + column;
        for (int i = 0; i < n && Sse.IsSupported; i += 16)
            Sse.Prefetch1(from + i);
    }
}

internal static unsafe class RowSum
{
    /// <summary>row[i] += x[i].</summary>
    public static void Add(float* row, float* x, int n)
    {
        int i = 0;
        for (; i <= n - 16; i += 16)
            (Vector512.Load(row + i) + Vector512.Load(x + i)).Store(row + i);
        for (; i <= n - 4; i += 4)
            (Vector128.Load(row + i) + Vector128.Load(x + i)).Store(row + i);
        for (; i < n; i++)
            row[i] += x[i];
    }
}
