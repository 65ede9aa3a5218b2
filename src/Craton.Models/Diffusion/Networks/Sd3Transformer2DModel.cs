using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// The network of Stable Diffusion 3: two streams, of the text and of patches (<c>SD3Transformer2DModel</c>). P. Esser et al., "Scaling Rectified Flow
/// Transformers for High-Resolution Image Synthesis", 2024.
/// </summary>
public sealed class Sd3Transformer2DModel : Module
{
    private readonly PatchSettings _settings;
    private readonly ImagePatches _patches;
    private readonly NumberEmbedding _time;
    private readonly TimeLayers _pooled;
    private readonly Linear _context, _out;
    private readonly TwoStreamBlock[] _blocks;
    private readonly ModulationLayer _norm;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public Sd3Transformer2DModel(ConfigReader read)
    {
        const int Most = 1 << 16;
        _settings = new PatchSettings(read, heads: 18, headWidth: 64, layers: 18, patch: 2);
        int width = _settings.Width;
        bool normalised = read.Choice("qk_norm", "", "rms_norm") == "rms_norm";
        int[] second = read.Ints("dual_attention_layers") ?? [];
        read.Refuse(read.IntOr(1152, "caption_projection_dim") != width, "caption_projection_dim", "both streams have the width of the heads together");
        _patches = Child("pos_embed", new ImagePatches(
            _settings, read.Count("sample_size", 128, 1 << 14) / _settings.Patch, stored: read.Count("pos_embed_max_size", 96, 1 << 12)));
        _time = Child("time_text_embed", new NumberEmbedding("timestep_embedder", width));
        _pooled = Child("time_text_embed.text_embedder", new TimeLayers(read.Count("pooled_projection_dim", 2048, Most), width));
        _context = Child("context_embedder", new Linear(read.Count("joint_attention_dim", 4096, Most), width, bias: true));
        _blocks = Children("transformer_blocks", _settings.Layers, i => new TwoStreamBlock(
            new JointSettings(width, _settings.Heads, normalised) { HasText = true, AnswersText = i < _settings.Layers - 1 }, second.Contains(i)));
        _norm = Child("norm_out", new ModulationLayer(width, 2));
        _out = Child("proj_out", new Linear(width, _settings.Patch * _settings.Patch * _settings.OutChannels, bias: true));
    }

    /// <summary>What the network answers: the velocity of a flow.</summary>
    /// <param name="x">Images with noise [N, C, H, W].</param>
    /// <param name="times">Their times from 0 to 1000, F32 [N].</param>
    /// <param name="context">Vectors of the tokens of their texts, [N, T, width].</param>
    /// <param name="pooled">One vector for each text, [N, width].</param>
    /// <returns>[N, channels, H, W].</returns>
    public Tensor Forward(Tensor x, Tensor times, Tensor context, Tensor pooled)
    {
        Tensor told = _time.Forward(times) + _pooled.Forward(pooled), image = _patches.Forward(x);
        Tensor? text = _context.Forward(context);
        foreach (TwoStreamBlock block in _blocks) (image, text) = block.Forward(image, text!, told);
        return ImagePatches.Joined(_out.Forward(_norm.Last(image, told)), x, _settings.Patch);
    }

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static Sd3Transformer2DModel Load(string directory)
    {
        Sd3Transformer2DModel model = NetworkFolder.Load(directory, "SD3Transformer2DModel", read => new Sd3Transformer2DModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}
