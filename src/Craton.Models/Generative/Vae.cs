using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The shape of a <see cref="Vae"/>.</summary>
/// <param name="Pixels">Numbers of a picture: width · height · channels.</param>
/// <param name="Hidden">Widths of the encoder's hidden layers; the decoder has the same in reverse.</param>
/// <param name="Latent">Dimensions of the latent space.</param>
public sealed record VaeConfig(int Pixels, IReadOnlyList<int> Hidden, int Latent);

/// <summary>What a <see cref="Vae"/> makes of some pictures; sums over them, in nats.</summary>
/// <param name="Reconstruction">−log p(x|z): a Bernoulli distribution for each number, whose grey values are probabilities.</param>
/// <param name="Divergence">Kullback-Leibler divergence of q(z|x) from the standard normal distribution.</param>
public readonly record struct VaeLoss(Tensor Reconstruction, Tensor Divergence);

/// <summary>
/// A variational auto-encoder with layers that see the whole picture: D. P. Kingma, M. Welling, "Auto-Encoding Variational Bayes", 2014. With
/// a weight β on the divergence it is that of I. Higgins et al., "β-VAE", 2017.
/// </summary>
public sealed class Vae : Module
{
    private readonly Linear[] _encoder, _decoder;
    private readonly Linear _mean, _logVariance, _output;

    /// <summary>Creates the model with zeroed parameters.</summary>
    public Vae(VaeConfig config)
    {
        if (config.Pixels < 1 || config.Latent < 1 || config.Hidden.Count == 0 || config.Hidden.Any(width => width < 1))
            throw new CratonException($"[vae] expected at least one hidden layer and sizes above 0, got {config.Pixels} pixels, hidden [{string.Join(", ", config.Hidden)}], latent {config.Latent}");
        Config = config;
        int[] hidden = [.. config.Hidden], back = [.. config.Hidden.Reverse()];
        _encoder = Children("encoder", hidden.Length, i => new Linear(i == 0 ? config.Pixels : hidden[i - 1], hidden[i], bias: true));
        _mean = Child("mean", new Linear(hidden[^1], config.Latent, bias: true));
        _logVariance = Child("log_variance", new Linear(hidden[^1], config.Latent, bias: true));
        _decoder = Children("decoder", back.Length, i => new Linear(i == 0 ? config.Latent : back[i - 1], back[i], bias: true));
        _output = Child("output", new Linear(back[^1], config.Pixels, bias: true));
    }

    /// <summary>Its shape.</summary>
    public VaeConfig Config { get; }

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

    /// <summary>Mean and log variance [N, latent] of the latent distribution of pictures [N, pixels] of 0 to 1.</summary>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images)
    {
        Tensor x = Through(_encoder, images);
        return (_mean.Forward(x, Activation.Relu), _logVariance.Forward(x, Activation.Relu));
    }

    /// <summary>Scores [N, pixels] of places [N, latent]; their sigmoid is the picture.</summary>
    public Tensor Decode(Tensor latent) => _output.Forward(Through(_decoder, latent), Activation.Relu);

    /// <summary>The two parts of the bound −log p(x) ≤ reconstruction + divergence, from one sample of q(z|x) for each picture.</summary>
    /// <param name="images">[N, pixels] of 0 to 1.</param>
    /// <param name="noise">[N, latent] of the standard normal distribution.</param>
    public VaeLoss Loss(Tensor images, Tensor noise)
    {
        (Tensor mean, Tensor logVariance) = Encode(images);
        Tensor scores = Decode(Ops.SampleGaussian(mean, logVariance, noise));
        return new(Ops.BceWithLogits(scores, images, reduction: Reduction.Sum), Ops.Sum(Ops.GaussianKl(mean, logVariance)));
    }

    private static Tensor Through(Linear[] layers, Tensor x)
    {
        for (int i = 0; i < layers.Length; i++) x = layers[i].Forward(x, i == 0 ? Activation.None : Activation.Relu);
        return x;
    }
}
