using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y[i] = x[i] / (1 − p) where the draw for i, in row-major order, keeps it; 0 elsewhere.</summary>
    public virtual void Dropout(Tensor x, double p, in CounterRandom random, Tensor y, bool add = false)
    {
        if (y.DType == DType.F64) Dropout<double>(x, p, random, y, add);
        else Dropout<float>(x, p, random, y, add);
    }

    private static void Dropout<T>(Tensor x, double p, in CounterRandom random, Tensor y, bool add) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        T scale = T.CreateChecked(1 / (1 - p));
        for (long i = 0; i < y.Count; i++) Put(new GradTarget(y, add), i, random.Bernoulli(i, 1 - p) ? xs[i] * scale : T.Zero);
    }
}
