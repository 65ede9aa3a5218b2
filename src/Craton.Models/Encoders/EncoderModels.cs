using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Encoders;

// What stands on an encoder, one class for each kind of task: scores, and the loss it is trained with.
// B texts, T places, V vocabulary, L labels.

/// <summary>An encoder with the heads that its checkpoint carries.</summary>
public class EncoderModel : Module
{
    /// <summary>An encoder alone.</summary>
    public EncoderModel(Encoder encoder) => Encoder = Inline(encoder);

    /// <summary>An encoder under its prefix, beside which heads stand.</summary>
    private protected EncoderModel(Encoder encoder, string prefix) => Encoder = Child(prefix, encoder);

    /// <summary>The encoder.</summary>
    public Encoder Encoder { get; }

    /// <summary>Its configuration.</summary>
    public EncoderConfig Config => Encoder.Config;

    /// <summary>What it was read from; null for a model that was made here.</summary>
    public EncoderSource? Source { get; internal set; }

    /// <summary>The vectors of all tokens, [B, T, C], or [1, N, C] for packed texts.</summary>
    /// <inheritdoc cref="Encoder.Hidden" path="/exception"/>
    public Tensor Hidden(in EncoderInput input) => Encoder.Hidden(input);

    // A head's parameters lie beside the encoder's.
    private protected EncoderHead Head(EncoderTask task, int outputs) => Inline(new EncoderHead(
        Encoder.HeadOf(task) ?? throw new CratonException($"a {Encoder.GetType().Name} has no head for {task}"), Encoder, outputs));
}

/// <summary>Names hidden tokens (Devlin et al. 2019).</summary>
public sealed class MaskedLanguageModel : EncoderModel
{
    private readonly EncoderHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    public MaskedLanguageModel(Encoder encoder) : base(encoder, encoder.Prefix) => _head = Head(EncoderTask.MaskedLanguage, 0);

    /// <summary>Scores of all tokens at every place, [B, T, V].</summary>
    public Tensor Logits(in EncoderInput input) => _head.Forward(Encoder, Hidden(input), input);

    /// <summary>Mean cross-entropy of the true tokens, I32 or I64 [B, T]; −100 where none is asked for.</summary>
    public Tensor Loss(in EncoderInput input, Tensor labels) => _head.Loss(Encoder, Hidden(input), input, labels);
}

/// <summary>
/// Names hidden tokens and tells whether the second sentence follows the first (BERT), or whether the two were exchanged (ALBERT).
/// </summary>
public sealed class PretrainingModel : EncoderModel
{
    private readonly EncoderHead _tokens, _sentences;

    /// <summary>Creates the model with zeroed weights.</summary>
    public PretrainingModel(Encoder encoder) : base(encoder, encoder.Prefix)
    {
        _tokens = Head(EncoderTask.MaskedLanguage, 0);
        _sentences = Head(EncoderTask.SentencePair, 2);
    }

    /// <summary>Scores of all tokens at every place [B, T, V], and of the pair of sentences [B, 2].</summary>
    public (Tensor Tokens, Tensor Sentences) Logits(in EncoderInput input)
    {
        Tensor hidden = Hidden(input);
        return (_tokens.Forward(Encoder, hidden, input), _sentences.Forward(Encoder, hidden, input));
    }

    /// <summary>The sum of both mean cross-entropies.</summary>
    /// <param name="input">The texts.</param>
    /// <param name="labels">True tokens, I32 or I64 [B, T]; −100 where none is asked for.</param>
    /// <param name="pairs">Class of each pair, I32 or I64 [B]: 0 where the second sentence belongs behind the first.</param>
    public Tensor Loss(in EncoderInput input, Tensor labels, Tensor pairs)
    {
        Tensor hidden = Hidden(input);
        return _tokens.Loss(Encoder, hidden, input, labels) + _sentences.Loss(Encoder, hidden, input, pairs);
    }
}

/// <summary>Tells which tokens were replaced (Clark et al. 2020).</summary>
public sealed class ReplacedTokenDetector : EncoderModel
{
    private readonly EncoderHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    public ReplacedTokenDetector(Encoder encoder) : base(encoder, encoder.Prefix) => _head = Head(EncoderTask.ReplacedTokens, 1);

    /// <summary>Scores of all tokens, [B, T]: above 0 for one that was probably replaced.</summary>
    public Tensor Logits(in EncoderInput input) => _head.Forward(Encoder, Hidden(input), input).View(input.Ids.Shape);

    /// <summary>Mean binary cross-entropy over the tokens: replaced, F32 [B, T], is 1 for those that were replaced, else 0. Padding does not count.</summary>
    public Tensor Loss(in EncoderInput input, Tensor replaced)
    {
        Tensor losses = Ops.BceWithLogits(Logits(input), replaced, reduction: Reduction.None);
        if (input.KeyPadding is not { } holds) return Ops.Mean(losses);
        Tensor counts = Ops.Cast(holds, DType.F32);
        return Ops.Sum(losses * counts) / Ops.Sum(counts);
    }
}

/// <summary>Classes of texts, or numbers for them; with one label on pairs of texts, a re-ranker ("cross-encoder").</summary>
public sealed class SequenceClassifier : EncoderModel
{
    private readonly EncoderHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    public SequenceClassifier(Encoder encoder) : base(encoder, encoder.Prefix) => _head = Head(EncoderTask.SequenceClassification, encoder.Config.Labels.Count);

    // Whether one sentence follows another: a classifier with two labels and the names of pre-training.
    internal SequenceClassifier(Encoder encoder, EncoderTask task) : base(encoder, encoder.Prefix) => _head = Head(task, 2);

    /// <summary>Scores of the labels, [B, L].</summary>
    public Tensor Logits(in EncoderInput input) => _head.Forward(Encoder, Hidden(input), input);

    /// <summary>The loss of the configuration's <see cref="ProblemType"/>.</summary>
    /// <param name="input">The texts.</param>
    /// <param name="labels">Classes, I32 or I64 [B]; or numbers, or 0 and 1 for each label, F32 [B, L] (for one label also [B]).</param>
    public Tensor Loss(in EncoderInput input, Tensor labels) => LossOf(Config.Problem, Logits(input), labels);

    /// <summary>The loss of a problem for scores [B, L].</summary>
    internal static Tensor LossOf(ProblemType problem, Tensor logits, Tensor labels)
    {
        bool classes = labels.DType is DType.I32 or DType.I64;
        if (problem == ProblemType.ByLabels) problem = logits.Size(1) == 1 ? ProblemType.Regression : classes ? ProblemType.OneOf : ProblemType.AnyOf;
        return problem switch
        {
            ProblemType.OneOf => Ops.CrossEntropy(logits, labels.View(-1)),
            ProblemType.AnyOf => Ops.BceWithLogits(logits, Numbers(labels).View(logits.Shape)),
            _ => Ops.MseLoss(logits, Numbers(labels).View(logits.Shape)),
        };
    }

    private static Tensor Numbers(Tensor labels) => labels.DType == DType.F32 ? labels : Ops.Cast(labels, DType.F32);
}

/// <summary>Classes of tokens, as for names of people and places.</summary>
public sealed class TokenClassifier : EncoderModel
{
    private readonly EncoderHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    public TokenClassifier(Encoder encoder) : base(encoder, encoder.Prefix) => _head = Head(EncoderTask.TokenClassification, encoder.Config.Labels.Count);

    /// <summary>Scores of the labels for every token, [B, T, L].</summary>
    public Tensor Logits(in EncoderInput input) => _head.Forward(Encoder, Hidden(input), input);

    /// <summary>Mean cross-entropy of the true classes, I32 or I64 [B, T]; −100 where none is asked for.</summary>
    public Tensor Loss(in EncoderInput input, Tensor labels) => _head.Loss(Encoder, Hidden(input), input, labels);
}

/// <summary>Finds where in a text the answer to a question begins and ends.</summary>
public sealed class QuestionAnswerer : EncoderModel
{
    private const int Nowhere = -100;

    private readonly EncoderHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    public QuestionAnswerer(Encoder encoder) : base(encoder, encoder.Prefix) => _head = Head(EncoderTask.QuestionAnswering, 2);

    /// <summary>Scores of every place as the first and as the last of the answer, each [B, T].</summary>
    public (Tensor Start, Tensor End) Logits(in EncoderInput input)
    {
        Tensor both = _head.Forward(Encoder, Hidden(input), input);
        return (Ops.Select(both, 2, 0), Ops.Select(both, 2, 1));
    }

    /// <summary>The mean of both cross-entropies over the places of the rows. Rows whose answer lies outside do not count.</summary>
    /// <param name="input">The texts, not packed.</param>
    /// <param name="starts">First place of each answer, I32 or I64 [B].</param>
    /// <param name="ends">Last place of each answer, I32 or I64 [B].</param>
    public Tensor Loss(in EncoderInput input, Tensor starts, Tensor ends)
    {
        (Tensor start, Tensor end) = Logits(input);
        return (Ops.CrossEntropy(start, Inside(starts, start.Size(1))) + Ops.CrossEntropy(end, Inside(ends, end.Size(1)))) * 0.5;
    }

    // Answers before the first place count as the first.
    private static Tensor Inside(Tensor places, int length)
    {
        int[] all = Array.ConvertAll(Ops.Cast(places, DType.I32).ToArray<int>(), place => place < length ? Math.Max(0, place) : Nowhere);
        return Tensor.From(all, all.Length);
    }
}

/// <summary>Chooses one of several texts.</summary>
public sealed class MultipleChoiceModel : EncoderModel
{
    private readonly EncoderHead _head;

    /// <summary>Creates the model with zeroed weights.</summary>
    public MultipleChoiceModel(Encoder encoder) : base(encoder, encoder.Prefix) => _head = Head(EncoderTask.MultipleChoice, 1);

    /// <summary>Scores of the choices.</summary>
    /// <param name="input">Texts, those of one question after each other.</param>
    /// <param name="choices">How many each question has.</param>
    /// <returns>[questions, choices].</returns>
    public Tensor Logits(in EncoderInput input, int choices) => _head.Forward(Encoder, Hidden(input), input).View(-1, choices);

    /// <summary>Mean cross-entropy of the right choices, I32 or I64 [questions].</summary>
    public Tensor Loss(in EncoderInput input, int choices, Tensor right) => Ops.CrossEntropy(Logits(input, choices), right);
}
