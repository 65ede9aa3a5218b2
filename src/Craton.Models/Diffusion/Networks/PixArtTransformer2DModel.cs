using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// A Transformer over patches that reads texts, with one set of shifts and scales for all layers (<c>PixArtTransformer2DModel</c>). J. Chen et al.,
/// "PixArt-α: Fast Training of Diffusion Transformer for Photorealistic Text-to-Image Synthesis", 2024.
/// </summary>
public sealed class PixArtTransformer2DModel : Module
{
    private readonly PatchSettings _settings;
    private readonly ImagePatches _patches;
    private readonly NumberEmbedding _time;
    private readonly Linear _modulation, _out;
    private readonly TimeLayers _caption;
    private readonly PixArtBlock[] _blocks;
    private readonly Tensor _lastTable;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public PixArtTransformer2DModel(ConfigReader read)
    {
        _settings = new PatchSettings(read, heads: 16, headWidth: 72, layers: 28, patch: 2);
        int width = _settings.Width, size = read.Count("sample_size", 128, 1 << 14);
        read.Choice("norm_type", "ada_norm_single");
        read.Choice("attention_type", "default");
        read.Choice("activation_fn", "gelu-approximate");
        read.Refuse(read.Flag("norm_elementwise_affine"), "norm_elementwise_affine", "shift and scale come from the time");
        read.Refuse(read.Flag("use_additional_conditions", size == 128), "use_additional_conditions", "the network is told no resolutions");
        read.Refuse(read.IntOr(width, "cross_attention_dim") != width, "cross_attention_dim", "captions are projected to the width of the layers");
        read.Refuse(read.Probability("dropout") > 0, "dropout", "these layers have none; set it to 0 to use the weights as they are");
        bool bias = read.Flag("attention_bias", true);
        double eps = read.Number("norm_eps", 1e-6);
        _patches = Child("pos_embed", new ImagePatches(_settings, size / _settings.Patch, read.Number("interpolation_scale", Math.Max(size / 64, 1))));
        _time = Child("adaln_single.emb", new NumberEmbedding("timestep_embedder", width));
        _modulation = Child("adaln_single.linear", new Linear(width, 6 * width, bias: true));
        _caption = Child("caption_projection", new TimeLayers(read.Count("caption_channels", 4096, 1 << 16), width, Activation.GeluTanh));
        _blocks = Children("transformer_blocks", _settings.Layers, _ => new PixArtBlock(_settings, bias, eps));
        _lastTable = Parameter("scale_shift_table", 2, width);
        _out = Child("proj_out", new Linear(width, _settings.Patch * _settings.Patch * _settings.OutChannels, bias: true));
    }

    /// <summary>What the network answers.</summary>
    /// <param name="x">Images with noise [N, C, H, W].</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="context">Vectors of the tokens of their texts, [N, T, width].</param>
    /// <param name="mask">1 for tokens that count and 0 for others, F32 [N, T]; all count when null.</param>
    /// <returns>[N, channels, H, W].</returns>
    public Tensor Forward(Tensor x, Tensor times, Tensor context, Tensor? mask = null)
    {
        Tensor time = _time.Forward(times), shared = _modulation.Forward(time, Activation.Silu);
        TextContext text = TextContext.Of(_caption.Forward(context), mask);
        Tensor y = _patches.Forward(x);
        foreach (PixArtBlock block in _blocks) y = block.Forward(y, shared, text);
        Tensor[] parts = Modulation.Parts(_lastTable.View(1, -1) + Ops.Concat(1, time, time), 2);
        return ImagePatches.Joined(_out.Forward(Modulation.Norm(y, parts[0], parts[1])), x, _settings.Patch);
    }

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static PixArtTransformer2DModel Load(string directory)
    {
        PixArtTransformer2DModel model = NetworkFolder.Load(directory, "PixArtTransformer2DModel", read => new PixArtTransformer2DModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}

/// <summary>A layer with a table of its own that is added to the shared shifts and scales.</summary>
internal sealed class PixArtBlock : Module
{
    private readonly Tensor _table;
    private readonly ProjectedAttention _own, _text;
    private readonly FeedForward _feedForward;
    private readonly double _eps;

    public PixArtBlock(PatchSettings settings, bool bias, double eps)
    {
        _eps = eps;
        _table = Parameter("scale_shift_table", 6, settings.Width);
        _own = Child("attn1", new ProjectedAttention(settings.Width, settings.Heads, settings.HeadWidth, bias, SpatialTransformerLayer.Names, outputBias: true));
        _text = Child("attn2", new ProjectedAttention(settings.Width, settings.Heads, settings.HeadWidth, bias, SpatialTransformerLayer.Names, outputBias: true));
        _feedForward = Child("ff", PatchFeedForward.Create(settings.Width));
    }

    public Tensor Forward(Tensor x, Tensor shared, TextContext text)
    {
        Tensor[] parts = Modulation.Parts(_table.View(1, -1) + shared, 6);
        x += _own.Output(_own.Attend(Modulation.Norm(x, parts[0], parts[1], _eps), new AttentionOptions())) * parts[2];
        x = _text.Output(_text.Attend(x, text.States, new AttentionOptions { Bias = text.Bias }), x);
        return x + _feedForward.Forward(Modulation.Norm(x, parts[3], parts[4], _eps)) * parts[5];
    }
}
