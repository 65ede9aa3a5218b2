using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Seq2Seq;

/// <summary>Answers a source that was read: token by token, or by a search of beams.</summary>
/// <param name="decoder">The decoder.</param>
public sealed class TargetGenerator(TargetDecoder decoder)
{
    /// <summary>An answer, token by token.</summary>
    /// <param name="source">What is answered, one row.</param>
    /// <param name="options">How tokens are chosen, and the greatest length.</param>
    /// <param name="prompt">The ids with which the answer begins; the one that begins all answers when null.</param>
    /// <param name="cancel">Ends the answer within one token.</param>
    /// <returns>Its ids behind the prompt, with the one that ended it.</returns>
    /// <exception cref="CratonException">Prompt and answer do not fit the model, or an option is out of range.</exception>
    public IReadOnlyList<int> Answer(SourceMemory source, SamplingOptions options, IReadOnlyList<int>? prompt = null, CancellationToken cancel = default)
    {
        int[] read = Prompt(prompt, options);
        using var scope = TensorScope.Open("answer");
        KvCache cache = decoder.NewCache(1, read.Length + options.MaxTokens);
        var sampler = new Sampler(options, decoder.Vocabulary, read, Ends);
        var answer = new List<int>();
        while (answer.Count < options.MaxTokens && !cancel.IsCancellationRequested)
        {
            using var step = TensorScope.Open("token");
            Tensor hidden = decoder.Hidden(Tensor.From(read, 1, read.Length), source, cache: cache);
            int token = sampler.Next(decoder.Logits(Ops.Select(hidden, 1, read.Length - 1)).AsSpan<float>());
            answer.Add(token);
            if (token == decoder.Ids.End) break;
            read = [token];
        }
        return answer;
    }

    /// <summary>The likeliest answers, best first.</summary>
    /// <param name="source">What is answered, one row.</param>
    /// <param name="options">Greatest length, biases and penalties; nothing is drawn at random.</param>
    /// <param name="beams">How the search goes.</param>
    /// <param name="prompt">The ids with which the answers begin; the one that begins all answers when null.</param>
    /// <param name="cancel">Ends the search within one token.</param>
    /// <exception cref="CratonException">Prompt and answer do not fit the model, or an option is out of range.</exception>
    public IReadOnlyList<Beam> Search(SourceMemory source, SamplingOptions options, BeamOptions beams, IReadOnlyList<int>? prompt = null, CancellationToken cancel = default)
    {
        int[] read = Prompt(prompt, options);
        using var scope = TensorScope.Open("answers");
        return BeamSearch.Run(new TargetBeams(decoder, source, beams.Beams, read.Length + options.MaxTokens), read, options, beams, Ends, cancel);
    }

    private int[] Ends => decoder.Ids.End is { } end ? [end] : [];

    private int[] Prompt(IReadOnlyList<int>? given, SamplingOptions options)
    {
        options.Validate();
        int[] prompt = given is null ? [decoder.Ids.Start] : [.. given];
        if (prompt.Length == 0) throw new CratonException("the beginning of an answer: expected at least the token that begins all of them, got none");
        foreach (int id in prompt)
            if (id < 0 || id >= decoder.Vocabulary) throw new CratonException($"the beginning of an answer: token {id} is outside the model's {decoder.Vocabulary} ids; use the tokenizer that belongs to the model");
        // The last token is not read any more.
        if (prompt.Length - 1L + options.MaxTokens > decoder.Longest)
            throw new CratonException($"an answer of {prompt.Length - 1L + options.MaxTokens} tokens is longer than the model's {decoder.Longest} positions; ask for fewer");
        return prompt;
    }
}

/// <summary>A decoder that answers a source, as a search sees it.</summary>
internal sealed class TargetBeams(TargetDecoder decoder, SourceMemory source, int rows, int capacity) : BeamModel(rows)
{
    private readonly SourceMemory _all = source.Select(new int[rows]);

    public override int Vocabulary => decoder.Vocabulary;

    protected override KvCache NewCache() => decoder.NewCache(1, capacity);

    protected override Tensor Scores(IReadOnlyList<IReadOnlyList<int>> texts, int from, KvCache cache)
    {
        Tensor hidden = decoder.Hidden(From(texts, from), texts.Count == 1 ? source : _all, cache: cache);
        return decoder.Logits(Ops.Select(hidden, 1, texts[0].Count - from - 1));
    }
}
