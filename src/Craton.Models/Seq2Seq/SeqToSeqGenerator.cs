using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>Answers texts, one at a time: token by token, or by a search of beams.</summary>
/// <param name="model">The model.</param>
public sealed class SeqToSeqGenerator(SeqToSeqModel model)
{
    /// <summary>An answer, token by token.</summary>
    /// <param name="source">The text's ids, with those that frame it.</param>
    /// <param name="options">How tokens are chosen, and the greatest length.</param>
    /// <param name="cancel">Ends the answer within one token.</param>
    /// <returns>Its ids behind the one that begins answers, with the one that ended it.</returns>
    /// <exception cref="CratonException">Text or answer do not fit the model, or an option is out of range.</exception>
    public IReadOnlyList<int> Answer(IReadOnlyList<int> source, SamplingOptions options, CancellationToken cancel = default)
    {
        Check(source, options);
        using var scope = TensorScope.Open("answer");
        SourceMemory memory = Read(source);
        KvCache cache = model.NewCache(1, options.MaxTokens);
        var sampler = new Sampler(options, model.Config.VocabSize, [model.Ids.Start], Ends);
        var answer = new List<int>();
        for (int token = model.Ids.Start; answer.Count < options.MaxTokens && !cancel.IsCancellationRequested;)
        {
            using var step = TensorScope.Open("token");
            token = sampler.Next(model.Logits(model.Hidden(Tensor.From([token], 1, 1), memory, cache: cache)).AsSpan<float>());
            answer.Add(token);
            if (token == model.Ids.End) break;
        }
        return answer;
    }

    /// <summary>The likeliest answers, best first.</summary>
    /// <param name="source">The text's ids, with those that frame it.</param>
    /// <param name="options">Greatest length, biases and penalties; nothing is drawn at random.</param>
    /// <param name="beams">How the search goes.</param>
    /// <param name="cancel">Ends the search within one token.</param>
    /// <exception cref="CratonException">Text or answer do not fit the model, or an option is out of range.</exception>
    public IReadOnlyList<Beam> Search(IReadOnlyList<int> source, SamplingOptions options, BeamOptions beams, CancellationToken cancel = default)
    {
        Check(source, options);
        using var scope = TensorScope.Open("answers");
        return BeamSearch.Run(new SeqToSeqBeams(model, Read(source), beams.Beams, options.MaxTokens), [model.Ids.Start], options, beams, Ends, cancel);
    }

    private int[] Ends => model.Ids.End is { } end ? [end] : [];

    private SourceMemory Read(IReadOnlyList<int> source) => model.Read(new EncoderInput(Tensor.From([.. source], 1, source.Count)));

    private void Check(IReadOnlyList<int> source, SamplingOptions options)
    {
        options.Validate();
        if (source.Count == 0) throw new CratonException("the text is empty, expected at least the token that ends it");
        foreach (int id in source)
            if (id < 0 || id >= model.Config.VocabSize) throw new CratonException($"text: token {id} is outside the model's {model.Config.VocabSize} ids; use the tokenizer that belongs to the model");
        if (options.MaxTokens > model.Config.Longest)
            throw new CratonException($"an answer of {options.MaxTokens} tokens is longer than the model's {model.Config.Longest} positions; ask for fewer");
    }
}

/// <summary>A model that answers a text, as a search sees it.</summary>
internal sealed class SeqToSeqBeams(SeqToSeqModel model, SourceMemory source, int rows, int capacity) : BeamModel(rows)
{
    private readonly SourceMemory _all = source.Select(new int[rows]);

    public override int Vocabulary => model.Config.VocabSize;

    protected override KvCache NewCache() => model.NewCache(1, capacity);

    protected override Tensor Scores(IReadOnlyList<IReadOnlyList<int>> texts, int from, KvCache cache)
    {
        Tensor hidden = model.Hidden(From(texts, from), texts.Count == 1 ? source : _all, cache: cache);
        return model.Logits(Ops.Select(hidden, 1, texts[0].Count - from - 1));
    }
}
