using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = x · r · (weight + offset) over the last dimension; r of every row goes to <paramref name="scale"/> where that is given.</summary>
    public virtual void RmsNorm(Tensor x, Tensor? weight, double eps, double offset, Tensor y, Tensor? scale)
    {
        if (y.DType == DType.F64) RmsNorm<double>(x, weight, eps, offset, y, scale);
        else RmsNorm<float>(x, weight, eps, offset, y, scale);
    }

    /// <summary>The gradients of x and of the weight, where wanted.</summary>
    public virtual void RmsNormGradient(Tensor x, Tensor? weight, double offset, Tensor scale, Tensor dy, GradTarget? dx, GradTarget? dweight)
    {
        if (dy.DType == DType.F64) RmsNormGradient<double>(x, weight, offset, scale, dy, dx, dweight);
        else RmsNormGradient<float>(x, weight, offset, scale, dy, dx, dweight);
    }

    private static void RmsNorm<T>(Tensor x, Tensor? weight, double eps, double offset, Tensor y, Tensor? scale)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var ys = new Elements<T>(y);
        int n = x.Size(-1);
        for (long row = 0; row * n < x.Count; row++)
        {
            T sum = T.Zero;
            for (int i = 0; i < n; i++) sum += xs[row * n + i] * xs[row * n + i];
            T r = T.One / T.Sqrt(sum / T.CreateChecked(n) + T.CreateChecked(eps));
            for (int i = 0; i < n; i++) ys[row * n + i] = xs[row * n + i] * r * FactorAt<T>(weight, offset, i);
            if (scale is not null) new Elements<T>(scale)[row] = r;
        }
    }

    private static void RmsNormGradient<T>(Tensor x, Tensor? weight, double offset, Tensor scale, Tensor dy, GradTarget? dx, GradTarget? dweight)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var dys = new Elements<T>(dy);
        int n = x.Size(-1);
        if (dweight is { Add: false } fresh) Zero<T>(fresh.Gradient);
        for (long row = 0; row * n < x.Count; row++)
        {
            T r = new Elements<T>(scale)[row], dot = T.Zero;
            for (int i = 0; i < n; i++) dot += dys[row * n + i] * FactorAt<T>(weight, offset, i) * xs[row * n + i];
            T shared = r * r * r * dot / T.CreateChecked(n);
            for (int i = 0; i < n; i++)
            {
                long at = row * n + i;
                if (dx is { } target) Put(target, at, dys[at] * FactorAt<T>(weight, offset, i) * r - xs[at] * shared);
                if (dweight is { } sums) new Elements<T>(sums.Gradient)[i] += dys[at] * xs[at] * r;
            }
        }
    }

    private static T FactorAt<T>(Tensor? weight, double offset, long i) where T : unmanaged, INumber<T> =>
        weight is null ? T.One : new Elements<T>(weight)[i] + T.CreateChecked(offset);

    /// <summary>Sets every element of a tensor of any strides to zero.</summary>
    private protected static void Zero<T>(Tensor tensor) where T : unmanaged, INumber<T>
    {
        var all = new Elements<T>(tensor);
        for (long i = 0; i < tensor.Count; i++) all[i] = T.Zero;
    }

    /// <summary>Writes or adds one element of a gradient.</summary>
    private protected static void Put<T>(in GradTarget target, long at, T value) where T : unmanaged, INumber<T>
    {
        ref T element = ref new Elements<T>(target.Gradient)[at];
        element = target.Add ? element + value : value;
    }
}
