namespace Craton.Tensors.Tests.Golden;

// Parts of generative models, and gradients of gradients.
internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Generative() =>
    [
        new("spectral_norm", SpectralNorm), new("wgan_gp", WassersteinPenalty), On("r1_penalty", RealPenalty, "penalty"),
        new("gan_loss", GanLoss), new("vae_elbo", EvidenceBound), new("vector_quantize", VectorQuantize), new("vector_quantize_ema", MoveCodebook),
        On("gaussian_kl", call => Ops.GaussianKl(call["mean1"], call["logvar1"], call["mean2"], call["logvar2"])),
    ];

    private static (string Role, Tensor Value)[] GanLoss(OpsCall call)
    {
        GanForm form = Enum.Parse<GanForm>(call.Text("form").Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
        return [("discriminator", Ops.DiscriminatorLoss(form, call["real"], call["fake"])), ("generator", Ops.GeneratorLoss(form, call["fake"]))];
    }

    private static (string Role, Tensor Value)[] EvidenceBound(OpsCall call)
    {
        Tensor mean = call["mean"], logVariance = call["logvar"], x = call["x"], z = Ops.SampleGaussian(mean, logVariance, call["noise"]);
        Tensor decoded = Ops.Linear(z, call["weight"], call["bias"]);
        double? sigma = call.NumberOrNull("sigma");
        Tensor each = call.Text("likelihood") switch
        {
            "bernoulli" => Ops.BceWithLogits(decoded, x, reduction: Reduction.None),
            "gaussian" => Ops.GaussianNegativeLogLikelihood(decoded, x, sigma!.Value),
            string other => throw new SkippedCaseException($"the likelihood {other} is not known"),
        };
        Tensor reconstruction = Ops.Sum(each) / x.Size(0), divergence = Ops.Sum(Ops.GaussianKl(mean, logVariance)) / x.Size(0);
        return [("loss", reconstruction + divergence * call.Number("beta")), ("reconstruction", reconstruction), ("kl", divergence), ("z", z)];
    }

    private static (string Role, Tensor Value)[] VectorQuantize(OpsCall call)
    {
        QuantizedVectors got = Ops.VectorQuantize(call["x"], call["codebook"]);
        return
        [
            ("quantized", got.Quantized), ("commitment", got.Commitment), ("codebook_loss", got.CodebookLoss), ("perplexity", got.Perplexity), ("index", got.Index),
            ("loss", got.CodebookLoss + got.Commitment * call.Number("commitment_cost")),
        ];
    }

    private static (string Role, Tensor Value)[] MoveCodebook(OpsCall call)
    {
        (Tensor codebook, Tensor counts, Tensor sums) = (Ops.Copy(call["codebook"]), Ops.Copy(call["cluster_size"]), Ops.Copy(call["cluster_sum"]));
        Tensor index = Ops.MoveCodebook(call["x"], codebook, counts, sums, call.Number("decay"), call.Number("eps"));
        return [("index", index), ("cluster_size", counts), ("cluster_sum", sums), ("codebook", codebook)];
    }

    private static (string Role, Tensor Value)[] SpectralNorm(OpsCall call)
    {
        (Tensor weight, Tensor sigma, Tensor u, Tensor v) = Ops.SpectralNorm(call["weight"], call["u"], call.Int("iterations"), call.Number("eps"));
        return [("weight", weight), ("sigma", sigma), ("u", u), ("v", v)];
    }

    // I. Gulrajani et al., "Improved Training of Wasserstein GANs", 2017.
    private static (string Role, Tensor Value)[] WassersteinPenalty(OpsCall call)
    {
        Tensor real = call["real"], fake = call["fake"], mix = Ops.Reshape(call["mix"], -1, 1, 1, 1);
        Tensor between = Ops.Copy(real * mix + fake * (-mix + 1)).Detach().RequireGrad();
        Tensor norms = Ops.Norm(Ops.Reshape(Tape.GradientOf(Critic(call, between), between), real.Size(0), -1), [1]);
        Tensor penalty = Ops.Mean(Ops.Square(norms - 1)) * call.Number("lambda");
        return [("loss", Ops.Mean(Critic(call, fake)) - Ops.Mean(Critic(call, real)) + penalty), ("penalty", penalty), ("gradient_norm", norms)];
    }

    // L. Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018.
    private static Tensor RealPenalty(OpsCall call)
    {
        Tensor real = Ops.Copy(call["real"]).Detach().RequireGrad();
        Tensor squares = Ops.Sum(Ops.Square(Ops.Reshape(Tape.GradientOf(Critic(call, real), real), real.Size(0), -1)), [1]);
        return Ops.Mean(squares) * (call.Number("gamma") / 2);
    }

    private static Tensor Critic(OpsCall call, Tensor x)
    {
        ConvolutionOptions halving = new() { Stride = 2, Padding = 1 };
        double? slope = call.NumberOrNull("negative_slope");
        foreach (string layer in new[] { "conv1", "conv2" })
        {
            x = Ops.Conv2d(x, call[layer + ".weight"], call[layer + ".bias"], halving);
            x = call.Text("activation") switch
            {
                "leaky_relu" => Ops.LeakyRelu(x, slope!.Value),
                "tanh" => Ops.Tanh(x),
                "softplus" => Ops.Softplus(x),
                string other => throw new SkippedCaseException($"the activation {other} is not known"),
            };
        }
        return Ops.Linear(Ops.Reshape(x, x.Size(0), -1), call["linear.weight"], call["linear.bias"]);
    }
}
