using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of both sides of a generative adversarial network.</summary>
/// <param name="Shape">The pictures.</param>
/// <param name="Latent">Dimensions of the noise that a picture is made of.</param>
/// <param name="Widths">Channels of every level, the finest first; each level but the first has half the rows and columns of the one before.</param>
/// <param name="Groups">Groups of the generator's normalisations.</param>
public sealed record GanConfig(LabelledShape Shape, int Latent, IReadOnlyList<int> Widths, int Groups)
{
    private const int Most = 1 << 16, MostLevels = 8;

    /// <summary>Rows and columns of the coarsest level.</summary>
    public Size2 Coarsest => new(Shape.Height >> (Widths.Count - 1), Shape.Width >> (Widths.Count - 1));

    /// <summary>This shape, if there can be such networks.</summary>
    /// <param name="place">What gave it, for the error.</param>
    /// <exception cref="CratonException">A value is out of range or does not fit the others.</exception>
    public GanConfig Checked(string place)
    {
        if (Widths.Count is < 2 or > MostLevels) throw new CratonException($"{place}: widths: expected 2 to {MostLevels} numbers, got {Widths.Count}");
        if (Latent is < 1 or > Most) throw new CratonException($"{place}: latent: expected 1 to {Most}, got {Latent}");
        foreach (int width in Widths)
            if (width is < 1 or > Most || Groups < 1 || width % Groups != 0) throw new CratonException($"{place}: widths: expected multiples of the {Groups} groups up to {Most}, got {width}");
        int multiple = 1 << (Widths.Count - 1);
        if (Shape.Height % multiple != 0 || Shape.Width % multiple != 0)
            throw new CratonException($"{place}: widths: expected so many levels that both sides of {Shape.Width}×{Shape.Height} pixels are multiples of {multiple}; give fewer");
        return this;
    }
}

/// <summary>
/// Draws pictures of what a label asks for in one pass, out of noise, by transposed convolutions. A. Radford et al., "Unsupervised Representation
/// Learning with Deep Convolutional Generative Adversarial Networks", 2016; with normalisation over groups, so that a picture does not
/// depend on the others, and averages of weights can be used.
/// </summary>
public sealed class GanGenerator : LabelledGenerator
{
    private static readonly ConvolutionOptions s_doubling = new() { Stride = 2, Padding = 1 };

    private readonly Embedding _labels;
    private readonly Linear _in;
    private readonly GroupNorm[] _norms;
    private readonly ConvTranspose2d[] _doublings;
    private readonly Conv2d _out;

    /// <summary>Creates the generator with zeroed weights.</summary>
    /// <exception cref="CratonException">The shape is out of range.</exception>
    public GanGenerator(GanConfig config) : base(config.Shape)
    {
        Config = config.Checked("[gan]");
        int[] widths = [.. config.Widths.Reverse()];
        _labels = Child("labels", new Embedding(config.Shape.Labels, config.Latent));
        _in = Child("in", new Linear(2 * config.Latent, widths[0] * config.Coarsest.Height * config.Coarsest.Width, bias: true));
        _norms = Children("norms", widths.Length, i => new GroupNorm(config.Groups, widths[i]));
        _doublings = Children("doublings", widths.Length - 1, i => new ConvTranspose2d(widths[i], widths[i + 1], 4, s_doubling));
        _out = Child("out", new Conv2d(widths[^1], config.Shape.Channels, 3, new() { Padding = 1 }));
    }

    /// <summary>Its shape.</summary>
    public GanConfig Config { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<int> NoiseShape => [Config.Latent];

    /// <summary>First weights: normal, of variance 2 / inputs.</summary>
    /// <param name="seed">Seed of the model.</param>
    public GanGenerator Initialize(ulong seed)
    {
        Init.Normal(_labels.Weight, 1, seed, 0);
        Init.Normal(_in.Weight, Math.Sqrt(1.0 / _in.Weight.Size(1)), seed, 1);
        uint index = 2;
        // Of its 4×4 taps, 2×2 meet a pixel of the result.
        foreach (ConvTranspose2d doubling in _doublings) Init.Normal(doubling.Weight, Math.Sqrt(2.0 / (4 * doubling.Weight.Size(0))), seed, index++);
        Init.Normal(_out.Weight, Math.Sqrt(1.0 / (9 * _out.Weight.Size(1))), seed, index);
        return this;
    }

    /// <inheritdoc/>
    public override Tensor Draw(ReadOnlySpan<int> labels, Tensor noise)
    {
        Tensor asked = _labels.Forward(Tensor.From(labels, labels.Length));
        Tensor x = _in.Forward(Ops.Concat(1, noise, asked)).View(labels.Length, Config.Widths[^1], Config.Coarsest.Height, Config.Coarsest.Width);
        for (int i = 0; i < _norms.Length; i++)
        {
            x = Ops.Relu(_norms[i].Forward(x));
            if (i < _doublings.Length) x = _doublings[i].Forward(x);
        }
        return Ops.Sigmoid(_out.Forward(x));
    }
}

/// <summary>
/// Scores how real a picture looks for its label. T. Miyato, M. Koyama, "cGANs with Projection Discriminator", 2018. All layers have second
/// derivatives with respect to the picture, unless their weights are normalised.
/// </summary>
public sealed class GanDiscriminator : Module
{
    private const double Slope = 0.2;
    private const int Features = 128;
    private static readonly ConvolutionOptions s_halving = new() { Stride = 2, Padding = 1 };

    private readonly LabelledShape _shape;
    private readonly Conv2d _in;
    private readonly Conv2d[] _halvings;
    private readonly SpectralLinear _features, _score, _labels;

    /// <summary>Creates the discriminator with zeroed weights.</summary>
    /// <param name="config">The shape.</param>
    /// <param name="spectralNorm">Divide weights by their largest singular value (T. Miyato et al., 2018).</param>
    /// <exception cref="CratonException">The shape is out of range.</exception>
    public GanDiscriminator(GanConfig config, bool spectralNorm)
    {
        config.Checked("[gan]");
        _shape = config.Shape;
        int[] widths = [.. config.Widths];
        _in = Child("in", new Conv2d(_shape.Channels, widths[0], 3, new() { Padding = 1 }, spectralNorm: spectralNorm));
        _halvings = Children("halvings", widths.Length - 1, i => new Conv2d(widths[i], widths[i + 1], 4, s_halving, spectralNorm: spectralNorm));
        _features = Child("features", new SpectralLinear(widths[^1] * config.Coarsest.Height * config.Coarsest.Width, Features, bias: true, spectralNorm));
        _score = Child("score", new SpectralLinear(Features, 1, bias: true, spectralNorm));
        // Of ones and zeros: a table would have no second derivative.
        _labels = Child("labels", new SpectralLinear(_shape.Labels, Features, bias: false, spectralNorm));
    }

    /// <summary>First weights: normal, of variance 2 / inputs.</summary>
    /// <param name="seed">Seed of the model.</param>
    public GanDiscriminator Initialize(ulong seed)
    {
        uint index = CounterRandom.PlaceOf("discriminator");
        foreach ((_, Tensor weight) in NamedParameters())
            if (weight.Rank >= 2) Init.Normal(weight, Math.Sqrt(2.0 * weight.Size(0) / weight.Count), seed, index++);
        return this;
    }

    /// <summary>A score for each picture, [N]: high for real ones.</summary>
    /// <param name="pictures">[N, C, H, W] of 0 to 1.</param>
    /// <param name="labels">What each was drawn for.</param>
    public Tensor Score(Tensor pictures, ReadOnlySpan<int> labels)
    {
        Tensor x = Ops.LeakyRelu(_in.Forward(pictures * 2 - 1), Slope);
        foreach (Conv2d halving in _halvings) x = Ops.LeakyRelu(halving.Forward(x), Slope);
        x = Ops.LeakyRelu(_features.Forward(Ops.Reshape(x, labels.Length, -1)), Slope);
        Tensor asked = _labels.Forward(Ops.OneHot(Tensor.From(labels, labels.Length), _shape.Labels));
        Tensor fit = Ops.Sum(x * asked, [1]) * (1 / Math.Sqrt(Features));
        return Ops.Reshape(_score.Forward(x), labels.Length) + fit;
    }
}
