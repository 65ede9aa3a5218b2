using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// A Transformer over patches that knows a class (<c>DiTTransformer2DModel</c>). W. Peebles, S. Xie, "Scalable Diffusion Models with Transformers",
/// 2023.
/// </summary>
public sealed class DitTransformer2DModel : Module
{
    private readonly PatchSettings _settings;
    private readonly ImagePatches _patches;
    private readonly DitBlock[] _blocks;
    private readonly Linear _modulation, _out;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public DitTransformer2DModel(ConfigReader read)
    {
        _settings = new PatchSettings(read, heads: 16, headWidth: 72, layers: 28, patch: 2);
        read.Choice("norm_type", "ada_norm_zero");
        read.Choice("activation_fn", "gelu-approximate");
        read.Refuse(read.Flag("norm_elementwise_affine"), "norm_elementwise_affine", "shift and scale come from the class");
        read.Refuse(read.Probability("dropout") > 0, "dropout", "these layers have none; set it to 0 to use the weights as they are");
        Classes = read.Count("num_embeds_ada_norm", 1000, 1 << 24);
        bool bias = read.Flag("attention_bias", true);
        double eps = read.Number("norm_eps", 1e-5);
        _patches = Child("pos_embed", new ImagePatches(_settings, read.Count("sample_size", 32, 1 << 14) / _settings.Patch));
        _blocks = Children("transformer_blocks", _settings.Layers, _ => new DitBlock(_settings, Classes, bias, eps));
        _modulation = Child("proj_out_1", new Linear(_settings.Width, 2 * _settings.Width, bias: true));
        _out = Child("proj_out_2", new Linear(_settings.Width, _settings.Patch * _settings.Patch * _settings.OutChannels, bias: true));
    }

    /// <summary>Number of classes; the class of this number stands for none.</summary>
    public int Classes { get; }

    /// <summary>What the network answers.</summary>
    /// <param name="x">Images with noise [N, C, H, W].</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="classes">Their classes, I32 [N].</param>
    /// <returns>[N, channels, H, W].</returns>
    public Tensor Forward(Tensor x, Tensor times, Tensor classes)
    {
        Tensor y = _patches.Forward(x);
        foreach (DitBlock block in _blocks) y = block.Forward(y, times, classes);
        Tensor[] parts = Modulation.Parts(_modulation.Forward(_blocks[0].Told(times, classes), Activation.Silu), 2);
        return ImagePatches.Joined(_out.Forward(Modulation.Norm(y, parts[0], parts[1])), x, _settings.Patch);
    }

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static DitTransformer2DModel Load(string directory)
    {
        DitTransformer2DModel model = NetworkFolder.Load(directory, "DiTTransformer2DModel", read => new DitTransformer2DModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}

/// <summary>A layer with its own vectors of times and classes.</summary>
internal sealed class DitBlock : Module
{
    private readonly NumberEmbedding _time;
    private readonly Embedding _classes;
    private readonly ModulationLayer _modulation;
    private readonly ProjectedAttention _attention;
    private readonly FeedForward _feedForward;
    private readonly double _eps;

    public DitBlock(PatchSettings settings, int classes, bool bias, double eps)
    {
        _eps = eps;
        _time = Child("norm1.emb", new NumberEmbedding("timestep_embedder", settings.Width, shift: 1));
        _classes = Child("norm1.emb.class_embedder.embedding_table", new Embedding(classes + 1, settings.Width));
        _modulation = Child("norm1", new ModulationLayer(settings.Width, 6));
        _attention = Child("attn1", new ProjectedAttention(settings.Width, settings.Heads, settings.HeadWidth, bias, SpatialTransformerLayer.Names, outputBias: true));
        _feedForward = Child("ff", PatchFeedForward.Create(settings.Width));
    }

    /// <summary>What the layer is told, [N, C].</summary>
    public Tensor Told(Tensor times, Tensor classes) => _time.Forward(times) + _classes.Forward(classes);

    public Tensor Forward(Tensor x, Tensor times, Tensor classes)
    {
        Tensor[] parts = _modulation.Forward(Told(times, classes));
        x += _attention.Output(_attention.Attend(Modulation.Norm(x, parts[0], parts[1]), new AttentionOptions())) * parts[2];
        return x + _feedForward.Forward(Modulation.Norm(x, parts[3], parts[4], _eps)) * parts[5];
    }
}
