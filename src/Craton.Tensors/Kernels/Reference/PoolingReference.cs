using System.Numerics;
using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>The greatest of every window of each plane, the first of equal ones, NaN before all; its pixel (I32) goes to places, −1 where a
    /// window lies in the padding alone. All [N, C, H, W], contiguous.</summary>
    public virtual void MaxPool(Tensor x, Tensor y, Tensor places, in ConvolutionAxis rows, in ConvolutionAxis columns)
    {
        for (int plane = 0; plane < y.Size(0) * y.Size(1); plane++)
            if (y.DType == DType.F64) MaxPool<double>(plane, x, y, places, rows, columns);
            else MaxPool<float>(plane, x, y, places, rows, columns);
    }

    /// <summary>dx[places[o]] += dy[o] in each plane; dx is zero at first unless it is added to.</summary>
    public virtual void MaxPoolGradient(Tensor dy, Tensor places, Tensor dx, bool add)
    {
        for (int plane = 0; plane < dy.Size(0) * dy.Size(1); plane++)
            if (dy.DType == DType.F64) MaxPoolGradient<double>(plane, dy, places, dx, add);
            else MaxPoolGradient<float>(plane, dy, places, dx, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected static void MaxPool<T>(int plane, Tensor x, Tensor y, Tensor places, in ConvolutionAxis rows, in ConvolutionAxis columns)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* from = (T*)x.Pointer + (nint)plane * rows.Source * columns.Source, to = (T*)y.Pointer + (nint)plane * rows.Places * columns.Places;
        int* at = (int*)places.Pointer + (nint)plane * rows.Places * columns.Places;
        for (int r = 0; r < rows.Places; r++)
        {
            (int t0, int t1) = rows.Inside(r);
            for (int s = 0; s < columns.Places; s++)
            {
                (int u0, int u1) = columns.Inside(s);
                if (t0 == t1 || u0 == u1)
                {
                    (*to++, *at++) = (T.NegativeInfinity, -1);
                    continue;
                }
                int row = (r * rows.Stride + t0 * rows.Dilation - rows.Padding) * columns.Source + s * columns.Stride + u0 * columns.Dilation - columns.Padding;
                int best = row;
                for (int t = t0; t < t1; t++, row += rows.Dilation * columns.Source)
                    for (int u = u0, pixel = row; u < u1; u++, pixel += columns.Dilation)
                    {
                        T most = from[best];
                        bool isBetter = !(from[pixel] <= most) & !T.IsNaN(most);
                        best += (pixel - best) & -Unsafe.BitCast<bool, byte>(isBetter); // no branch, which could not be foretold
                    }
                (*to++, *at++) = (from[best], best);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected static void MaxPoolGradient<T>(int plane, Tensor dy, Tensor places, Tensor dx, bool add) where T : unmanaged, INumber<T>
    {
        int pixels = dx.Size(2) * dx.Size(3), windows = dy.Size(2) * dy.Size(3);
        T* from = (T*)dy.Pointer + (nint)plane * windows, to = (T*)dx.Pointer + (nint)plane * pixels;
        int* at = (int*)places.Pointer + (nint)plane * windows;
        if (!add) new Span<T>(to, pixels).Clear();
        for (int o = 0; o < windows; o++)
            if (at[o] >= 0) to[at[o]] += from[o];
    }
}
