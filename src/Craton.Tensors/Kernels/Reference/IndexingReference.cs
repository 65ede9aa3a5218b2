using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y[p] = x[p with index[p] in place of its coordinate along dim]. Index: I64, of y's shape; x may be larger elsewhere.</summary>
    public virtual void Gather(Tensor x, int dim, Tensor index, Tensor y)
    {
        switch (y.DType.Size())
        {
            case 1: Gather<byte>(x, dim, index, y); break;
            case 2: Gather<short>(x, dim, index, y); break;
            case 4: Gather<int>(x, dim, index, y); break;
            default: Gather<long>(x, dim, index, y); break;
        }
    }

    /// <summary>y[p with index[p] in place of its coordinate along dim] += x[p], p in row-major order but for dim, which runs fastest.</summary>
    public virtual void ScatterAdd(Tensor x, int dim, Tensor index, Tensor y)
    {
        if (y.DType == DType.F64) ScatterAdd<double>(x, dim, index, y);
        else ScatterAdd<float>(x, dim, index, y);
    }

    /// <summary>y[i] = Σ x[j] over j ≤ i along a dimension, or over j ≥ i.</summary>
    public virtual void CumSum(Tensor x, int dim, Tensor y, bool fromEnd = false, bool add = false)
    {
        if (y.DType == DType.F64) CumSum<double>(x, dim, y, fromEnd, add);
        else CumSum<float>(x, dim, y, fromEnd, add);
    }

    private static void Gather<T>(Tensor x, int dim, Tensor index, Tensor y) where T : unmanaged
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, index.Layout, Starts(x.Layout, dim, y.Shape));
        long step = x.Layout.Stride(dim);
        for (long row = 0; row < plan.Rows; row++)
        {
            var to = new Line<T>(y, plan, 0, row);
            var at = new Line<long>(index, plan, 1, row);
            T* from = (T*)x.Storage.Pointer + plan.Start(2, row);
            for (long i = 0; i < plan.Length; i++) to[i] = from[at[i] * step];
        }
    }

    private static void ScatterAdd<T>(Tensor x, int dim, Tensor index, Tensor y) where T : unmanaged, INumber<T>
    {
        RowPlan plan = RowPlan.Along(dim, x.Layout, index.Layout, Starts(y.Layout, dim, x.Shape));
        long step = y.Layout.Stride(dim);
        for (long row = 0; row < plan.Rows; row++)
        {
            var from = new Line<T>(x, plan, 0, row);
            var at = new Line<long>(index, plan, 1, row);
            T* to = (T*)y.Storage.Pointer + plan.Start(2, row);
            for (long i = 0; i < plan.Length; i++) to[at[i] * step] += from[i];
        }
    }

    // The layout, seen through a shape, that stays at the first element of the dimension and may leave out the ends of the others.
    private static Layout Starts(Layout layout, int dim, ReadOnlySpan<int> shape)
    {
        for (int i = 0; i < shape.Length; i++) layout = layout.Slice(i, 0, i == dim ? 1 : shape[i]);
        return layout.Expand(shape);
    }

    private static void CumSum<T>(Tensor x, int dim, Tensor y, bool fromEnd, bool add) where T : unmanaged, INumber<T>
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, x.Layout);
        for (long row = 0; row < plan.Rows; row++)
        {
            var to = new Line<T>(y, plan, 0, row);
            var from = new Line<T>(x, plan, 1, row);
            T sum = T.Zero;
            for (long k = 0; k < plan.Length; k++)
            {
                long i = fromEnd ? plan.Length - 1 - k : k;
                sum += from[i];
                to[i] = add ? to[i] + sum : sum;
            }
        }
    }
}
