using System.Runtime.InteropServices;
using Craton.Tensors.Kernels.Cpu;

namespace Craton.Tensors.Tests;

/// <summary>Layouts of an operand: (adjacent rows, adjacent columns, neither).</summary>
internal enum Order
{
    RowMajor,
    ColumnMajor,
    Spread,
}

/// <summary>A batch of random matrices with gaps between their rows and around them, at odd addresses.</summary>
internal sealed unsafe class Matrices : IDisposable
{
    private const float Guard = 12345.678f; // in every place that is not an element

    private readonly float* _memory;
    private readonly int _length;

    public Matrices(int batch, int rows, int columns, Order order, Random random)
    {
        (nint rowStride, nint columnStride) = order switch
        {
            Order.RowMajor => ((nint)columns + 3, (nint)1),
            Order.ColumnMajor => ((nint)1, (nint)rows + 5),
            _ => ((nint)((2 * columns) + 1), (nint)2),
        };
        nint batchStride = (rows * rowStride) + (columns * columnStride) + 7;
        _length = 3 + (batch * (int)batchStride) + 64;
        _memory = (float*)NativeMemory.Alloc((nuint)_length, sizeof(float));
        View = new StridedMatrix<float>(_memory + 3, rowStride, columnStride, batchStride);
        Memory.Fill(Guard);
        for (int b = 0; b < batch; b++)
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    *View.At(b, i, j) = (float)(random.NextDouble() - 0.5);
    }

    private Matrices(Matrices other)
    {
        _length = other._length;
        _memory = (float*)NativeMemory.Alloc((nuint)_length, sizeof(float));
        View = new StridedMatrix<float>(_memory + 3, other.View.RowStride, other.View.ColumnStride, other.View.BatchStride);
        other.Memory.CopyTo(Memory);
    }

    public StridedMatrix<float> View { get; }

    public Span<float> Memory => new(_memory, _length);

    public Matrices Copy() => new(this);

    public void Dispose() => NativeMemory.Free(_memory);
}
