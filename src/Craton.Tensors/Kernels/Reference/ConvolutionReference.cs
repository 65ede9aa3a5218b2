using System.Numerics;

namespace Craton.Tensors.Kernels;

// The three products that convolutions and their gradients consist of. Every element is one chain of fused multiply-adds in the order of
// the loops; beyond its ends an image is zero, and multiplied as such. Convolutions of 3×3 taps are computed by tiles (ConvolutionTiles.cs).
internal unsafe partial class ReferenceKernels
{
    /// <summary>y[n, f, o] = bias[f] (or y, to add to) + Σ over channels and taps of x[n, c, o meets t] · weight[f, c, t].</summary>
    public virtual void Convolve(Tensor x, Tensor weight, Tensor? bias, Tensor y, in ConvolutionShape shape, bool add = false)
    {
        if (y.DType == DType.F64) Convolve<double>(x, weight, bias, y, shape, add);
        else Convolve<float>(x, weight, bias, y, shape, add);
    }

    /// <summary>The transpose: x[n, c, i] = bias[c] (or x) + Σ over filters and taps of y[n, f, o] · weight[f, c, t] where o meets t at i.</summary>
    public virtual void ConvolveTransposed(Tensor y, Tensor weight, Tensor? bias, Tensor x, in ConvolutionShape shape, bool add = false)
    {
        if (x.DType == DType.F64) ConvolveTransposed<double>(y, weight, bias, x, shape, add);
        else ConvolveTransposed<float>(y, weight, bias, x, shape, add);
    }

    /// <summary>The gradient of the weight: dw[f, c, t] (+)= Σ over images and places of x[n, c, o meets t] · dy[n, f, o].</summary>
    public virtual void ConvolveWeight(Tensor x, Tensor dy, Tensor dw, in ConvolutionShape shape, bool add = false)
    {
        if (dw.DType == DType.F64) ConvolveWeight<double>(x, dy, dw, shape, add);
        else ConvolveWeight<float>(x, dy, dw, shape, add);
    }

    private static void Convolve<T>(Tensor x, Tensor weight, Tensor? bias, Tensor y, in ConvolutionShape shape, bool add)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (TileGrid.Suits(shape))
        {
            ConvolveTiles<T>(x, weight, bias, y, shape, isTransposed: false, add);
            return;
        }
        var xs = new Elements<T>(x);
        var ws = new Elements<T>(weight);
        var ys = new Elements<T>(y);
        for (int n = 0; n < shape.Images; n++)
            for (int f = 0; f < shape.Groups * shape.Filters; f++)
                for (int r = 0; r < shape.Rows.Places; r++)
                    for (int s = 0; s < shape.Columns.Places; s++)
                    {
                        T sum = add ? ys[n, f, r, s] : bias is null ? T.Zero : new Elements<T>(bias)[f];
                        for (int c = 0; c < shape.Channels; c++)
                            for (int t = 0; t < shape.Rows.Taps; t++)
                                for (int u = 0; u < shape.Columns.Taps; u++)
                                {
                                    bool meets = shape.Rows.Meets(r, t, out int i) & shape.Columns.Meets(s, u, out int j);
                                    T value = meets ? xs[n, f / shape.Filters * shape.Channels + c, i, j] : T.Zero;
                                    sum = T.FusedMultiplyAdd(value, ws[f, c, t, u], sum);
                                }
                        ys[n, f, r, s] = sum;
                    }
    }

    private static void ConvolveTransposed<T>(Tensor y, Tensor weight, Tensor? bias, Tensor x, in ConvolutionShape shape, bool add)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (shape.Rows.Stride == 1 && shape.Columns.Stride == 1 && TileGrid.Suits(shape.Transposed()))
        {
            ConvolveTiles<T>(y, weight, bias, x, shape.Transposed(), isTransposed: true, add);
            return;
        }
        var xs = new Elements<T>(x);
        for (int n = 0; n < shape.Images; n++)
            for (int c = 0; c < shape.Groups * shape.Channels; c++)
                for (int i = 0; i < shape.Rows.Source; i++)
                    for (int j = 0; j < shape.Columns.Source; j++)
                    {
                        T start = add ? xs[n, c, i, j] : bias is null ? T.Zero : new Elements<T>(bias)[c];
                        xs[n, c, i, j] = Transposed(y, weight, shape, n, c, i, j, start);
                    }
    }

    // Taps run backwards, so that places run forwards.
    private static T Transposed<T>(Tensor y, Tensor weight, in ConvolutionShape shape, int n, int c, int i, int j, T sum)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var ws = new Elements<T>(weight);
        var ys = new Elements<T>(y);
        int group = c / shape.Channels;
        for (int f = group * shape.Filters; f < (group + 1) * shape.Filters; f++)
            for (int t = shape.Rows.Taps - 1; t >= 0; t--)
                for (int u = shape.Columns.Taps - 1; u >= 0; u--)
                {
                    (int r, int restR) = Math.DivRem(i + shape.Rows.Padding - t * shape.Rows.Dilation, shape.Rows.Stride);
                    (int s, int restS) = Math.DivRem(j + shape.Columns.Padding - u * shape.Columns.Dilation, shape.Columns.Stride);
                    if (restR != 0 || restS != 0) continue;
                    bool inside = (uint)r < (uint)shape.Rows.Places && (uint)s < (uint)shape.Columns.Places;
                    sum = T.FusedMultiplyAdd(inside ? ys[n, f, r, s] : T.Zero, ws[f, c % shape.Channels, t, u], sum);
                }
        return sum;
    }

    private static void ConvolveWeight<T>(Tensor x, Tensor dy, Tensor dw, in ConvolutionShape shape, bool add)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (TileGrid.Suits(shape))
        {
            ConvolveWeightTiles<T>(x, dy, dw, shape, add);
            return;
        }
        var xs = new Elements<T>(x);
        var dys = new Elements<T>(dy);
        var dws = new Elements<T>(dw);
        for (int f = 0; f < shape.Groups * shape.Filters; f++)
            for (int c = 0; c < shape.Channels; c++)
                for (int t = 0; t < shape.Rows.Taps; t++)
                    for (int u = 0; u < shape.Columns.Taps; u++)
                    {
                        T sum = add ? dws[f, c, t, u] : T.Zero;
                        for (int n = 0; n < shape.Images; n++)
                            for (int r = 0; r < shape.Rows.Places; r++)
                                for (int s = 0; s < shape.Columns.Places; s++)
                                {
                                    bool meets = shape.Rows.Meets(r, t, out int i) & shape.Columns.Meets(s, u, out int j);
                                    T value = meets ? xs[n, f / shape.Filters * shape.Channels + c, i, j] : T.Zero;
                                    sum = T.FusedMultiplyAdd(value, dys[n, f, r, s], sum);
                                }
                        dws[f, c, t, u] = sum;
                    }
    }
}
