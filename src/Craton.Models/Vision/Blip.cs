using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>BLIP (Li et al. 2022, "Bootstrapping Language-Image Pre-training") as a writer of captions.</summary>
public sealed class BlipCaptioner : ImageCaptioner
{
    private readonly BlipDecoder _decoder;

    /// <summary>Creates the model with zeroed weights.</summary>
    public BlipCaptioner(BlipVision vision, BlipTextConfig text)
    {
        Vision = Child(vision.Prefix, vision);
        _decoder = Child("text_decoder", new BlipDecoder(text));
    }

    /// <summary>The encoder of images.</summary>
    public BlipVision Vision { get; }

    /// <inheritdoc/>
    public override TargetDecoder Decoder => _decoder;

    /// <summary>The model that a <c>config.json</c> describes.</summary>
    public static BlipCaptioner Create(ConfigReader read)
    {
        var vision = new BlipVision(BlipVision.Read(read.Part("vision_config")));
        return new BlipCaptioner(vision, new BlipTextConfig(read.Part("text_config"), vision.Config.Width));
    }

    /// <inheritdoc/>
    public override SourceMemory Look(Tensor pixels) => Decoder.Remember(Vision.Hidden(pixels));

    /// <summary>Mean cross-entropy, in nats, of captions that are given: each place names the label of the next one.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W].</param>
    /// <param name="ids">Tokens of the captions, I32 [N, T], the first of them <see cref="TargetIds.Start"/>.</param>
    /// <param name="labels">The tokens that are asked for, I32 [N, T]: those of the captions, −100 where none is.</param>
    public Tensor Loss(Tensor pixels, Tensor ids, Tensor labels)
    {
        int last = ids.Size(1) - 1;
        return Decoder.Loss(Look(pixels), Ops.Contiguous(ids.Slice(1, 0, last)), labels.Slice(1, 1));
    }

    /// <inheritdoc/>
    protected internal override bool IsCopy(string name) => IsTiedCopy(name);

    // The head stored once more.
    internal static bool IsTiedCopy(string name) => name.StartsWith("text_decoder.cls.predictions.decoder.", StringComparison.Ordinal);
}

/// <summary>BLIP as one who answers questions about images: a second reader of texts reads the question while it looks at the image.</summary>
public sealed class BlipAnswerer : VisionModel
{
    private readonly BlipText _questions;
    private readonly BlipDecoder _decoder;

    /// <summary>Creates the model with zeroed weights.</summary>
    public BlipAnswerer(BlipVision vision, BlipTextConfig text)
    {
        Vision = Child(vision.Prefix, vision);
        _questions = Child("text_encoder", new BlipText(text));
        _decoder = Child("text_decoder", new BlipDecoder(text));
        LongestQuestion = text.Longest;
    }

    /// <summary>The encoder of images.</summary>
    public BlipVision Vision { get; }

    /// <summary>Writes the answer.</summary>
    public TargetDecoder Decoder => _decoder;

    /// <summary>Most tokens of a question.</summary>
    public int LongestQuestion { get; }

    /// <summary>The model that a <c>config.json</c> describes.</summary>
    public static BlipAnswerer Create(ConfigReader read)
    {
        var vision = new BlipVision(BlipVision.Read(read.Part("vision_config")));
        var text = new BlipTextConfig(read.Part("text_config"), vision.Config.Width);
        // The decoder, whose layers are made for vectors of images, looks at those of questions.
        if (text.Width != text.SourceWidth)
            throw new CratonException($"{read.File}: text_config.hidden_size is {text.Width}, expected {text.SourceWidth} as in vision_config");
        return new BlipAnswerer(vision, text);
    }

    /// <summary>Reads questions about images: what answers are made from.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W].</param>
    /// <param name="questions">Token ids of the questions, I32 [N, T].</param>
    /// <param name="padding">Which places hold a token, Bool [N, T]; all when null.</param>
    /// <exception cref="CratonException">A question is longer than <see cref="LongestQuestion"/>.</exception>
    public SourceMemory Read(Tensor pixels, Tensor questions, Tensor? padding = null)
    {
        int tokens = questions.Size(1);
        if (tokens > LongestQuestion) throw new CratonException($"a question of {tokens} tokens is longer than the model's {LongestQuestion} positions; shorten it");
        SourceMemory image = SourceMemory.Of(Vision.Hidden(pixels), null, _questions.Blocks);
        var pass = new TargetPass(tokens, image, padding, cache: null) { SeesAhead = true };
        Tensor x = _questions.Embed(questions, pass);
        foreach (TargetBlock block in _questions.Blocks) x = block.Forward(x, pass);
        return Decoder.Remember(x, padding);
    }

    /// <summary>Mean cross-entropy, in nats, of answers that are given: each place names the label of the next one.</summary>
    /// <param name="source">What <see cref="Read"/> gave.</param>
    /// <param name="ids">Tokens of the answers, I32 [N, T], the first of them <see cref="TargetIds.Start"/>.</param>
    /// <param name="labels">The tokens that are asked for, I32 [N, T]: those of the answers, −100 where none is.</param>
    public Tensor Loss(SourceMemory source, Tensor ids, Tensor labels) =>
        Decoder.Loss(source, Ops.Contiguous(ids.Slice(1, 0, ids.Size(1) - 1)), labels.Slice(1, 1));

    /// <inheritdoc/>
    protected internal override bool IsCopy(string name) => BlipCaptioner.IsTiedCopy(name);
}
