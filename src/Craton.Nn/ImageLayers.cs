using Craton.Tensors;

namespace Craton.Nn;

/// <summary>A convolution of images [N, channels, H, W] (<see cref="Ops.Conv2d"/>).</summary>
public sealed class Conv2d : Module
{
    private readonly ConvolutionOptions _options;
    private readonly SpectralWeight? _spectral;

    /// <summary>Creates the layer with zeroed parameters.</summary>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="filters">Channels of the result.</param>
    /// <param name="kernel">Size of the kernel.</param>
    /// <param name="options">How it moves.</param>
    /// <param name="bias">False: no bias.</param>
    /// <param name="spectralNorm">Divide the weight by its largest singular value.</param>
    public Conv2d(int channels, int filters, Size2 kernel, ConvolutionOptions? options = null, bool bias = true, bool spectralNorm = false)
    {
        _options = options ?? new();
        ReadOnlySpan<int> shape = [filters, channels / _options.Groups, kernel.Height, kernel.Width];
        Weight = Parameter(spectralNorm ? "weight_orig" : "weight", shape);
        if (bias) Bias = Parameter("bias", filters);
        if (spectralNorm) _spectral = new SpectralWeight(Weight, Buffer("weight_u", 1 / MathF.Sqrt(filters), filters));
    }

    /// <summary>[filters, channels / groups, height, width].</summary>
    public Tensor Weight { get; }

    /// <summary>[filters], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>The convolution of x.</summary>
    public Tensor Forward(Tensor x) => Ops.Conv2d(x, _spectral?.Divided() ?? Weight, Bias, _options);
}

/// <summary>A transposed convolution of images, which enlarges (<see cref="Ops.ConvTranspose2d"/>).</summary>
public sealed class ConvTranspose2d : Module
{
    private readonly ConvolutionOptions _options;

    /// <summary>Creates the layer with zeroed parameters.</summary>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="filters">Channels of the result.</param>
    /// <param name="kernel">Size of the kernel.</param>
    /// <param name="options">How it moves.</param>
    /// <param name="bias">False: no bias.</param>
    public ConvTranspose2d(int channels, int filters, Size2 kernel, ConvolutionOptions? options = null, bool bias = true)
    {
        _options = options ?? new();
        Weight = Parameter("weight", channels, filters / _options.Groups, kernel.Height, kernel.Width);
        if (bias) Bias = Parameter("bias", filters);
    }

    /// <summary>[channels, filters / groups, height, width].</summary>
    public Tensor Weight { get; }

    /// <summary>[filters], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>The transposed convolution of x.</summary>
    public Tensor Forward(Tensor x) => Ops.ConvTranspose2d(x, Weight, Bias, _options);
}

/// <summary>Normalisation over groups of channels of each image (Wu, He 2018); as many groups as channels make it instance normalisation.</summary>
public sealed class GroupNorm : Norm
{
    private readonly int _groups;
    private readonly double _eps;

    /// <summary>Creates the layer with weights of 1 and biases of 0.</summary>
    /// <param name="groups">Number of groups.</param>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">False: neither weight nor bias.</param>
    public GroupNorm(int groups, int channels, double eps = 1e-5, bool affine = true)
    {
        (_groups, _eps) = (groups, eps);
        if (!affine) return;
        Weight = Filled("weight", 1, channels);
        Bias = Parameter("bias", channels);
    }

    /// <summary>[channels], or null.</summary>
    public Tensor? Weight { get; }

    /// <summary>[channels], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>x [N, channels, ..] normalised.</summary>
    public override Tensor Forward(Tensor x) => Ops.GroupNorm(x, _groups, Weight, Bias, _eps);
}

/// <summary>Normalisation of each channel over all images (Ioffe, Szegedy 2015), by averages of the past when not training.</summary>
public sealed class BatchNorm : Module
{
    private readonly double _momentum, _eps;

    /// <summary>Creates the layer with weights and variances of 1 and biases and means of 0.</summary>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="momentum">How far the averages move with each batch.</param>
    /// <param name="eps">Added to the variance.</param>
    public BatchNorm(int channels, double momentum = 0.1, double eps = 1e-5)
    {
        (_momentum, _eps) = (momentum, eps);
        Weight = Filled("weight", 1, channels);
        Bias = Parameter("bias", channels);
        Mean = Buffer("running_mean", 0, channels);
        Variance = Buffer("running_var", 1, channels);
    }

    /// <summary>[channels].</summary>
    public Tensor Weight { get; }

    /// <summary>[channels].</summary>
    public Tensor Bias { get; }

    /// <summary>The average mean, [channels].</summary>
    public Tensor Mean { get; }

    /// <summary>The average variance, [channels].</summary>
    public Tensor Variance { get; }

    /// <summary>x [N, channels, ..] normalised by its own mean and variance, which move the averages, or by the averages.</summary>
    public Tensor Forward(Tensor x, bool training) => Ops.BatchNorm(x, Weight, Bias, (Mean, Variance), training, _momentum, _eps);
}
