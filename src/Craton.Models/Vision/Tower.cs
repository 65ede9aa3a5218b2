using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

// N images or texts, T places, C width, H heads.

/// <summary>Sizes of a stack of layers, of images or of texts.</summary>
public record TowerConfig
{
    /// <summary>Takes over what a <c>config.json</c> says; published ones leave out what is as in the family's base model.</summary>
    /// <param name="read">The configuration.</param>
    /// <param name="width">Width where none is given; heads and layers of the base models follow from it.</param>
    /// <param name="eps">Added to the variance in norms, where nothing is given.</param>
    /// <param name="activation">The activation where none is given.</param>
    /// <param name="heads">Number of heads where none is given and it does not follow from the width.</param>
    public TowerConfig(ConfigReader read, int width, double eps, string activation, int? heads = null)
    {
        Width = read.IntOr(width, "hidden_size");
        Heads = read.IntOr(heads ?? width / 64, "num_attention_heads");
        Layers = read.IntOr(12, "num_hidden_layers");
        Inner = read.IntOr(4 * width, "intermediate_size");
        Eps = read.Number("layer_norm_eps", eps);
        Activation = read.Activation(activation, "hidden_act");
        EncoderConfig.Within(read.File, Width, "hidden_size", 1 << 16);
        EncoderConfig.Within(read.File, Heads, "num_attention_heads", 1 << 12);
        EncoderConfig.Within(read.File, Layers, "num_hidden_layers", 1 << 10);
        EncoderConfig.Within(read.File, Inner, "intermediate_size", 1 << 18);
        if (Width % Heads != 0) throw new CratonException($"{read.File}: hidden_size is {Width}, expected a multiple of num_attention_heads ({Heads})");
    }

    /// <summary>Width of the stream.</summary>
    public int Width { get; }

    /// <summary>Number of heads.</summary>
    public int Heads { get; }

    /// <summary>Number of layers.</summary>
    public int Layers { get; }

    /// <summary>Width inside the feed-forward layers.</summary>
    public int Inner { get; }

    /// <summary>Added to the variance in norms.</summary>
    public double Eps { get; }

    /// <summary>Applied inside the feed-forward layers.</summary>
    public Activation Activation { get; }
}

/// <summary>What the layers of a tower give, for looking at.</summary>
public sealed class LayerTrace
{
    /// <summary>The stream before the first layer and behind each one, [N, T, C]; of convolutions behind each stage, [N, C, H, W].</summary>
    public IList<Tensor> States { get; } = [];

    /// <summary>The attention weights of each layer, [N, H, T, T].</summary>
    public IList<Tensor> Weights { get; } = [];
}

/// <summary>One layer of a tower.</summary>
public abstract class TowerLayer : Module
{
    /// <summary>The stream behind the layer: [N, T, C] → [N, T, C].</summary>
    /// <param name="x">The stream.</param>
    /// <param name="options">Who sees whom.</param>
    /// <param name="weights">Gets the attention weights when it is given.</param>
    public abstract Tensor Forward(Tensor x, in AttentionOptions options, ICollection<Tensor>? weights = null);
}

/// <summary>What a checkpoint calls the parts of a <see cref="PreNormLayer"/>, in the order in which they are run.</summary>
/// <param name="AttentionNorm">Norm before the attention.</param>
/// <param name="Query">Projection to queries.</param>
/// <param name="Key">Projection to keys.</param>
/// <param name="Value">Projection to values.</param>
/// <param name="Output">Projection of the joined heads.</param>
/// <param name="InnerNorm">Norm before the feed-forward layer.</param>
/// <param name="Up">First projection of the feed-forward layer.</param>
/// <param name="Down">Its second.</param>
public sealed record PreNormNames(string AttentionNorm, string Query, string Key, string Value, string Output, string InnerNorm, string Up, string Down)
{
    /// <summary>Those of CLIP and SigLIP.</summary>
    public static PreNormNames Clip { get; } = new(
        "layer_norm1", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "layer_norm2", "mlp.fc1", "mlp.fc2");
}

/// <summary>A layer with norms before attention and feed-forward, which are added to the stream (Dosovitskiy et al. 2021).</summary>
public sealed class PreNormLayer : TowerLayer
{
    private readonly ProjectedAttention _attention;
    private readonly FeedForward _feedForward;
    private readonly LayerNorm _attentionNorm, _innerNorm;

    /// <summary>Creates the layer with zeroed weights.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="names">The checkpoint's names.</param>
    /// <param name="bias">Whether queries, keys and values have biases.</param>
    public PreNormLayer(TowerConfig config, PreNormNames names, bool bias = true)
    {
        _attentionNorm = Child(names.AttentionNorm, new LayerNorm(config.Width, config.Eps));
        _attention = Inline(new ProjectedAttention(
            config.Width, config.Heads, config.Width / config.Heads, bias, (names.Query, names.Key, names.Value, names.Output), outputBias: true));
        _innerNorm = Child(names.InnerNorm, new LayerNorm(config.Width, config.Eps));
        _feedForward = Inline(new FeedForward(config.Width, config.Inner, config.Activation, bias: true, (names.Up, names.Down)));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, in AttentionOptions options, ICollection<Tensor>? weights = null)
    {
        x = _attention.Output(_attention.Attend(_attentionNorm.Forward(x), options, weights), x);
        return _feedForward.Forward(_innerNorm.Forward(x), residual: x);
    }
}

/// <summary>Layers one behind the other.</summary>
public sealed class Tower : Module
{
    private readonly TowerLayer[] _layers;

    /// <summary>Creates the layers.</summary>
    /// <param name="name">The checkpoint's name of the list of layers.</param>
    /// <param name="count">Number of layers.</param>
    /// <param name="create">Makes one.</param>
    public Tower(string name, int count, Func<TowerLayer> create) => _layers = Children(name, count, _ => create());

    /// <summary>The stream behind the last layer, or some layers before it: [N, T, C] → [N, T, C].</summary>
    public Tensor Forward(Tensor x, in AttentionOptions options, LayerTrace? trace = null, int skipped = 0)
    {
        trace?.States.Add(x);
        foreach (TowerLayer layer in _layers.AsSpan(..^skipped))
        {
            x = layer.Forward(x, options, trace?.Weights);
            trace?.States.Add(x);
        }
        return x;
    }
}
