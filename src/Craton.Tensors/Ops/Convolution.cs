namespace Craton.Tensors;

/// <summary>Two numbers for the two dimensions of an image; one number stands for both.</summary>
/// <param name="Height">Of rows.</param>
/// <param name="Width">Of columns.</param>
public readonly record struct Size2(int Height, int Width)
{
    /// <summary>The same for rows and columns.</summary>
    public static implicit operator Size2(int both) => new(both, both);

    /// <summary>Rows, then columns.</summary>
    public static implicit operator Size2((int Height, int Width) pair) => new(pair.Height, pair.Width);

    /// <summary>As <c>3×5</c>.</summary>
    public override string ToString() => $"{Height}×{Width}";
}

/// <summary>How a kernel moves over an image.</summary>
public readonly record struct ConvolutionOptions()
{
    /// <summary>Distance between neighbouring places of the kernel.</summary>
    public Size2 Stride { get; init; } = 1;

    /// <summary>Zeros before the first and after the last row and column.</summary>
    public Size2 Padding { get; init; }

    /// <summary>Distance between neighbouring taps of the kernel.</summary>
    public Size2 Dilation { get; init; } = 1;

    /// <summary>Channels are divided into this many groups that know nothing of each other; as many as channels: depthwise.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Of a transposed convolution: rows and columns more than the least result has, since a stride above 1 leaves that open.</summary>
    public Size2 OutputPadding { get; init; }
}

public static partial class Ops
{
    /// <summary>
    /// The convolution of images (without flipping the kernel): x [N, C, H, W], weight [F, C/groups, KH, KW], bias [F] → [N, F, OH, OW] with
    /// OH = ⌊(H + 2 · padding − dilation · (KH − 1) − 1) / stride⌋ + 1.
    /// </summary>
    /// <exception cref="CratonException">Shapes or settings do not fit.</exception>
    public static Tensor Conv2d(Tensor x, Tensor weight, Tensor? bias = null, ConvolutionOptions? options = null) =>
        Convolve("conv2d", x, weight, bias, options ?? new());

    /// <summary>The same for sequences, with the widths of the options: x [N, C, T], weight [F, C/groups, K] → [N, F, OT].</summary>
    public static Tensor Conv1d(Tensor x, Tensor weight, Tensor? bias = null, ConvolutionOptions? options = null)
    {
        Check.Rank("conv1d", "x", x, 3, 3);
        Check.Rank("conv1d", "weight", weight, 3, 3);
        return Squeeze(Convolve("conv1d", Unsqueeze(x, 2), Unsqueeze(weight, 2), bias, OfSequence(options)), 2);
    }

    /// <summary>
    /// The transpose of a convolution, which enlarges: x [N, F, H, W], weight [F, C/groups, KH, KW], bias [C] → [N, C, OH, OW] with
    /// OH = (H − 1) · stride − 2 · padding + dilation · (KH − 1) + 1 + output padding.
    /// </summary>
    /// <exception cref="CratonException">Shapes or settings do not fit.</exception>
    public static Tensor ConvTranspose2d(Tensor x, Tensor weight, Tensor? bias = null, ConvolutionOptions? options = null) =>
        ConvolveTransposed("conv_transpose2d", x, weight, bias, options ?? new());

    /// <summary>The same for sequences, with the widths of the options: x [N, F, T], weight [F, C/groups, K] → [N, C, OT].</summary>
    public static Tensor ConvTranspose1d(Tensor x, Tensor weight, Tensor? bias = null, ConvolutionOptions? options = null)
    {
        Check.Rank("conv_transpose1d", "x", x, 3, 3);
        Check.Rank("conv_transpose1d", "weight", weight, 3, 3);
        return Squeeze(ConvolveTransposed("conv_transpose1d", Unsqueeze(x, 2), Unsqueeze(weight, 2), bias, OfSequence(options)), 2);
    }

    // A sequence is an image of one row.
    private static ConvolutionOptions OfSequence(ConvolutionOptions? options)
    {
        ConvolutionOptions given = options ?? new();
        return new()
        {
            Stride = (1, given.Stride.Width),
            Padding = (0, given.Padding.Width),
            Dilation = (1, given.Dilation.Width),
            Groups = given.Groups,
            OutputPadding = (0, given.OutputPadding.Width),
        };
    }

    private static Tensor Convolve(string name, Tensor x, Tensor weight, Tensor? bias, in ConvolutionOptions options)
    {
        CheckConvolution(name, x, weight, bias, options);
        int groups = options.Groups, filters = weight.Size(0);
        Check.That(filters % groups == 0, name, "weight", $"a multiple of {groups} filters, one for each group", $"{weight.Layout}");
        Check.That(x.Size(1) == weight.Size(1) * groups, name, "x", $"{weight.Size(1) * (long)groups} channels for weight {weight.Layout} and {groups} groups", $"{x.Layout}");
        if (bias is not null) Check.Shape(name, "bias", bias, filters);
        int height = Places(name, x.Size(2), weight.Size(2), options.Stride.Height, options.Padding.Height, options.Dilation.Height);
        int width = Places(name, x.Size(3), weight.Size(3), options.Stride.Width, options.Padding.Width, options.Dilation.Width);
        return Record(name, x, weight, bias, Shape(options, x, weight, (x.Size(2), x.Size(3)), (height, width)));
    }

    private static Tensor Record(string name, Tensor x, Tensor weight, Tensor? bias, in ConvolutionShape shape)
    {
        (x, weight, bias) = (Contiguous(x), Contiguous(weight), bias is null ? null : Contiguous(bias));
        Tensor y = Tensor.Empty(x.DType, shape.Images, shape.Groups * shape.Filters, shape.Rows.Places, shape.Columns.Places);
        Kernel.For(y).Convolve(x, weight, bias, y, shape);
        if (Tape.Records(x, weight, bias))
        {
            var op = ConvolutionOp.Rent();
            (op.Function, op.X, op.Weight, op.Bias, op.Shape) = (name, x, weight, bias, shape);
            Tape.Record(op, y);
        }
        return y;
    }

    private static Tensor ConvolveTransposed(string name, Tensor x, Tensor weight, Tensor? bias, in ConvolutionOptions options)
    {
        CheckConvolution(name, x, weight, bias, options);
        Check.That(x.Size(1) == weight.Size(0), name, "x", $"{weight.Size(0)} channels for weight {weight.Layout}", $"{x.Layout}");
        Check.That(weight.Size(0) % options.Groups == 0, name, "weight", $"a multiple of {options.Groups} filters, one for each group", $"{weight.Layout}");
        int channels = Check.Fits(name, "weight", (long)weight.Size(1) * options.Groups);
        if (bias is not null) Check.Shape(name, "bias", bias, channels);
        int height = SourceSize(name, x.Size(2), weight.Size(2), options.Stride.Height, options.Padding.Height, options.Dilation.Height, options.OutputPadding.Height);
        int width = SourceSize(name, x.Size(3), weight.Size(3), options.Stride.Width, options.Padding.Width, options.Dilation.Width, options.OutputPadding.Width);
        return RecordTransposed(name, x, weight, bias, Shape(options, x, weight, (height, width), (x.Size(2), x.Size(3))));
    }

    private static Tensor RecordTransposed(string name, Tensor x, Tensor weight, Tensor? bias, in ConvolutionShape shape)
    {
        (x, weight, bias) = (Contiguous(x), Contiguous(weight), bias is null ? null : Contiguous(bias));
        Tensor y = Tensor.Empty(x.DType, shape.Images, shape.Groups * shape.Channels, shape.Rows.Source, shape.Columns.Source);
        Kernel.For(y).ConvolveTransposed(x, weight, bias, y, shape);
        if (Tape.Records(x, weight, bias))
        {
            var op = TransposedConvolutionOp.Rent();
            (op.Function, op.X, op.Weight, op.Bias, op.Shape) = (name, x, weight, bias, shape);
            Tape.Record(op, y);
        }
        return y;
    }

    private static void CheckConvolution(string name, Tensor x, Tensor weight, Tensor? bias, in ConvolutionOptions options)
    {
        Check.Float(name, "x", x);
        Check.Rank(name, "x", x, 4, 4);
        Check.Rank(name, "weight", weight, 4, 4);
        Check.SameType(name, "weight", weight, x);
        if (bias is not null) Check.SameType(name, "bias", bias, x);
        Check.That(options.Groups > 0, name, "groups", "1 or more", $"{options.Groups}");
        CheckSize(name, "stride", options.Stride, 1);
        CheckSize(name, "dilation", options.Dilation, 1);
        CheckSize(name, "padding", options.Padding, 0);
        CheckSize(name, "output padding", options.OutputPadding, 0);
        Check.That(weight.Size(2) > 0 && weight.Size(3) > 0, name, "weight", "a kernel of 1×1 or more", $"{weight.Layout}");
    }

    private static void CheckSize(string name, string argument, Size2 size, int least) =>
        Check.That(size.Height >= least && size.Width >= least, name, argument, $"{least} or more", $"{size}");

    // The shape of a convolution from sources to results of these sizes.
    private static ConvolutionShape Shape(in ConvolutionOptions options, Tensor images, Tensor weight, Size2 source, Size2 places) => new(
        images.Size(0), options.Groups, weight.Size(1), weight.Size(0) / options.Groups,
        new ConvolutionAxis(source.Height, places.Height, weight.Size(2), options.Stride.Height, options.Dilation.Height, options.Padding.Height),
        new ConvolutionAxis(source.Width, places.Width, weight.Size(3), options.Stride.Width, options.Dilation.Width, options.Padding.Width));

    // How many times a kernel fits.
    private static int Places(string name, int size, int taps, int stride, int padding, int dilation)
    {
        long padded = size + (2L * padding), extent = ((taps - 1L) * dilation) + 1;
        Check.That(extent <= padded, name, "x", $"{extent} or more along each dimension, padding included, for the kernel", $"{padded}");
        return Check.Fits(name, "padding", ((padded - extent) / stride) + 1);
    }

    private static int SourceSize(string name, int places, int taps, int stride, int padding, int dilation, int extra)
    {
        Check.That(extra < Math.Max(stride, dilation), name, "output padding", "less than the stride or the dilation", $"{extra}");
        long size = places == 0 ? 0 : ((places - 1L) * stride) - (2L * padding) + ((taps - 1L) * dilation) + 1 + extra;
        Check.That(size >= 0, name, "x", "a result of no negative size", $"{size}", "less padding");
        return Check.Fits(name, "x", size);
    }

    // dx: the transpose of dy; dweight: patches of x times dy; dbias: Σ dy over images and pixels.
    private sealed class ConvolutionOp : Op<ConvolutionOp>
    {
        public string Function = "";
        public Tensor X = null!, Weight = null!;
        public Tensor? Bias;
        public ConvolutionShape Shape;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            var kernels = Kernel.For(dy);
            if (X.RequiresGrad)
            {
                (Tensor dx, bool add) = Tape.GradFor(X);
                kernels.ConvolveTransposed(dy, Weight, null, dx, Shape, add);
            }
            if (Weight.RequiresGrad)
            {
                (Tensor dw, bool add) = Tape.GradFor(Weight);
                kernels.ConvolveWeight(X, dy, dw, Shape, add);
            }
            if (Bias is { RequiresGrad: true }) SumChannels(dy, Tape.GradFor(Bias));
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (gradients.Wants(Weight) || gradients.Wants(Bias)) base.BackwardRecorded(dy, gradients);
            else gradients.Add(X, RecordTransposed(Function, dy, Weight, null, Shape));
        }
    }

    // The same with source and result exchanged.
    private sealed class TransposedConvolutionOp : Op<TransposedConvolutionOp>
    {
        public string Function = "";
        public Tensor X = null!, Weight = null!;
        public Tensor? Bias;
        public ConvolutionShape Shape;

        public override string Name => Function;

        public override void Backward(Tensor dy)
        {
            var kernels = Kernel.For(dy);
            if (X.RequiresGrad)
            {
                (Tensor dx, bool add) = Tape.GradFor(X);
                kernels.Convolve(dy, Weight, null, dx, Shape, add);
            }
            if (Weight.RequiresGrad)
            {
                (Tensor dw, bool add) = Tape.GradFor(Weight);
                kernels.ConvolveWeight(dy, X, dw, Shape, add);
            }
            if (Bias is { RequiresGrad: true }) SumChannels(dy, Tape.GradFor(Bias));
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients)
        {
            if (gradients.Wants(Weight) || gradients.Wants(Bias)) base.BackwardRecorded(dy, gradients);
            else gradients.Add(X, Record(Function, dy, Weight, null, Shape));
        }
    }

    // [C] (+)= Σ of x [N, C, ..] over all but channels.
    private static void SumChannels(Tensor x, GradTarget target)
    {
        int pixels = (int)(x.Count / Math.Max(1, (long)x.Size(0) * x.Size(1)));
        Kernel.For(x).SumTo(x.Detach().View(x.Size(0), x.Size(1), pixels), target.Gradient.Detach().View(1, x.Size(1), 1), target.Add);
    }
}
