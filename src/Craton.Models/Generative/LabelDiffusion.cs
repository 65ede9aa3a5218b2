using System.Runtime.InteropServices;
using Craton.Data;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>
/// Diffusion that draws what a label asks for: a <see cref="DrawingUNet"/> that is told the label, or sometimes none, so that the difference can
/// guide it. J. Ho et al., "Denoising Diffusion Probabilistic Models", 2020; J. Ho, T. Salimans, "Classifier-Free Diffusion Guidance", 2022.
/// </summary>
public sealed class LabelDiffusion : LabelledGenerator
{
    private static readonly uint s_noise = CounterRandom.PlaceOf("diffusion.draw");

    private readonly DrawingUNet _network;
    private readonly Embedding _labels;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="shape">The pictures.</param>
    /// <param name="network">The network; its channels are those of the pictures.</param>
    /// <param name="process">The forward process.</param>
    /// <param name="drawing">How it draws.</param>
    /// <exception cref="CratonException">The network does not fit the pictures.</exception>
    public LabelDiffusion(LabelledShape shape, DrawingUNetConfig network, DiffusionProcess process, DrawingSettings drawing) : base(shape)
    {
        if (network.Condition == 0 || network.Context > 0) throw new CratonException($"[diffusion] network: expected one that is told a condition and no tokens, got widths {network.Condition} and {network.Context}");
        if (network.Channels != shape.Channels || shape.Height % network.Multiple != 0 || shape.Width % network.Multiple != 0)
            throw new CratonException(
                $"[diffusion] pictures of {shape.Width}×{shape.Height} pixels do not fit a network of {network.Widths.Count} levels over patches of {network.Patch} pixels: both sides must be multiples of {network.Multiple}");
        drawing.Check("[diffusion]");
        if (drawing.Steps > process.Schedule.Steps) throw new CratonException($"[diffusion] steps: expected 1 to the {process.Schedule.Steps} steps of training, got {drawing.Steps}");
        (Process, Drawing) = (process, drawing);
        _network = Child("network", new DrawingUNet(network));
        _labels = Child("labels", new Embedding(shape.Labels + 1, network.Condition));
    }

    /// <summary>The forward process.</summary>
    public DiffusionProcess Process { get; }

    /// <summary>How it draws.</summary>
    public DrawingSettings Drawing { get; }

    /// <summary>Shape of the network.</summary>
    public DrawingUNetConfig Network => _network.Config;

    /// <summary>The label that asks for nothing.</summary>
    public int NoLabel => Shape.Labels;

    /// <inheritdoc/>
    public override IReadOnlyList<int> NoiseShape => [Shape.Channels, Shape.Height, Shape.Width];

    /// <summary>First weights; those of labels are normal.</summary>
    /// <param name="seed">Seed of the model.</param>
    public LabelDiffusion Initialize(ulong seed)
    {
        _network.Initialize(seed);
        Init.Normal(_labels.Weight, 1, seed, CounterRandom.PlaceOf("labels"));
        return this;
    }

    /// <summary>The mean squared error of the network's answers.</summary>
    /// <param name="pictures">[N, C, H, W] of 0 to 1.</param>
    /// <param name="labels">Their labels, <see cref="NoLabel"/> where it is told none.</param>
    /// <param name="noise">Normal noise of the shape of the pictures.</param>
    /// <param name="timesteps">A timestep for each.</param>
    /// <param name="mostWeight">See <see cref="DiffusionProcess.Loss"/>.</param>
    public Tensor Loss(Tensor pictures, ReadOnlySpan<int> labels, Tensor noise, ReadOnlySpan<int> timesteps, double? mostWeight = null)
    {
        Tensor asked = Tensor.From(labels, labels.Length);
        return Process.Loss(pictures * 2 - 1, noise, timesteps, (x, times) => _network.Forward(x, times, _labels.Forward(asked)), mostWeight);
    }

    /// <inheritdoc/>
    public override Tensor Draw(ReadOnlySpan<int> labels, Tensor noise) => Draw(labels, noise, Drawing);

    /// <summary>The same with other settings.</summary>
    /// <param name="labels">What to draw.</param>
    /// <param name="noise">Normal noise, [N, C, H, W].</param>
    /// <param name="drawing">How.</param>
    /// <param name="watch">Is shown the number of every call of the network, of <see cref="DrawingSettings.Calls"/>, and what it leaves, of about −1 to 1.</param>
    public Tensor Draw(ReadOnlySpan<int> labels, Tensor noise, DrawingSettings drawing, Action<int, Tensor>? watch = null)
    {
        bool guided = drawing.Guidance != 1;
        int count = labels.Length;
        int[] asked = new int[guided ? 2 * count : count];
        Array.Fill(asked, NoLabel);
        labels.CopyTo(asked);
        Tensor ids = Tensor.From(asked, asked.Length);
        // Guided answers leave the range of pictures: what is clipped must not come back as noise.
        Tensor x = Process.Draw(drawing, number => Noise(noise, number), Answer, watch);
        return Ops.Clamp(x * 0.5 + 0.5, 0, 1);

        Tensor Answer(Tensor x, double time)
        {
            Tensor answers = _network.Forward(guided ? Ops.Concat(0, x, x) : x, Tensor.Full((float)time, asked.Length), _labels.Forward(ids));
            return guided ? DiffusionProcess.Guided(answers, drawing.Guidance) : answers;
        }
    }

    // Where the sampler draws noise of its own, it follows from the first, so that a picture does too.
    private static Tensor Noise(Tensor first, int number)
    {
        if (number == 0) return first;
        Tensor noise = Tensor.Empty(DType.F32, first.Shape);
        int count = first.Size(0), size = (int)(first.Count / count);
        ReadOnlySpan<ulong> bits = MemoryMarshal.Cast<float, ulong>(first.Contiguous().AsSpan<float>());
        for (int i = 0; i < count; i++)
            new CounterRandom(StableHash.Combine(bits[i * size / 2], bits[i * size / 2 + 1]), (uint)number, s_noise).FillNormal(noise.AsSpan<float>().Slice(i * size, size));
        return noise;
    }
}
