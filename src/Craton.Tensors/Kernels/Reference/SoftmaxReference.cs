using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = e^(x − max) / Σ along a dimension, over the places where the mask (broadcast to x) holds.</summary>
    public virtual void Softmax(Tensor x, Tensor? mask, int dim, Tensor y)
    {
        if (y.DType == DType.F64) Softmax<double>(x, mask, dim, y);
        else Softmax<float>(x, mask, dim, y);
    }

    /// <summary>dx = y · (dy − Σ dy · y) along a dimension.</summary>
    public virtual void SoftmaxGradient(Tensor y, Tensor dy, int dim, Tensor dx, bool add)
    {
        if (dy.DType == DType.F64) SoftmaxGradient<double>(y, dy, dim, dx, add);
        else SoftmaxGradient<float>(y, dy, dim, dx, add);
    }

    /// <summary>y = x − max − ln Σ e^(x − max) along a dimension.</summary>
    public virtual void LogSoftmax(Tensor x, int dim, Tensor y)
    {
        if (y.DType == DType.F64) LogSoftmax<double>(x, dim, y);
        else LogSoftmax<float>(x, dim, y);
    }

    /// <summary>dx = dy − e^y · Σ dy along a dimension.</summary>
    public virtual void LogSoftmaxGradient(Tensor y, Tensor dy, int dim, Tensor dx, bool add)
    {
        if (dy.DType == DType.F64) LogSoftmaxGradient<double>(y, dy, dim, dx, add);
        else LogSoftmaxGradient<float>(y, dy, dim, dx, add);
    }

    private static void Softmax<T>(Tensor x, Tensor? mask, int dim, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, x.Layout, mask is null ? x.Layout : mask.Layout.Expand(x.Shape));
        for (long row = 0; row < plan.Rows; row++)
        {
            var ys = new Line<T>(y, plan, 0, row);
            var xs = new Line<T>(x, plan, 1, row);
            T max = T.NegativeInfinity, sum = T.Zero;
            bool any = false;
            for (long i = 0; i < plan.Length; i++)
                if (Holds(mask, plan, row, i)) (max, any) = (T.Max(max, xs[i]), true);
            for (long i = 0; i < plan.Length; i++) sum += ys[i] = Holds(mask, plan, row, i) ? T.Exp(xs[i] - max) : T.Zero;
            for (long i = 0; i < plan.Length && any; i++) ys[i] /= sum;
        }
    }

    private static bool Holds(Tensor? mask, in RowPlan plan, long row, long i) => mask is null || new Line<bool>(mask, plan, 2, row)[i];

    private static void SoftmaxGradient<T>(Tensor y, Tensor dy, int dim, Tensor dx, bool add) where T : unmanaged, IFloatingPointIeee754<T>
    {
        RowPlan plan = RowPlan.Along(dim, dx.Layout, y.Layout, dy.Layout);
        for (long row = 0; row < plan.Rows; row++)
        {
            var dxs = new Line<T>(dx, plan, 0, row);
            var ys = new Line<T>(y, plan, 1, row);
            var dys = new Line<T>(dy, plan, 2, row);
            T dot = T.Zero;
            for (long i = 0; i < plan.Length; i++) dot += dys[i] * ys[i];
            for (long i = 0; i < plan.Length; i++) dxs[i] = (add ? dxs[i] : T.Zero) + ys[i] * (dys[i] - dot);
        }
    }

    private static void LogSoftmax<T>(Tensor x, int dim, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        RowPlan plan = RowPlan.Along(dim, y.Layout, x.Layout);
        for (long row = 0; row < plan.Rows; row++)
        {
            var ys = new Line<T>(y, plan, 0, row);
            var xs = new Line<T>(x, plan, 1, row);
            T max = T.NegativeInfinity, sum = T.Zero;
            for (long i = 0; i < plan.Length; i++) max = T.Max(max, xs[i]);
            for (long i = 0; i < plan.Length; i++) sum += T.Exp(xs[i] - max);
            for (long i = 0; i < plan.Length; i++) ys[i] = xs[i] - max - T.Log(sum);
        }
    }

    private static void LogSoftmaxGradient<T>(Tensor y, Tensor dy, int dim, Tensor dx, bool add) where T : unmanaged, IFloatingPointIeee754<T>
    {
        RowPlan plan = RowPlan.Along(dim, dx.Layout, y.Layout, dy.Layout);
        for (long row = 0; row < plan.Rows; row++)
        {
            var dxs = new Line<T>(dx, plan, 0, row);
            var ys = new Line<T>(y, plan, 1, row);
            var dys = new Line<T>(dy, plan, 2, row);
            T sum = T.Zero;
            for (long i = 0; i < plan.Length; i++) sum += dys[i];
            for (long i = 0; i < plan.Length; i++) dxs[i] = (add ? dxs[i] : T.Zero) + dys[i] - T.Exp(ys[i]) * sum;
        }
    }
}
