using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Pictures;

/// <summary>Makes one vector of a short text.</summary>
public abstract class ShortTextEncoder : Module
{
    private const int MostWords = 1 << 24, MostWidth = 1 << 14, MostLength = 1 << 12;

    /// <summary>Declares the table of vectors.</summary>
    /// <param name="read">The part <c>text</c> of a configuration.</param>
    protected ShortTextEncoder(ConfigReader read)
    {
        (int words, Width, Longest) = (read.Int("words"), read.Int("hidden_size"), read.Int("longest"));
        EncoderConfig.Within(read.File, words, "text.words", MostWords);
        EncoderConfig.Within(read.File, Width, "text.hidden_size", MostWidth);
        EncoderConfig.Within(read.File, Longest, "text.longest", MostLength);
        Words = Child("words", new Embedding(words, Width, WordVocabulary.Padding));
    }

    /// <summary>Width of the vectors.</summary>
    public int Width { get; }

    /// <summary>Most tokens of a text.</summary>
    public int Longest { get; }

    /// <summary>The vectors of words and their trigrams.</summary>
    protected Embedding Words { get; }

    /// <summary>The encoder that the part <c>text</c> of a configuration describes, with zeroed weights: <c>kind</c> is <c>bag</c> or <c>transformer</c>.</summary>
    public static ShortTextEncoder Create(ConfigReader config)
    {
        ConfigReader read = config.Object("text") ?? throw new CratonException($"{config.File}: text: expected the settings of the encoder of texts, got nothing");
        return read.TextOr("", "kind") switch
        {
            "bag" => new BagOfWords(read),
            "transformer" => new WordTransformer(read),
            var other => throw new CratonException($"{read.File}: text.kind is '{other}', expected bag or transformer"),
        };
    }

    /// <summary>One vector for each text, [M, C].</summary>
    /// <param name="ids">Ids [M, T].</param>
    /// <param name="keyPadding">Which places hold a token, Bool [M, T]; all when null.</param>
    public abstract Tensor Pooled(Tensor ids, Tensor? keyPadding);

    /// <summary>The mean of the vectors that count: [M, T, C] → [M, C].</summary>
    protected static Tensor Mean(Tensor x, Tensor? keyPadding)
    {
        if (keyPadding is null) return Ops.Mean(x, [1]);
        Tensor counts = Ops.Cast(keyPadding, DType.F32).View(x.Size(0), x.Size(1), 1);
        return Ops.Sum(x * counts, [1]) / Ops.Sum(counts, [1]);
    }
}

/// <summary>The mean of the vectors of all words, whatever their order.</summary>
public sealed class BagOfWords(ConfigReader read) : ShortTextEncoder(read)
{
    /// <inheritdoc/>
    public override Tensor Pooled(Tensor ids, Tensor? keyPadding) => Mean(Words.Forward(ids), keyPadding);
}

/// <summary>A small Transformer over the words.</summary>
public sealed class WordTransformer : ShortTextEncoder
{
    private readonly Embedding _positions;
    private readonly Tower _tower;
    private readonly LayerNorm _norm;

    /// <summary>Creates the encoder with zeroed weights.</summary>
    public WordTransformer(ConfigReader read) : base(read)
    {
        var config = new TowerConfig(read, Width, 1e-5, "gelu");
        _positions = Child("positions", new Embedding(Longest, Width));
        _tower = Inline(new Tower("layers", config.Layers, () => new PreNormLayer(config, PreNormNames.Clip)));
        _norm = Child("norm", new LayerNorm(Width));
    }

    /// <inheritdoc/>
    public override Tensor Pooled(Tensor ids, Tensor? keyPadding)
    {
        Tensor x = Words.Forward(ids) + _positions.Weight.Slice(0, 0, ids.Size(1));
        return Mean(_norm.Forward(_tower.Forward(x, new AttentionOptions { KeyPadding = keyPadding })), keyPadding);
    }
}
