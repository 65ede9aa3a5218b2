using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>The indices (I64) of x along a dimension in the order of the elements; equal ones keep theirs, NaN is greatest.</summary>
    public virtual void SortIndices(Tensor x, int dim, bool descending, Tensor y)
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, x.Layout);
        int n = checked((int)plan.Length);
        var keys = new Span<UInt128>(WorkerScratch.Rent((long)n * sizeof(UInt128)), n);
        for (long row = 0; row < plan.Rows; row++)
        {
            var to = new Line<long>(y, plan, 0, row);
            for (int i = 0; i < n; i++)
            {
                ulong rank = Rank(x.DType == DType.F64 ? new Line<double>(x, plan, 1, row)[i] : new Line<float>(x, plan, 1, row)[i]);
                keys[i] = new UInt128(descending ? ~rank : rank, (ulong)i); // the index decides between equals
            }
            keys.Sort();
            for (int i = 0; i < n; i++) to[i] = (long)(ulong)keys[i];
        }
    }

    // An integer in the order of the numbers: both zeros alike, NaN last.
    private static ulong Rank(double value)
    {
        if (double.IsNaN(value)) return ulong.MaxValue;
        long bits = BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value);
        return (ulong)(bits < 0 ? ~bits : bits ^ long.MinValue);
    }
}
