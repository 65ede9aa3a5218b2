using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>Sizes of a Transformer over pixels.</summary>
/// <param name="Channels">Channels of the image.</param>
/// <param name="Heads">Heads of attention.</param>
/// <param name="HeadWidth">Width of a head.</param>
/// <param name="Layers">Number of layers.</param>
/// <param name="ContextWidth">Width of the vectors of texts; null where the layers know none.</param>
/// <param name="Groups">Groups of the normalisation before the first layer.</param>
/// <param name="Linear">Whether the projections on both sides are linear layers rather than convolutions.</param>
internal sealed record TransformerSettings(int Channels, int Heads, int HeadWidth, int Layers, int? ContextWidth, int Groups, bool Linear)
{
    /// <summary>Width inside.</summary>
    public int Width => Heads * HeadWidth;

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>Activation of the feed-forward layers.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>Whether the activation gates a second projection.</summary>
    public bool Gated { get; init; } = true;

    /// <summary>Whether the norms of layers have weights.</summary>
    public bool Affine { get; init; } = true;

    /// <summary>Added to the variance in the norms of layers.</summary>
    public double Eps { get; init; } = 1e-5;
}

/// <summary>
/// A Transformer over the pixels of an image, which see each other and a text (<c>Transformer2DModel</c>). R. Rombach et al., "High-Resolution
/// Image Synthesis with Latent Diffusion Models", 2022.
/// </summary>
public sealed class Transformer2DModel : Module
{
    private readonly SpatialTransformer _transformer;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public Transformer2DModel(ConfigReader read) => _transformer = Inline(new SpatialTransformer(Settings(read)));

    /// <summary>What the network makes of images.</summary>
    /// <param name="x">Images [N, C, H, W].</param>
    /// <param name="context">Vectors of the tokens of texts [N, T, width], where the network knows texts.</param>
    /// <param name="mask">1 for tokens that count and 0 for others, F32 [N, T]; all count when null.</param>
    /// <returns>[N, C, H, W].</returns>
    public Tensor Forward(Tensor x, Tensor? context = null, Tensor? mask = null) =>
        _transformer.Forward(x, context is null ? null : TextContext.Of(context, mask));

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static Transformer2DModel Load(string directory)
    {
        Transformer2DModel model = NetworkFolder.Load(directory, "Transformer2DModel", read => new Transformer2DModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);

    private static TransformerSettings Settings(ConfigReader read)
    {
        const int Most = 1 << 16, MostHeads = 1 << 8;
        int channels = read.Count("in_channels", 320, Most);
        read.Choice("norm_type", "layer_norm");
        read.Choice("attention_type", "default");
        read.Refuse(read.Has("patch_size"), "patch_size", "this network sees pixels");
        read.Refuse(read.Has("num_vector_embeds"), "num_vector_embeds", "this network sees pixels");
        read.Refuse(read.Has("caption_channels"), "caption_channels", "texts are taken as they are");
        read.Refuse(read.IntOr(channels, "out_channels") != channels, "out_channels", "the network answers in the channels it is shown");
        read.Refuse(read.Flag("only_cross_attention"), "only_cross_attention", "layers see their own pixels first");
        read.Refuse(read.Flag("double_self_attention"), "double_self_attention", "the second attention sees texts");
        read.Refuse(read.Probability("dropout") > 0, "dropout", "these layers have none; set it to 0 to use the weights as they are");
        string activation = read.Choice("activation_fn", "geglu", "gelu", "gelu-approximate", "geglu-approximate");
        return new TransformerSettings(
            channels, read.Count("num_attention_heads", 16, MostHeads), read.Count("attention_head_dim", 88, MostHeads), read.Count("num_layers", 1, 1 << 10),
            read.Has("cross_attention_dim") ? read.Count("cross_attention_dim", 1, Most) : null, read.Count("norm_num_groups", 32, Most), read.Flag("use_linear_projection"))
        {
            Bias = read.Flag("attention_bias"),
            Activation = activation switch { "geglu" or "gelu" => Activation.Gelu, "gelu-approximate" => Activation.GeluTanh, _ => Activation.QuickGelu },
            Gated = activation == "geglu",
            Affine = read.Flag("norm_elementwise_affine", true),
            Eps = read.Number("norm_eps", 1e-5),
        };
    }
}
