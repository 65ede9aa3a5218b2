namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Elements [image, channel, row, column] somewhere in memory; distances count elements.</summary>
internal readonly unsafe struct ImageView(float* data, nint image, nint channel, nint row, nint column)
{
    public readonly float* Data = data;
    public readonly nint Image = image, Channel = channel, Row = row, Column = column;

    public float* At(nint image, nint channel, nint row, nint column) => Data + image * Image + channel * Channel + row * Row + column * Column;

    /// <summary>A contiguous tensor of images, whose pixels are seen in rows of a length.</summary>
    public static ImageView Of(Tensor x, int columns)
    {
        nint pixels = (nint)x.Size(2) * x.Size(3);
        return new((float*)x.Pointer, x.Size(1) * pixels, pixels, columns, 1);
    }
}

/// <summary>Kernels [filter, channel, row, column] of all groups: distances may be negative, for taps that run backwards.</summary>
internal readonly unsafe struct FilterView(float* data, nint group, nint filter, nint channel, nint row, nint column)
{
    public readonly float* Data = data;
    public readonly nint Group = group, Filter = filter, Channel = channel, Row = row, Column = column;

    /// <summary>The weight of a convolution as it is.</summary>
    public static FilterView Of(Tensor weight, in ConvolutionShape shape) =>
        new((float*)weight.Pointer, (nint)shape.Filters * shape.Channels * shape.Taps, (nint)shape.Channels * shape.Taps, shape.Taps, shape.Columns.Taps, 1);

    /// <summary>Filters and channels exchanged, and the taps of one phase backwards: the kernels of the transpose.</summary>
    public FilterView Transposed(in ConvolutionPhase rows, in ConvolutionPhase columns) =>
        new(Data + rows.LastTap * Row + columns.LastTap * Column, Group, Channel, Filter, -rows.TapStep * Row, -columns.TapStep * Column);
}

/// <summary>One convolution: what it reads and where the result goes.</summary>
internal readonly unsafe struct ConvolutionProblem(
    in ConvolutionShape shape, ImageView source, FilterView filters, float* bias, ImageView target, bool add)
{
    public readonly ConvolutionShape Shape = shape;
    public readonly ImageView Source = source, Target = target;
    public readonly FilterView Filters = filters;

    /// <summary>A start of the sums for each filter of all groups, or null.</summary>
    public readonly float* Bias = bias;

    /// <summary>Start the sums from the target.</summary>
    public readonly bool Add = add;
}
