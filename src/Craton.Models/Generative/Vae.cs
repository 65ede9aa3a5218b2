using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="Vae"/>.</summary>
/// <param name="Shape">Its pictures; without labels it is told none.</param>
/// <param name="Hidden">Widths of the encoder's hidden layers; the decoder has the same in reverse.</param>
/// <param name="Latent">Dimensions of the latent space.</param>
public sealed record VaeConfig(LabelledShape Shape, IReadOnlyList<int> Hidden, int Latent);

/// <summary>What a <see cref="Vae"/> makes of some pictures; sums over them, in nats.</summary>
/// <param name="Reconstruction">−log p(x|z): a Bernoulli distribution for each number.</param>
/// <param name="Divergence">Kullback-Leibler divergence of q(z|x) from the standard normal distribution.</param>
public readonly record struct VaeLoss(Tensor Reconstruction, Tensor Divergence);

/// <summary>
/// A variational auto-encoder with layers that see the whole picture: D. P. Kingma, M. Welling, "Auto-Encoding Variational Bayes", 2014. With
/// a weight β on the divergence it is that of I. Higgins et al., "β-VAE", 2017. Where pictures have labels, both sides are told them
/// (K. Sohn, H. Lee, X. Yan, "Learning Structured Output Representation using Deep Conditional Generative Models", 2015).
/// </summary>
public sealed class Vae : LabelledGenerator
{
    private readonly Linear[] _encoder, _decoder;
    private readonly Linear _mean, _logVariance, _output;

    /// <summary>Creates the model with zeroed parameters.</summary>
    public Vae(VaeConfig config) : base(config.Shape)
    {
        if (config.Latent < 1 || config.Hidden.Count == 0 || config.Hidden.Any(width => width < 1))
            throw new CratonException($"[vae] expected at least one hidden layer and sizes above 0, got hidden [{string.Join(", ", config.Hidden)}], latent {config.Latent}");
        Config = config;
        int[] hidden = [.. config.Hidden], back = [.. config.Hidden.Reverse()];
        _encoder = Children("encoder", hidden.Length, i => new Linear(i == 0 ? Pixels + Shape.Labels : hidden[i - 1], hidden[i], bias: true));
        _mean = Child("mean", new Linear(hidden[^1], config.Latent, bias: true));
        _logVariance = Child("log_variance", new Linear(hidden[^1], config.Latent, bias: true));
        _decoder = Children("decoder", back.Length, i => new Linear(i == 0 ? config.Latent + Shape.Labels : back[i - 1], back[i], bias: true));
        _output = Child("output", new Linear(back[^1], Pixels, bias: true));
    }

    /// <summary>Its shape.</summary>
    public VaeConfig Config { get; }

    /// <summary>Numbers of a picture: channels · height · width.</summary>
    public int Pixels => Shape.Channels * Shape.Height * Shape.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<int> NoiseShape => [Config.Latent];

    /// <summary>First weights: normal, of variance 2 / inputs before a rectifier (He et al. 2015) and 1 / inputs elsewhere; biases 0.</summary>
    /// <param name="seed">Seed of the model.</param>
    public Vae Initialize(ulong seed)
    {
        uint index = 0;
        foreach (Linear layer in (ReadOnlySpan<Linear>)[.. _encoder, _mean, _logVariance, .. _decoder, _output])
        {
            bool rectified = layer != _mean && layer != _logVariance && layer != _output;
            Init.Normal(layer.Weight, Math.Sqrt((rectified ? 2.0 : 1.0) / layer.Weight.Size(1)), seed, index++);
        }
        return this;
    }

    /// <summary>Mean and log variance [N, latent] of the latent distribution of pictures.</summary>
    /// <param name="images">[N, pixels] of 0 to 1.</param>
    /// <param name="labels">Their labels, where the model is told any.</param>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images, ReadOnlySpan<int> labels = default)
    {
        Tensor x = Through(_encoder, Told(images, labels));
        return (_mean.Forward(x, Activation.Relu), _logVariance.Forward(x, Activation.Relu));
    }

    /// <summary>Scores [N, pixels] of places; their sigmoid is the picture.</summary>
    /// <param name="latent">The places, [N, latent].</param>
    /// <param name="labels">Their labels, where the model is told any.</param>
    public Tensor Decode(Tensor latent, ReadOnlySpan<int> labels = default) => _output.Forward(Through(_decoder, Told(latent, labels)), Activation.Relu);

    /// <inheritdoc/>
    public override Tensor Draw(ReadOnlySpan<int> labels, Tensor noise) =>
        Ops.Sigmoid(Decode(noise, labels)).View(noise.Size(0), Shape.Channels, Shape.Height, Shape.Width);

    /// <summary>The two parts of the bound −log p(x) ≤ reconstruction + divergence, from one sample of q(z|x) for each picture.</summary>
    /// <param name="images">[N, pixels] of 0 to 1.</param>
    /// <param name="labels">Their labels, where the model is told any.</param>
    /// <param name="noise">[N, latent] of the standard normal distribution.</param>
    public VaeLoss Loss(Tensor images, ReadOnlySpan<int> labels, Tensor noise)
    {
        (Tensor mean, Tensor logVariance) = Encode(images, labels);
        Tensor scores = Decode(Ops.SampleGaussian(mean, logVariance, noise), labels);
        return new(Ops.BceWithLogits(scores, images, reduction: Reduction.Sum), Ops.Sum(Ops.GaussianKl(mean, logVariance)));
    }

    // x with the labels beside it, a 1 among zeros.
    private Tensor Told(Tensor x, ReadOnlySpan<int> labels) =>
        Shape.Labels == 0 ? x : Ops.Concat(1, x, Ops.Cast(Ops.OneHot(Tensor.From(labels, labels.Length), Shape.Labels), x.DType));

    private static Tensor Through(Linear[] layers, Tensor x)
    {
        for (int i = 0; i < layers.Length; i++) x = layers[i].Forward(x, i == 0 ? Activation.None : Activation.Relu);
        return x;
    }
}
