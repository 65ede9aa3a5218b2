using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// The network of FLUX.1: layers of two streams, then layers of one, with rotated positions of several axes (<c>FluxTransformer2DModel</c>). Black
/// Forest Labs, 2024. Images come as patches already.
/// </summary>
public sealed class FluxTransformer2DModel : Module
{
    private const double TimesPerOne = 1000;

    private readonly NumberEmbedding _time;
    private readonly NumberEmbedding? _guidance;
    private readonly TimeLayers _pooled;
    private readonly Linear _context, _in, _out;
    private readonly TwoStreamBlock[] _blocks;
    private readonly OneStreamBlock[] _singles;
    private readonly ModulationLayer _norm;
    private readonly int[] _axes;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public FluxTransformer2DModel(ConfigReader read)
    {
        const int Most = 1 << 16;
        var settings = new PatchSettings(read, heads: 24, headWidth: 128, layers: 19, patch: 1);
        (int width, int heads) = (settings.Width, settings.Heads);
        _axes = read.Ints("axes_dims_rope") ?? [16, 56, 56];
        if (_axes.Any(a => a < 2 || a % 2 != 0) || _axes.Sum(a => (long)a) != settings.HeadWidth)
            throw new CratonException($"{read.File}: axes_dims_rope: expected even numbers that add up to attention_head_dim ({settings.HeadWidth}), got {string.Join(", ", _axes)}");
        _time = Child("time_text_embed", new NumberEmbedding("timestep_embedder", width));
        if (read.Flag("guidance_embeds")) _guidance = Child("time_text_embed", new NumberEmbedding("guidance_embedder", width));
        _pooled = Child("time_text_embed.text_embedder", new TimeLayers(read.Count("pooled_projection_dim", 768, Most), width));
        _context = Child("context_embedder", new Linear(read.Count("joint_attention_dim", 4096, Most), width, bias: true));
        _in = Child("x_embedder", new Linear(settings.Channels, width, bias: true));
        var joint = new JointSettings(width, heads, Normalised: true) { HasText = true, AnswersText = true, TextFirst = true };
        _blocks = Children("transformer_blocks", settings.Layers, _ => new TwoStreamBlock(joint));
        _singles = Children("single_transformer_blocks", read.Count("num_single_layers", 38, 1 << 10), _ => new OneStreamBlock(width, heads));
        _norm = Child("norm_out", new ModulationLayer(width, 2));
        _out = Child("proj_out", new Linear(width, settings.Patch * settings.Patch * settings.OutChannels, bias: true));
    }

    /// <summary>Whether <see cref="Forward"/> needs guidance.</summary>
    public bool KnowsGuidance => _guidance is not null;

    /// <summary>What the network answers: the velocity of a flow.</summary>
    /// <param name="x">Patches of images with noise [N, T, C].</param>
    /// <param name="times">Their times from 0 to 1, F32 [N].</param>
    /// <param name="context">Vectors of the tokens of their texts, [N, S, width].</param>
    /// <param name="pooled">One vector for each text, [N, width].</param>
    /// <param name="places">Positions of texts and patches along each axis, F32 [S + T, axes]; those of the text first.</param>
    /// <param name="guidance">How much the captions count, F32 [N], where the network knows it.</param>
    /// <returns>[N, T, channels].</returns>
    /// <exception cref="CratonException">Guidance is missing or not known, or shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor times, Tensor context, Tensor pooled, Tensor places, Tensor? guidance = null)
    {
        if (KnowsGuidance != guidance is not null)
            throw new CratonException($"[flux] guidance: expected {(KnowsGuidance ? "a number for each image" : "none, since the network knows none")}");
        Tensor told = _time.Forward(times * TimesPerOne) + _pooled.Forward(pooled);
        if (guidance is not null) told += _guidance!.Forward(guidance * TimesPerOne);
        Tensor image = _in.Forward(x);
        Tensor? text = _context.Forward(context);
        int count = text.Size(1);
        Func<Tensor, Tensor> turn = new AxialRotation(places, _axes, count + image.Size(1)).Turn;
        foreach (TwoStreamBlock block in _blocks) (image, text) = block.Forward(image, text!, told, turn);
        Tensor both = Ops.Concat(1, text!, image);
        foreach (OneStreamBlock block in _singles) both = block.Forward(both, told, turn);
        return _out.Forward(_norm.Last(Ops.Slice(both, 1, count).Contiguous(), told));
    }

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static FluxTransformer2DModel Load(string directory)
    {
        FluxTransformer2DModel model = NetworkFolder.Load(directory, "FluxTransformer2DModel", read => new FluxTransformer2DModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}

/// <summary>A layer of one stream, whose attention and feed-forward layer run beside each other.</summary>
internal sealed class OneStreamBlock : Module
{
    private readonly ModulationLayer _modulation;
    private readonly JointAttention _attention;
    private readonly Linear _up, _down;

    public OneStreamBlock(int width, int heads)
    {
        _modulation = Child("norm", new ModulationLayer(width, 3));
        _up = Child("proj_mlp", new Linear(width, 4 * width, bias: true));
        _down = Child("proj_out", new Linear(5 * width, width, bias: true));
        _attention = Child("attn", new JointAttention(new JointSettings(width, heads, Normalised: true) { AnswersImage = false }));
    }

    public Tensor Forward(Tensor x, Tensor told, Func<Tensor, Tensor> turn)
    {
        Tensor[] parts = _modulation.Forward(told);
        Tensor normed = Modulation.Norm(x, parts[0], parts[1]);
        Tensor both = Ops.Concat(2, _attention.Forward(normed, turn: turn).Image, Ops.GeluTanh(_up.Forward(normed)));
        return x + _down.Forward(both) * parts[2];
    }
}

/// <summary>Rotation of neighbouring features by positions along several axes, each of which has its share of a head (Su et al. 2021).</summary>
internal sealed class AxialRotation
{
    private const double Theta = 10000;

    private readonly Tensor _cos, _sin;

    /// <summary>Prepares the angles.</summary>
    /// <param name="places">Positions [T, axes].</param>
    /// <param name="axes">Features of a head for each axis.</param>
    /// <param name="count">The T that is expected.</param>
    public AxialRotation(Tensor places, int[] axes, int count)
    {
        if (places.Rank != 2 || places.Size(0) != count || places.Size(1) != axes.Length)
            throw new CratonException($"[flux] places: expected [{count}, {axes.Length}], got {places.Layout}");
        float[] at = places.ToArray<float>();
        int half = axes.Sum() / 2;
        float[] cos = new float[count * half], sin = new float[count * half];
        for (int t = 0; t < count; t++)
            for (int axis = 0, i = t * half; axis < axes.Length; axis++)
                for (int k = 0; k < axes[axis] / 2; k++, i++)
                {
                    double angle = at[t * axes.Length + axis] * DeterministicMath.Exp(-DeterministicMath.Log(Theta) * 2 * k / axes[axis]);
                    (cos[i], sin[i]) = ((float)DeterministicMath.Cos(angle), (float)DeterministicMath.Sin(angle));
                }
        (_cos, _sin) = (Tensor.From(cos, count, half, 1), Tensor.From(sin, count, half, 1));
    }

    /// <summary>x [N, H, T, D] → the same shape.</summary>
    public Tensor Turn(Tensor x)
    {
        Tensor pairs = x.Contiguous().View(x.Size(0), x.Size(1), x.Size(2), x.Size(3) / 2, 2);
        Tensor u = Ops.Slice(pairs, 4, 0, 1), v = Ops.Slice(pairs, 4, 1, 2);
        return Ops.Concat(4, u * _cos - v * _sin, v * _cos + u * _sin).View(x.Size(0), x.Size(1), x.Size(2), x.Size(3));
    }
}
