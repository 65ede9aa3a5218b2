using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>Settings of a tower of texts.</summary>
public sealed record TextTowerConfig : TowerConfig
{
    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    /// <param name="read">The configuration.</param>
    /// <param name="width">Width where none is given.</param>
    /// <param name="tokens">Number of token ids where none is given.</param>
    /// <param name="longest">Rows of the table of positions where none are given.</param>
    /// <param name="eps">Added to the variance in norms, where nothing is given.</param>
    /// <param name="activation">The activation where none is given.</param>
    public TextTowerConfig(ConfigReader read, int width, int tokens, int longest, double eps, string activation) : base(read, width, eps, activation)
    {
        Tokens = read.IntOr(tokens, "vocab_size");
        Longest = read.IntOr(longest, "max_position_embeddings");
        End = read.IntOr(tokens - 1, "eos_token_id");
        Fill = read.IntOr(1, "pad_token_id");
        Projection = read.IntOr(Width, "projection_size");
        EncoderConfig.Within(read.File, Tokens, "vocab_size", 1 << 24);
        EncoderConfig.Within(read.File, Longest, "max_position_embeddings", 1 << 20);
        EncoderConfig.Within(read.File, Projection, "projection_size", 1 << 16);
    }

    /// <summary>Number of token ids.</summary>
    public int Tokens { get; }

    /// <summary>Most tokens of a text.</summary>
    public int Longest { get; }

    /// <summary>Id that ends a text.</summary>
    public int End { get; }

    /// <summary>Id that fills free places.</summary>
    public int Fill { get; }

    /// <summary>Width of a text's vector where the tower projects it itself.</summary>
    public int Projection { get; }
}

/// <summary>A Transformer that reads texts beside one that reads images: CLIP's sees what came before, SigLIP's the whole text.</summary>
public abstract class TextTower : Module
{
    private readonly Embedding _tokens, _positions;
    private readonly Tower _tower;
    private readonly LayerNorm _norm;
    private readonly bool _causal;

    /// <summary>Creates the tower with zeroed weights.</summary>
    protected TextTower(TextTowerConfig config, bool causal)
    {
        (Config, _causal) = (config, causal);
        _tokens = Child("embeddings.token_embedding", new Embedding(config.Tokens, config.Width));
        _positions = Child("embeddings.position_embedding", new Embedding(config.Longest, config.Width));
        _tower = Inline(new Tower("encoder.layers", config.Layers, () => new PreNormLayer(config, PreNormNames.Clip)));
        _norm = Child("final_layer_norm", new LayerNorm(config.Width, config.Eps));
    }

    /// <summary>Its settings.</summary>
    public TextTowerConfig Config { get; }

    /// <summary>The vectors of all tokens.</summary>
    /// <param name="ids">Token ids [N, T].</param>
    /// <param name="keyPadding">Which places hold a token, Bool [N, T]; all when null.</param>
    /// <param name="trace">Gets what the layers give.</param>
    /// <param name="skipped">How many of the last layers are left out; the norm behind them is not.</param>
    /// <returns>[N, T, C].</returns>
    /// <exception cref="CratonException">A text is longer than the model's positions, or an id is no token, or there are no layers left.</exception>
    public Tensor Hidden(Tensor ids, Tensor? keyPadding = null, LayerTrace? trace = null, int skipped = 0)
    {
        if (skipped < 0 || skipped >= Config.Layers) throw new CratonException($"texts: expected to leave out 0 to {Config.Layers - 1} of the {Config.Layers} layers, got {skipped}");
        if (ids.Rank != 2) throw new CratonException($"texts: expected token ids [N, T], got {ids.Layout}");
        int length = ids.Size(1);
        if (length > Config.Longest) throw new CratonException($"a text of {length} tokens is longer than the model's {Config.Longest} positions; shorten it");
        Tensor x = _tokens.Forward(ids) + _positions.Weight.Slice(0, 0, length);
        return _norm.Forward(_tower.Forward(x, new AttentionOptions { Causal = _causal, KeyPadding = keyPadding }, trace, skipped));
    }

    /// <summary>One vector for each text, [N, C].</summary>
    /// <param name="hidden">What <see cref="Hidden"/> gave.</param>
    /// <param name="ids">Token ids [N, T].</param>
    public abstract Tensor Pooled(Tensor hidden, Tensor ids);
}

/// <summary>The texts' side of CLIP.</summary>
public sealed class ClipText(TextTowerConfig config) : TextTower(config, causal: true)
{
    // Early configurations name this id, which is not the one that ends texts; there it is the largest of the row.
    private const int LegacyEnd = 2;

    /// <summary>The settings of CLIP.</summary>
    public static TextTowerConfig Read(ConfigReader read) => new(read, 512, 49408, 77, 1e-5, "quick_gelu");

    /// <summary>The vector of the first token that ends each text.</summary>
    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden, Tensor ids)
    {
        (int n, int length, int width) = (hidden.Size(0), hidden.Size(1), hidden.Size(2));
        int[] all = Ops.Contiguous(Ops.Cast(ids, DType.I32)).ToArray<int>(), places = new int[n];
        for (int i = 0; i < n; i++)
        {
            ReadOnlySpan<int> row = all.AsSpan(i * length, length);
            int end = Config.End == LegacyEnd ? Largest(row) : Config.End;
            places[i] = i * length + Math.Max(0, row.IndexOf(end));
        }
        return Ops.IndexSelect(hidden.View(n * length, width), 0, Tensor.From(places, n));
    }

    private static int Largest(ReadOnlySpan<int> row)
    {
        int largest = row[0];
        foreach (int id in row) largest = Math.Max(largest, id);
        return largest;
    }
}

/// <summary>The images' side of CLIP: a ViT with a norm before its layers.</summary>
public sealed class ClipVision : ImageEncoder
{
    private readonly Tensor _first;
    private readonly Embedding _positions;
    private readonly Conv2d _patches;
    private readonly LayerNorm _before, _after;
    private readonly Tower _tower;

    /// <summary>Creates the tower with zeroed weights.</summary>
    public ClipVision(ImageEncoderConfig config) : base(config)
    {
        _first = Parameter("embeddings.class_embedding", config.Width);
        _patches = Child("embeddings.patch_embedding", PatchProjection(config, bias: false));
        _positions = Child("embeddings.position_embedding", new Embedding(1 + config.Grid * config.Grid, config.Width));
        _before = Child("pre_layrnorm", new LayerNorm(config.Width, config.Eps)); // so spelled in checkpoints
        _tower = Inline(new Tower("encoder.layers", config.Layers, () => new PreNormLayer(config, PreNormNames.Clip)));
        _after = Child("post_layernorm", new LayerNorm(config.Width, config.Eps));
    }

    /// <summary>The settings of CLIP.</summary>
    public static ImageEncoderConfig Read(ConfigReader read) => new(read, patch: 32, 1e-5, "quick_gelu");

    /// <inheritdoc/>
    protected internal override string Prefix => "vision_model";

    /// <inheritdoc/>
    /// <remarks>Before the norm that <see cref="Pooled"/> applies.</remarks>
    public override Tensor Hidden(Tensor pixels, bool interpolate = false, LayerTrace? trace = null) =>
        _tower.Forward(_before.Forward(Embed(pixels, _patches, [_first], _positions.Weight, interpolate)), default, trace);

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor hidden) => _after.Forward(Ops.Select(hidden, 1, 0));
}

/// <summary>CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision").</summary>
public sealed class Clip : ImageTextModel
{
    private readonly Linear _imageProjection, _textProjection;
    private readonly Tensor _logScale;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="text">The tower of texts.</param>
    /// <param name="vision">The tower of images.</param>
    /// <param name="width">Width of the common space.</param>
    public Clip(ClipText text, ClipVision vision, int width)
    {
        _logScale = Parameter("logit_scale");
        Text = Child("text_model", text);
        Vision = Child("vision_model", vision);
        _imageProjection = Child("visual_projection", new Linear(vision.Config.Width, width));
        _textProjection = Child("text_projection", new Linear(text.Config.Width, width));
    }

    /// <summary>The tower of texts.</summary>
    public ClipText Text { get; }

    /// <summary>The tower of images.</summary>
    public ClipVision Vision { get; }

    /// <inheritdoc/>
    public override int ImageSize => Vision.Config.ImageSize;

    /// <inheritdoc/>
    public override int LongestText => Text.Config.Longest;

    /// <summary>The model that a <c>config.json</c> describes.</summary>
    public static Clip Create(ConfigReader read)
    {
        int width = read.IntOr(512, "projection_dim");
        EncoderConfig.Within(read.File, width, "projection_dim", 1 << 16);
        return new Clip(new(ClipText.Read(Part(read, "text_config"))), new(ClipVision.Read(Part(read, "vision_config"))), width);
    }

    /// <inheritdoc/>
    public override Tensor ImageFeatures(Tensor pixels, bool interpolate = false) => _imageProjection.Forward(Vision.Pooled(Vision.Hidden(pixels, interpolate)));

    /// <inheritdoc/>
    public override Tensor TextFeatures(Tensor ids, Tensor? keyPadding = null) => _textProjection.Forward(Text.Pooled(Text.Hidden(ids, keyPadding), ids));

    /// <inheritdoc/>
    public override Tensor Logits(Tensor images, Tensor texts) => Cosines(images, texts) * Ops.Exp(_logScale);

    /// <summary>Shares of the texts: one of them belongs to the image.</summary>
    /// <inheritdoc/>
    public override Tensor Probabilities(Tensor logits) => Ops.Softmax(logits);

    /// <inheritdoc/>
    public override Tensor Loss(Tensor images, Tensor texts) => Ops.ClipLoss(images, texts, _logScale).Loss;

    // Some files repeat a part's settings under a second name, which counts.
    private static ConfigReader Part(ConfigReader read, string name) => read.Object(name + "_dict") ?? read.Part(name);
}

/// <summary>The texts' side of CLIP alone, as pipelines that make images use it.</summary>
public sealed class ClipTextModel : VisionModel
{
    /// <summary>Creates the model with zeroed weights.</summary>
    public ClipTextModel(ClipText text) => Text = Inline(text);

    /// <summary>The tower.</summary>
    public ClipText Text { get; }

    /// <inheritdoc/>
    protected internal override Func<string, string> NamesIn(IReadOnlyCollection<string> stored) => MaybeAfter("text_model", stored);
}
