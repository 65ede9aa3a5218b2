using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

/// <summary>What a checkpoint was trained for.</summary>
public enum EncoderTask
{
    /// <summary>Vectors of tokens alone.</summary>
    None,
    /// <summary>Tokens that were hidden or exchanged are to be named.</summary>
    MaskedLanguage,
    /// <summary>Whether two sentences follow each other, or in which order they stand.</summary>
    SentencePair,
    /// <summary>Which tokens were replaced.</summary>
    ReplacedTokens,
    /// <summary>Classes of texts, or numbers for them.</summary>
    SequenceClassification,
    /// <summary>Classes of tokens.</summary>
    TokenClassification,
    /// <summary>Where an answer begins and ends.</summary>
    QuestionAnswering,
    /// <summary>Which of several texts is the right one.</summary>
    MultipleChoice,
}

/// <summary>What a head reads.</summary>
public enum HeadInput
{
    /// <summary>Every token.</summary>
    Tokens,
    /// <summary>The first token of a text.</summary>
    First,
    /// <summary>The mean of a text's tokens.</summary>
    Mean,
    /// <summary>The encoder's pooler.</summary>
    Pooler,
}

/// <summary>
/// A head under the checkpoint's names: scores = output(norm(activation(dense(x)))), of which dense and norm may be missing.
/// </summary>
/// <param name="Output">Name of the last layer.</param>
/// <param name="Input">What it reads.</param>
public sealed record HeadShape(string Output, HeadInput Input)
{
    /// <summary>Name of the first layer; null when there is none.</summary>
    public string? Dense { get; init; }

    /// <summary>Its width; that of the encoder when 0.</summary>
    public int DenseWidth { get; init; }

    /// <summary>Whether it has a bias.</summary>
    public bool DenseBias { get; init; } = true;

    /// <summary>Applied to its result.</summary>
    public Activation Activation { get; init; }

    /// <summary>Name of the norm; null when there is none.</summary>
    public string? Norm { get; init; }

    /// <summary>Added to the variance there.</summary>
    public double NormEps { get; init; } = 1e-12;

    /// <summary>Whether the norm has a bias.</summary>
    public bool NormBias { get; init; } = true;

    /// <summary>Whether the last layer has a bias.</summary>
    public bool OutputBias { get; init; } = true;

    /// <summary>Name of the bias where the last layer is the embedding table; that of the layer's own when null.</summary>
    public string? TiedBias { get; init; }
}

/// <summary>What stands on an encoder for one task.</summary>
public sealed class EncoderHead : Module
{
    private readonly HeadShape _shape;
    private readonly Linear? _dense;
    private readonly LayerNorm? _norm;
    private readonly OutputHead _output;

    /// <summary>Creates the head with zeroed weights.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="encoder">The encoder it stands on.</param>
    /// <param name="outputs">Number of scores; 0 for one of each token id, made with the embedding table where the model ties it.</param>
    public EncoderHead(HeadShape shape, Encoder encoder, int outputs)
    {
        _shape = shape;
        int width = encoder.Config.HiddenSize, inner = shape.DenseWidth > 0 ? shape.DenseWidth : width;
        if (shape.Dense is not null) _dense = Child(shape.Dense, new Linear(width, width = inner, shape.DenseBias));
        if (shape.Norm is not null) _norm = Child(shape.Norm, new LayerNorm(width, shape.NormEps, bias: shape.NormBias));
        if (outputs > 0)
        {
            _output = new OutputHead(Child(shape.Output, new Linear(width, outputs, shape.OutputBias)));
            return;
        }
        int tokens = encoder.Config.VocabSize;
        bool tied = encoder.Config.TieWordEmbeddings;
        // Untied checkpoints hold a bias under both names, and use that of the layer.
        Tensor? bias = shape.TiedBias is not null ? Parameter(shape.TiedBias, tokens) : tied && shape.OutputBias ? Parameter($"{shape.Output}.bias", tokens) : null;
        _output = tied ? new OutputHead(encoder.Tokens, bias: bias) : new OutputHead(Child(shape.Output, new Linear(width, tokens, shape.OutputBias)));
    }

    /// <summary>Scores of what the head reads: [B, T, n], or [texts, n].</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="hidden">Its vectors of all tokens.</param>
    /// <param name="input">The texts.</param>
    public Tensor Forward(Encoder encoder, Tensor hidden, in EncoderInput input) => _output.Logits(Inner(encoder, hidden, input));

    /// <summary>Cross-entropy of the classes that are given for what the head reads; −100 does not count. Scores are not stored.</summary>
    public Tensor Loss(Encoder encoder, Tensor hidden, in EncoderInput input, Tensor classes)
    {
        Tensor inner = Inner(encoder, hidden, input);
        return _output.Loss(inner.View(-1, inner.Size(-1)), classes.View(-1), default);
    }

    private Tensor Inner(Encoder encoder, Tensor hidden, in EncoderInput input)
    {
        Tensor x = _shape.Input switch
        {
            HeadInput.First => Pooling.Pool(hidden, input, PoolingMode.First),
            HeadInput.Mean => Pooling.Pool(hidden, input, PoolingMode.Mean),
            HeadInput.Pooler => encoder.Pooled(hidden, input),
            _ => hidden,
        };
        if (_dense is not null) x = Ops.Activate(_dense.Forward(x), _shape.Activation);
        return _norm?.Forward(x) ?? x;
    }
}
