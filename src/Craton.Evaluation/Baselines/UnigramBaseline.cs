using System.Text;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Evaluation;

/// <summary>
/// Predicts each token by how often it occurred in training and by nothing else: what a model's tokenizer achieves without the model.
/// Frequencies are smoothed by adding one (Laplace), so that every token has a probability.
/// </summary>
public sealed class UnigramBaseline
{
    private readonly Tokenizer _tokenizer;
    private readonly int _end;
    private readonly long[] _counts;
    private long _total;

    /// <summary>Creates a baseline that has seen nothing yet: every token is equally likely.</summary>
    /// <exception cref="CratonException">The tokenizer has no token that ends a text.</exception>
    public UnigramBaseline(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _end = LanguageModelEvaluation.EndOf(tokenizer);
        _counts = new long[tokenizer.VocabularySize];
    }

    /// <summary>Counts all tokens of training documents and their ends.</summary>
    public static UnigramBaseline Train(IEnumerable<string> documents, Tokenizer tokenizer)
    {
        var baseline = new UnigramBaseline(tokenizer);
        foreach (int[] tokens in LanguageModelEvaluation.Encode(documents, tokenizer)) baseline.Add(tokens);
        return baseline;
    }

    /// <summary>Counts only the first token of each training document; see <see cref="LanguageModelEvaluationOptions.FirstToken"/>.</summary>
    public static UnigramBaseline TrainFirstTokens(IEnumerable<string> documents, Tokenizer tokenizer)
    {
        var baseline = new UnigramBaseline(tokenizer);
        foreach (int[] tokens in LanguageModelEvaluation.Encode(documents, tokenizer)) baseline.Add(tokens.AsSpan(0, 1));
        return baseline;
    }

    /// <summary>Counts tokens.</summary>
    /// <exception cref="IndexOutOfRangeException">An id is outside the vocabulary.</exception>
    public void Add(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens) _counts[token]++;
        _total += tokens.Length;
    }

    /// <summary>The smoothed frequency of a token.</summary>
    public double Probability(int token) => (_counts[token] + 1.0) / (_total + _counts.Length);

    /// <summary>Code length of documents and of their ends.</summary>
    /// <exception cref="CratonException">There is no text.</exception>
    public BitsPerByte Measure(IEnumerable<string> documents)
    {
        var length = new CodeLength();
        long bytes = 0;
        var ids = new List<int>();
        foreach (string document in documents)
        {
            bytes += Encoding.UTF8.GetByteCount(document);
            ids.Clear();
            _tokenizer.Encode(document, ids);
            foreach (int id in ids) length.Add(Probability(id));
            length.Add(Probability(_end));
        }
        return BitsPerByte.Of(length.Bits, bytes);
    }
}
