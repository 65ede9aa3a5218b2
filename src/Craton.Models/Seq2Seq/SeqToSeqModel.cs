using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>An encoder that reads a text and a decoder that answers it (Vaswani et al. 2017).</summary>
public abstract class SeqToSeqModel : TargetDecoder
{
    /// <summary>The encoder.</summary>
    public abstract Encoder Encoder { get; }

    /// <summary>The shape of the model.</summary>
    public EncoderConfig Config => Encoder.Config;

    /// <inheritdoc/>
    public override int Vocabulary => Config.VocabSize;

    /// <inheritdoc/>
    public override int Longest => Config.Longest;

    /// <summary>What it was read from; null for a model that was made here.</summary>
    public EncoderSource? Source { get; internal set; }

    /// <summary>Reads texts, as rows: what answers are made from.</summary>
    public SourceMemory Read(in EncoderInput source)
    {
        if (source.Lengths is not null) throw new CratonException("texts to answer: expected rows of one length with padding, got packed texts");
        return Remember(Encoder.Hidden(source), source.KeyPadding);
    }

    /// <summary>Mean cross-entropy, in nats, of answers that are given.</summary>
    /// <param name="source">The texts.</param>
    /// <param name="labels">Tokens of the answers, I32 [B, T]; −100 where none is asked for.</param>
    public Tensor Loss(in EncoderInput source, Tensor labels) => Loss(Read(source), Shift(labels), labels);
}
