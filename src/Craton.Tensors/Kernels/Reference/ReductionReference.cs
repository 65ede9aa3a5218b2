using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>Sums x into y over every dimension where y has size 1: y[k] = Σ x[k, …].</summary>
    public virtual void SumTo(Tensor x, Tensor y, bool add = false)
    {
        if (y.DType == DType.F64) SumTo<double>(x, y, add);
        else SumTo<float>(x, y, add);
    }

    /// <summary>The greatest of x over every dimension where y has size 1; NaN wins.</summary>
    public virtual void MaxTo(Tensor x, Tensor y)
    {
        if (y.DType == DType.F64) MaxTo<double>(x, y);
        else MaxTo<float>(x, y);
    }

    /// <summary>Index of the first greatest element along a dimension, where y has size 1; the first NaN is greatest.</summary>
    public virtual void ArgMax(Tensor x, int dim, Tensor y)
    {
        if (x.DType == DType.F64) ArgMax<double>(x, dim, y);
        else ArgMax<float>(x, dim, y);
    }

    // In double, so that what sums are compared with has no rounding worth mentioning.
    private static void SumTo<T>(Tensor x, Tensor y, bool add) where T : unmanaged, INumber<T>
    {
        var sums = new Span<double>(Threading.WorkerScratch.Rent(y.Count * sizeof(double)), checked((int)y.Count));
        sums.Clear();
        RowPlan plan = RowPlan.Of(x.Layout, new Layout(y.Shape).Expand(x.Shape));
        for (long row = 0; row < plan.Rows; row++)
        {
            T* from = (T*)x.Storage.Pointer + plan.Start(0, row);
            for (long i = 0; i < plan.Length; i++) sums[(int)(plan.Start(1, row) + i * plan.Step(1))] += double.CreateTruncating(from[i * plan.Step(0)]);
        }
        var all = new Elements<T>(y);
        for (int i = 0; i < sums.Length; i++) all[i] = (add ? all[i] : T.Zero) + T.CreateTruncating(sums[i]);
    }

    private static void MaxTo<T>(Tensor x, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var all = new Elements<T>(y);
        for (long i = 0; i < y.Count; i++) all[i] = T.NegativeInfinity;
        RowPlan plan = RowPlan.Of(x.Layout, y.Layout.Expand(x.Shape));
        for (long row = 0; row < plan.Rows; row++)
        {
            T* from = (T*)x.Storage.Pointer + plan.Start(0, row), to = (T*)y.Storage.Pointer + plan.Start(1, row);
            for (long i = 0; i < plan.Length; i++) to[i * plan.Step(1)] = T.Max(to[i * plan.Step(1)], from[i * plan.Step(0)]);
        }
    }

    private static void ArgMax<T>(Tensor x, int dim, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Every output element, then the elements along the dimension that belong to it.
        var indices = new Elements<long>(y);
        RowPlan plan = RowPlan.Of(y.Layout, x.Layout.Slice(dim, 0, 1));
        long step = x.Layout.Stride(dim), at = 0;
        for (long row = 0; row < plan.Rows; row++)
            for (long i = 0; i < plan.Length; i++)
            {
                T* first = (T*)x.Storage.Pointer + plan.Start(1, row) + i * plan.Step(1);
                int best = 0;
                for (int j = 1; j < x.Size(dim) && !T.IsNaN(first[best * step]); j++)
                    if (T.IsNaN(first[j * step]) || first[j * step] > first[best * step]) best = j;
                indices[at++] = best;
            }
    }
}
