namespace Craton.Tensors;

/// <summary>How a window moves over an image.</summary>
/// <param name="Kernel">Size of the window.</param>
public readonly record struct PoolingOptions(Size2 Kernel)
{
    /// <summary>Distance between neighbouring windows; that of the window's size when null.</summary>
    public Size2? Stride { get; init; }

    /// <summary>Rows and columns that windows may begin before the first and end after the last one; half a window at most.</summary>
    public Size2 Padding { get; init; }

    /// <summary>Distance between neighbouring places of a window; 1 when null. For the maximum alone.</summary>
    public Size2? Dilation { get; init; }

    /// <summary>A last window that sticks out counts too.</summary>
    public bool CeilMode { get; init; }

    /// <summary>The mean does not count padding, instead of counting it as zeros.</summary>
    public bool ExcludesPadding { get; init; }
}

public static partial class Ops
{
    /// <summary>The greatest of every window: x [N, C, H, W] → [N, C, OH, OW]. The first of equal ones gets the gradient; NaN wins.</summary>
    public static Tensor MaxPool2d(Tensor x, PoolingOptions options)
    {
        Check.Float("max_pool2d", "x", x);
        Check.Rank("max_pool2d", "x", x, 4, 4);
        Size2 dilation = options.Dilation ?? 1;
        ConvolutionAxis rows = Windows("max_pool2d", x.Size(2), options.Kernel.Height, options.Stride?.Height, options.Padding.Height, dilation.Height, options.CeilMode);
        ConvolutionAxis columns = Windows("max_pool2d", x.Size(3), options.Kernel.Width, options.Stride?.Width, options.Padding.Width, dilation.Width, options.CeilMode);
        x = Contiguous(x);
        Tensor y = Tensor.Empty(x.DType, x.Size(0), x.Size(1), rows.Places, columns.Places), places = Tensor.Empty(DType.I32, y.Shape);
        Kernel.For(y).MaxPool(x, y, places, rows, columns);
        if (Tape.Records(x))
        {
            var op = MaxPoolOp.Rent();
            op.X = x;
            op.KeepPlaces(places);
            Tape.Record(op, y);
        }
        else places.Release();
        return y;
    }

    /// <summary>The mean of every window: x [N, C, H, W] → [N, C, OH, OW].</summary>
    public static Tensor AvgPool2d(Tensor x, PoolingOptions options)
    {
        Check.Rank("avg_pool2d", "x", x, 4, 4);
        Check.That(options.Dilation is null || options.Dilation == 1, "avg_pool2d", "dilation", "1", $"{options.Dilation}");
        ConvolutionAxis rows = Windows("avg_pool2d", x.Size(2), options.Kernel.Height, options.Stride?.Height, options.Padding.Height, 1, options.CeilMode);
        ConvolutionAxis columns = Windows("avg_pool2d", x.Size(3), options.Kernel.Width, options.Stride?.Width, options.Padding.Width, 1, options.CeilMode);
        return Resample("avg_pool2d", x, Mean(rows, options), Mean(columns, options));
    }

    /// <summary>The greatest of every window of a sequence, with the widths of the options: x [N, C, T] → [N, C, OT].</summary>
    public static Tensor MaxPool1d(Tensor x, PoolingOptions options)
    {
        Check.Rank("max_pool1d", "x", x, 3, 3);
        return Squeeze(MaxPool2d(Unsqueeze(x, 2), OfSequence(options)), 2);
    }

    /// <summary>The mean of every window of a sequence, with the widths of the options: x [N, C, T] → [N, C, OT].</summary>
    public static Tensor AvgPool1d(Tensor x, PoolingOptions options)
    {
        Check.Rank("avg_pool1d", "x", x, 3, 3);
        return Squeeze(AvgPool2d(Unsqueeze(x, 2), OfSequence(options)), 2);
    }

    /// <summary>Means of a given number of parts, nearly equal and overlapping where they must: x [N, C, H, W] → [N, C, output]. (1, 1) is the
    /// mean of each channel.</summary>
    public static Tensor AdaptiveAvgPool2d(Tensor x, Size2 output)
    {
        CheckResized("adaptive_avg_pool2d", x, output);
        return Resample(
            "adaptive_avg_pool2d", x, new(ResamplingKind.Cover, x.Size(2), output.Height), new(ResamplingKind.Cover, x.Size(3), output.Width));
    }

    private static PoolingOptions OfSequence(PoolingOptions options) => options with
    {
        Kernel = (1, options.Kernel.Width),
        Stride = options.Stride is { } stride ? (1, stride.Width) : null,
        Padding = (0, options.Padding.Width),
        Dilation = options.Dilation is { } dilation ? (1, dilation.Width) : null,
    };

    private static Resampling Mean(in ConvolutionAxis windows, in PoolingOptions options) => new(ResamplingKind.Window, windows.Source, windows.Places)
    {
        Length = windows.Taps,
        Stride = windows.Stride,
        Padding = windows.Padding,
        CountsPadding = !options.ExcludesPadding,
    };

    private static ConvolutionAxis Windows(string name, int size, int length, int? stride, int padding, int dilation, bool ceil)
    {
        Check.That(length > 0, name, "kernel", "1 or more", $"{length}");
        int step = stride ?? length;
        Check.That(step > 0, name, "stride", "1 or more", $"{step}");
        Check.That(dilation > 0, name, "dilation", "1 or more", $"{dilation}");
        long extent = (length - 1L) * dilation + 1, padded = size + 2L * padding;
        Check.That(padding >= 0 && 2L * padding <= extent, name, "padding", $"0 to {extent / 2}, half of a window", $"{padding}");
        Check.That(extent <= padded || (ceil && size > 0), name, "x", $"{extent} or more along each dimension, padding included, for the window", $"{padded}");
        long places = (padded - extent + (ceil ? step - 1 : 0)) / step + 1;
        if (ceil && (places - 1) * step >= size + (long)padding) places--; // a window begins before the end of the source
        return new(size, Check.Fits(name, "padding", places), length, step, dilation, padding);
    }

    private sealed class MaxPoolOp : Op<MaxPoolOp>
    {
        public Tensor X = null!, Places = null!;

        public override string Name => "max_pool2d";

        public void KeepPlaces(Tensor places)
        {
            Places = places;
            Own(places);
        }

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Kernel.For(dy).MaxPoolGradient(dy, Places, dx, add);
        }
    }
}
