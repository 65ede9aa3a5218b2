using System.Numerics;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y[.., r, s] = Σ over taps i of r and j of s of their weights times x[.., i, j]; both [N, C, H, W], contiguous.</summary>
    public virtual void Resample(Tensor x, Tensor y, in Resampling rows, in Resampling columns)
    {
        if (y.DType == DType.F64) Resample<double>(x, y, rows, columns);
        else Resample<float>(x, y, rows, columns);
    }

    /// <summary>The transpose: every dy[.., r, s] goes to the taps by their weights.</summary>
    public virtual void ResampleGradient(Tensor dy, Tensor dx, in Resampling rows, in Resampling columns, bool add)
    {
        if (!add) Fill(dx, 0);
        if (dy.DType == DType.F64) ResampleGradient<double>(dy, dx, rows, columns);
        else ResampleGradient<float>(dy, dx, rows, columns);
    }

    /// <summary>The tables of both dimensions, in scratch memory of this thread.</summary>
    private protected static (ResamplingTable Rows, ResamplingTable Columns) Tables(in Resampling rows, in Resampling columns)
    {
        byte* memory = (byte*)WorkerScratch.Rent(ResamplingTable.Size(rows) + ResamplingTable.Size(columns));
        return (new(rows, memory), new(columns, memory + ResamplingTable.Size(rows)));
    }

    private static void Resample<T>(Tensor x, Tensor y, in Resampling rows, in Resampling columns) where T : unmanaged, IFloatingPointIeee754<T>
    {
        (ResamplingTable down, ResamplingTable across) = Tables(rows, columns);
        for (int n = 0; n < y.Size(0); n++)
            for (int c = 0; c < y.Size(1); c++)
                for (int r = 0; r < rows.Places; r++)
                    for (int s = 0; s < columns.Places; s++)
                    {
                        T sum = T.Zero;
                        for (int i = down.First(r); i < down.First(r + 1); i++)
                            for (int j = across.First(s); j < across.First(s + 1); j++)
                                sum += T.CreateChecked(down.Weight(i) * across.Weight(j)) * new Elements<T>(x)[n, c, down.At(i), across.At(j)];
                        new Elements<T>(y)[n, c, r, s] = sum;
                    }
    }

    private static void ResampleGradient<T>(Tensor dy, Tensor dx, in Resampling rows, in Resampling columns)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        (ResamplingTable down, ResamplingTable across) = Tables(rows, columns);
        for (int n = 0; n < dy.Size(0); n++)
            for (int c = 0; c < dy.Size(1); c++)
                for (int r = 0; r < rows.Places; r++)
                    for (int s = 0; s < columns.Places; s++)
                        for (int i = down.First(r); i < down.First(r + 1); i++)
                            for (int j = across.First(s); j < across.First(s + 1); j++)
                                new Elements<T>(dx)[n, c, down.At(i), across.At(j)] += T.CreateChecked(down.Weight(i) * across.Weight(j)) * new Elements<T>(dy)[n, c, r, s];
    }
}
