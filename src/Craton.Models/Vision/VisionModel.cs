using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>A model of images, or of images and texts, that lies in a directory.</summary>
public abstract class VisionModel : Module
{
    /// <summary>What it was read from; null for a model that was made here.</summary>
    public EncoderSource? Source { get; internal set; }

    /// <summary>The name in the files it was read from of one of its parameters.</summary>
    internal Func<string, string> StoredName { get; set; } = name => name;

    /// <summary>How files that hold these names name the parameters.</summary>
    protected internal virtual Func<string, string> NamesIn(IReadOnlyCollection<string> stored) => name => name;

    /// <summary>Whether files of this kind hold a matrix as [inputs, outputs].</summary>
    protected internal virtual bool IsStoredTransposed(string name) => false;

    /// <summary>Whether files may hold a tensor of this name that is no parameter: a table stored once more, or a mask.</summary>
    protected internal virtual bool IsCopy(string name) => false;

    /// <summary>How they do where all names may begin with a prefix.</summary>
    private protected static Func<string, string> MaybeAfter(string prefix, IReadOnlyCollection<string> stored) =>
        stored.Any(name => name.StartsWith(prefix + ".", StringComparison.Ordinal)) ? name => $"{prefix}.{name}" : name => name;
}

/// <summary>A reader of images alone.</summary>
public sealed class ImageModel : VisionModel
{
    /// <summary>Takes over an encoder.</summary>
    public ImageModel(ImageBackbone encoder) => Encoder = Inline(encoder);

    /// <summary>The encoder.</summary>
    public ImageBackbone Encoder { get; }

    /// <inheritdoc/>
    protected internal override Func<string, string> NamesIn(IReadOnlyCollection<string> stored) => MaybeAfter(Encoder.Prefix, stored);
}

/// <summary>Classes of images.</summary>
public sealed class ImageClassifier : VisionModel
{
    private readonly Linear _head;
    private readonly Linear? _taught;
    private readonly ProblemType _problem;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="read">The configuration, which names the classes.</param>
    /// <param name="taught">Whether a second head reads the encoder's second vector, which learned from a teacher (DeiT).</param>
    /// <param name="head">The checkpoint's name of the head.</param>
    public ImageClassifier(ImageBackbone encoder, ConfigReader read, bool taught = false, string head = "classifier")
    {
        Encoder = Child(encoder.Prefix, encoder);
        (Labels, _problem) = (EncoderConfig.LabelsOf(read), EncoderConfig.ProblemOf(read));
        _head = Child(taught ? "cls_classifier" : head, new Linear(encoder.FeatureWidth, Labels.Count, bias: true));
        if (taught) _taught = Child("distillation_classifier", new Linear(encoder.FeatureWidth, Labels.Count, bias: true));
    }

    /// <summary>The encoder.</summary>
    public ImageBackbone Encoder { get; }

    /// <summary>Names of the classes, in their order.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Scores of the classes, [N, L]: of two heads their mean.</summary>
    /// <inheritdoc cref="ImageBackbone.Hidden"/>
    public Tensor Logits(Tensor pixels, bool interpolate = false)
    {
        (Tensor own, Tensor? taught) = HeadLogits(Encoder.Hidden(pixels, interpolate));
        return taught is null ? own : (own + taught) * 0.5;
    }

    /// <summary>How probable each class is: of one class they are shares, of any classes each stands by itself.</summary>
    /// <param name="logits">Scores [N, L].</param>
    public Tensor Probabilities(Tensor logits) => _problem == ProblemType.AnyOf ? Ops.Sigmoid(logits) : Ops.Softmax(logits);

    /// <summary>Scores of each head for what the encoder gave, each [N, L]; null where there is no second one.</summary>
    public (Tensor Own, Tensor? Taught) HeadLogits(Tensor hidden) =>
        (_head.Forward(Encoder.Features(hidden)), _taught?.Forward(Ops.Select(hidden, 1, 1)));

    /// <summary>The loss of the configuration's <see cref="ProblemType"/>.</summary>
    /// <param name="pixels">Prepared images.</param>
    /// <param name="labels">Classes, I32 or I64 [N]; or numbers, or 0 and 1 for each label, F32 [N, L].</param>
    /// <exception cref="CratonException">The model has a second head, which learns from a teacher only.</exception>
    public Tensor Loss(Tensor pixels, Tensor labels) => _taught is null
        ? SequenceClassifier.LossOf(_problem, Logits(pixels), labels)
        : throw new CratonException("this model's second head learns from a teacher; train a DeiT of one head in its place");
}
