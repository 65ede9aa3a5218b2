namespace Craton.Tensors.Kernels;

/// <summary>A tensor's elements by logical index, whatever the strides: what the reference kernels read and write.</summary>
internal readonly unsafe ref struct Elements<T> where T : unmanaged
{
    private readonly T* _start;
    private readonly ref readonly Layout _layout;

    public Elements(Tensor tensor)
    {
        _start = (T*)tensor.Pointer;
        _layout = ref tensor.Layout;
    }

    public long Count => _layout.Count;

    /// <summary>The element at a row-major index.</summary>
    public ref T this[long index]
    {
        get
        {
            long at = 0;
            for (int i = _layout.Rank - 1; i >= 0; i--)
            {
                (index, long place) = Math.DivRem(index, Math.Max(1, _layout[i]));
                at += place * _layout.Stride(i);
            }
            return ref _start[at];
        }
    }

    public ref T this[int i, int j] => ref _start[i * _layout.Stride(0) + j * _layout.Stride(1)];

    public ref T this[int i, int j, int k] => ref _start[i * _layout.Stride(0) + j * _layout.Stride(1) + k * _layout.Stride(2)];

    public ref T this[int i, int j, int k, int l] =>
        ref _start[i * _layout.Stride(0) + j * _layout.Stride(1) + k * _layout.Stride(2) + l * _layout.Stride(3)];
}

/// <summary>One row of a plan: its elements by index.</summary>
internal readonly unsafe struct Line<T>(Tensor tensor, in RowPlan plan, int operand, long row) where T : unmanaged
{
    private readonly T* _first = (T*)tensor.Storage.Pointer + plan.Start(operand, row);
    private readonly long _step = plan.Step(operand);

    public ref T this[long i] => ref _first[i * _step];
}
