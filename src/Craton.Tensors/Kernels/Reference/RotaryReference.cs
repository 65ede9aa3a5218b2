using System.Numerics;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = x with every pair of features turned: [B, H, T, D] with leading dimensions left out or not, any strides.</summary>
    public virtual void Rotary(Tensor x, in Rotation rotation, Tensor y, bool add = false)
    {
        if (y.DType == DType.F64) Rotary<double>(x, rotation, y, add);
        else Rotary<float>(x, rotation, y, add);
    }

    private static void Rotary<T>(Tensor x, in Rotation rotation, Tensor y, bool add) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = new Elements<T>(x);
        var target = new GradTarget(y, add);
        int n = x.Size(-1), count = x.Size(-2), heads = x.Rank > 2 ? x.Size(-3) : 1, half = rotation.Cos.Size(1);
        for (long row = 0; row * n < x.Count; row++)
        {
            long position = rotation.Position(row / count / heads, row % count, count);
            for (int i = 0; i < half; i++)
            {
                T c = T.CreateChecked(new Elements<float>(rotation.Cos)[position * half + i]);
                T s = T.CreateChecked(new Elements<float>(rotation.Sin)[position * half + i]);
                if (rotation.Backwards) s = -s;
                bool isHalf = rotation.Layout == RotaryLayout.Half;
                long iu = row * n + (isHalf ? i : 2 * i), iv = row * n + (isHalf ? i + half : 2 * i + 1);
                (T u, T v) = (xs[iu], xs[iv]);
                Put(target, iu, u * c - v * s);
                Put(target, iv, v * c + u * s);
            }
            for (int i = 2 * half; i < n; i++) Put(target, row * n + i, xs[row * n + i]);
        }
    }
}
