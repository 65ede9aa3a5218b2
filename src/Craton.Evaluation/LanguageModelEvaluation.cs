using System.Text;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Evaluation;

/// <summary>
/// A language model as evaluation sees it: for n tokens, the n − 1 values −ln p(token i | tokens before i), i = 1 … n − 1, in nats.
/// It is given at most <see cref="LanguageModelEvaluationOptions.Context"/> + 1 tokens and runs the model on all but the last.
/// </summary>
/// <param name="tokens">Ids [n].</param>
/// <returns>Nats [n − 1].</returns>
public delegate double[] TokenScorer(int[] tokens);

/// <summary>How a language model reads documents under evaluation.</summary>
/// <param name="Context">The most tokens the model can take at once.</param>
public sealed record LanguageModelEvaluationOptions(int Context)
{
    /// <summary>
    /// A document longer than the context is read in windows that advance by this many tokens, so each token but the first ones is
    /// predicted from at least <see cref="Context"/> − <see cref="Stride"/> + 1 tokens. Null: half the context. Smaller is slower and
    /// kinder to the model.
    /// </summary>
    public int? Stride { get; init; }

    /// <summary>
    /// Predicts the first token of a document. Null: the model does, from the end-of-text token put before it
    /// (<see cref="Craton.Data.TokenLoaderOptions.Begin"/>, or documents in one stretch). A model that was trained without either has
    /// never learnt a first token; give it this baseline (<see cref="UnigramBaseline.TrainFirstTokens"/>), so that its code stays complete.
    /// </summary>
    public UnigramBaseline? FirstToken { get; init; }
}

/// <summary>What a language model made of held-out documents.</summary>
/// <param name="BitsPerByte">Code length of all tokens and of the documents' ends, against the bytes of the texts.</param>
/// <param name="Tokens">Tokens predicted, the ends included.</param>
/// <param name="Documents">Documents.</param>
public sealed record LanguageModelScore(BitsPerByte BitsPerByte, long Tokens, long Documents)
{
    /// <summary>Mean negative log-likelihood of a token in nats; depends on the vocabulary, so it compares only models that share it.</summary>
    public double NatsPerToken => BitsPerByte.Bits * DeterministicMath.Ln2 / Tokens;

    /// <summary>e to the <see cref="NatsPerToken"/>.</summary>
    public double Perplexity => DeterministicMath.Exp(NatsPerToken);
}

/// <summary>Measures language models on held-out documents.</summary>
public static class LanguageModelEvaluation
{
    /// <summary>Bits per byte of a model, by the convention of <see cref="Evaluation.BitsPerByte"/>: every token of every document and its end-of-text.</summary>
    /// <param name="score">The model.</param>
    /// <param name="documents">Held-out texts.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">Context, stride and the first token.</param>
    /// <exception cref="CratonException">There is no text, the tokenizer has no end-of-text, a setting is out of range, or the model returned a value that is no probability.</exception>
    public static LanguageModelScore BitsPerByte(
        TokenScorer score, IEnumerable<string> documents, Tokenizer tokenizer, LanguageModelEvaluationOptions options)
    {
        int context = options.Context, stride = options.Stride ?? Math.Max(1, context / 2);
        if (context < 1 || stride < 1 || stride > context)
            throw new CratonException($"The stride must be 1 to the context, which must be at least 1, got stride {stride} and context {context}; half the context is usual.");
        int end = EndOf(tokenizer);
        double nats = 0;
        long bytes = 0, tokens = 0, count = 0;
        foreach (string document in documents)
        {
            bytes += Encoding.UTF8.GetByteCount(document);
            int[] ids = [end, .. tokenizer.Encode(document), end];
            if (options.FirstToken is null) nats += Nats(score, ids, context, stride);
            else nats += Nats(score, ids[1..], context, stride) - DeterministicMath.Log(options.FirstToken.Probability(ids[1]));
            tokens += ids.Length - 1;
            count++;
        }
        return new LanguageModelScore(Evaluation.BitsPerByte.Of(nats / DeterministicMath.Ln2, bytes), tokens, count);
    }

    /// <summary>Nats of all tokens of a sequence but its first.</summary>
    private static double Nats(TokenScorer score, int[] ids, int context, int stride)
    {
        double nats = 0;
        for (int start = 0, done = 1; done < ids.Length; start += stride)
        {
            int stop = Math.Min(start + context + 1, ids.Length);
            double[] window = score(ids[start..stop]);
            if (window.Length != stop - start - 1)
                throw new CratonException($"The scorer must return one value for each token but the first, {stop - start - 1} here, got {window.Length}; check the model's adapter.");
            for (; done < stop; done++)
            {
                double value = window[done - start - 1];
                if (!(value >= 0)) throw new CratonException($"The negative log-likelihood of a token must be at least 0, got {value} nats at token {done} of a document; check the model's weights.");
                nats += value;
            }
        }
        return nats;
    }

    internal static int EndOf(Tokenizer tokenizer) => tokenizer.EndOfText
        ?? throw new CratonException("The evaluation needs a token that ends a text, but the tokenizer names none; set its EosToken.");

    internal static IEnumerable<int[]> Encode(IEnumerable<string> documents, Tokenizer tokenizer)
    {
        int end = EndOf(tokenizer);
        return documents.Select(document => (int[])[.. tokenizer.Encode(document), end]);
    }
}
