namespace Craton.Tensors.Kernels;

/// <summary>The elements of a contiguous I32 or I64 tensor as 64-bit numbers.</summary>
internal readonly unsafe struct Indices(Tensor contiguous)
{
    private readonly void* _start = contiguous.Pointer;
    private readonly bool _wide = contiguous.DType == DType.I64;

    public long this[long i] => _wide ? ((long*)_start)[i] : ((int*)_start)[i];

    /// <summary>The least and the greatest of the first elements; 0 and −1 when there are none.</summary>
    public (long Least, long Greatest) Range(long count)
    {
        if (count == 0) return (0, -1);
        long least = long.MaxValue, greatest = long.MinValue;
        for (long i = 0; i < count; i++)
        {
            least = Math.Min(least, this[i]);
            greatest = Math.Max(greatest, this[i]);
        }
        return (least, greatest);
    }
}
