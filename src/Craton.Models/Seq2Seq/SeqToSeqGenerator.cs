using Craton.Models.Encoders;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>Answers texts, one at a time: token by token, or by a search of beams.</summary>
/// <param name="model">The model.</param>
public sealed class SeqToSeqGenerator(SeqToSeqModel model)
{
    private readonly TargetGenerator _generator = new(model);

    /// <summary>An answer, token by token.</summary>
    /// <param name="source">The text's ids, with those that frame it.</param>
    /// <param name="options">How tokens are chosen, and the greatest length.</param>
    /// <param name="cancel">Ends the answer within one token.</param>
    /// <returns>Its ids behind the one that begins answers, with the one that ended it.</returns>
    /// <exception cref="CratonException">Text or answer do not fit the model, or an option is out of range.</exception>
    public IReadOnlyList<int> Answer(IReadOnlyList<int> source, SamplingOptions options, CancellationToken cancel = default)
    {
        using var scope = TensorScope.Open("source");
        return _generator.Answer(Read(source), options, cancel: cancel);
    }

    /// <summary>The likeliest answers, best first.</summary>
    /// <param name="source">The text's ids, with those that frame it.</param>
    /// <param name="options">Greatest length, biases and penalties; nothing is drawn at random.</param>
    /// <param name="beams">How the search goes.</param>
    /// <param name="cancel">Ends the search within one token.</param>
    /// <exception cref="CratonException">Text or answer do not fit the model, or an option is out of range.</exception>
    public IReadOnlyList<Beam> Search(IReadOnlyList<int> source, SamplingOptions options, BeamOptions beams, CancellationToken cancel = default)
    {
        using var scope = TensorScope.Open("source");
        return _generator.Search(Read(source), options, beams, cancel: cancel);
    }

    private SourceMemory Read(IReadOnlyList<int> source)
    {
        if (source.Count == 0) throw new CratonException("the text is empty, expected at least the token that ends it");
        foreach (int id in source)
            if (id < 0 || id >= model.Config.VocabSize) throw new CratonException($"text: token {id} is outside the model's {model.Config.VocabSize} ids; use the tokenizer that belongs to the model");
        return model.Read(new EncoderInput(Tensor.From([.. source], 1, source.Count)));
    }
}
