using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = (x − mean) · r · weight + bias over the last dimension; mean and r of every row go to statistics [rows, 2] where that is given.</summary>
    public virtual void LayerNorm(Tensor x, Tensor? weight, Tensor? bias, double eps, Tensor y, Tensor? statistics)
    {
        if (y.DType == DType.F64) LayerNorm<double>(x, weight, bias, eps, y, statistics);
        else LayerNorm<float>(x, weight, bias, eps, y, statistics);
    }

    /// <summary>The gradients of x, weight and bias, where wanted.</summary>
    public virtual void LayerNormGradient(
        Tensor x, Tensor? weight, Tensor statistics, Tensor dy, GradTarget? dx, GradTarget? dweight, GradTarget? dbias)
    {
        if (dy.DType == DType.F64) LayerNormGradient<double>(x, weight, statistics, dy, dx, dweight, dbias);
        else LayerNormGradient<float>(x, weight, statistics, dy, dx, dweight, dbias);
    }

    private static void LayerNorm<T>(Tensor x, Tensor? weight, Tensor? bias, double eps, Tensor y, Tensor? statistics)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var ys = new Elements<T>(y);
        int n = x.Size(-1);
        for (long first = 0; first < x.Count; first += n)
        {
            T sum = T.Zero, squares = T.Zero;
            for (int i = 0; i < n; i++) sum += xs[first + i];
            T mean = sum / T.CreateChecked(n);
            for (int i = 0; i < n; i++) squares += (xs[first + i] - mean) * (xs[first + i] - mean);
            T r = T.One / T.Sqrt(squares / T.CreateChecked(n) + T.CreateChecked(eps));
            for (int i = 0; i < n; i++)
            {
                T shift = bias is null ? T.Zero : new Elements<T>(bias)[i];
                ys[first + i] = (xs[first + i] - mean) * r * FactorAt<T>(weight, 0, i) + shift;
            }
            if (statistics is not null) (new Elements<T>(statistics)[first / n * 2], new Elements<T>(statistics)[first / n * 2 + 1]) = (mean, r);
        }
    }

    private static void LayerNormGradient<T>(
        Tensor x, Tensor? weight, Tensor statistics, Tensor dy, GradTarget? dx, GradTarget? dweight, GradTarget? dbias)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var dys = new Elements<T>(dy);
        int n = x.Size(-1);
        if (dweight is { Add: false } freshWeight) Zero<T>(freshWeight.Gradient);
        if (dbias is { Add: false } freshBias) Zero<T>(freshBias.Gradient);
        for (long first = 0; first < x.Count; first += n)
        {
            T mean = new Elements<T>(statistics)[first / n * 2], r = new Elements<T>(statistics)[first / n * 2 + 1];
            T meanG = T.Zero, meanGz = T.Zero;
            for (int i = 0; i < n; i++)
            {
                T g = dys[first + i] * FactorAt<T>(weight, 0, i);
                meanG += g / T.CreateChecked(n);
                meanGz += g * (xs[first + i] - mean) * r / T.CreateChecked(n);
            }
            for (int i = 0; i < n; i++)
            {
                T d = dys[first + i], z = (xs[first + i] - mean) * r;
                if (dx is { } target) Put(target, first + i, r * (d * FactorAt<T>(weight, 0, i) - meanG - z * meanGz));
                if (dweight is { } weights) new Elements<T>(weights.Gradient)[i] += d * z;
                if (dbias is { } shifts) new Elements<T>(shifts.Gradient)[i] += d;
            }
        }
    }
}
