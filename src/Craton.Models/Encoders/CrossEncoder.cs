using Craton.Nn;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Encoders;

/// <summary>
/// Tells how well texts answer a query by reading each of them together with it (Nogueira, Cho 2019): slower than to compare vectors, and better, so
/// that it mostly puts the best few in order. It is a classifier of pairs with one label.
/// </summary>
public sealed class CrossEncoder
{
    private const int TokensAtOnce = 2048;

    private readonly Tokenizer _tokenizer;

    private CrossEncoder(SequenceClassifier model, Tokenizer tokenizer) => (Model, _tokenizer) = (model, tokenizer);

    /// <summary>The classifier.</summary>
    public SequenceClassifier Model { get; }

    /// <summary>Reads a directory.</summary>
    /// <exception cref="CratonException">It holds something else than a classifier with one label, or a file is damaged.</exception>
    public static CrossEncoder Load(string directory)
    {
        if (EncoderDirectory.Load(directory) is not SequenceClassifier { Config.Labels.Count: 1 } model)
            throw new CratonException($"'{directory}' is no model that ranks: expected a sequence classifier with one label");
        return new CrossEncoder(model, ModelDirectory.LoadTokenizer(directory));
    }

    /// <summary>Keeps the weights in the order in which inference reads them: quicker, and no longer for training or saving.</summary>
    public void PackWeights() => Model.Encoder.PackWeights();

    /// <summary>How well each text answers the query: any number, the greater the better. Its logistic function is a probability.</summary>
    public float[] Score(string query, IReadOnlyList<string> texts)
    {
        var options = new EncodeOptions { Truncation = new Truncation(Model.Config.Longest) };
        EncodedText[] pairs = [.. texts.Select(text => _tokenizer.EncodeText(query, text, options))];
        float[] scores = new float[pairs.Length];
        for (int first = 0, end; first < pairs.Length; first = end)
        {
            int tokens = pairs[first].Count;
            for (end = first + 1; end < pairs.Length && tokens + pairs[end].Count <= TokensAtOnce; end++) tokens += pairs[end].Count;
            using var scope = TensorScope.Open("pairs");
            EncodedText[] some = pairs[first..end];
            EncoderInput input = EncoderInput.Pack([.. some.Select(pair => pair.Ids.ToArray())], [.. some.Select(pair => pair.TypeIds.ToArray())]);
            Model.Logits(input).AsSpan<float>().CopyTo(scores.AsSpan(first));
        }
        return scores;
    }

    /// <summary>The texts that answer the query best, best first: their numbers and scores. Equal ones keep their order.</summary>
    /// <param name="query">The query.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="count">At most so many.</param>
    public IReadOnlyList<(int Index, float Score)> Rank(string query, IReadOnlyList<string> texts, int count = int.MaxValue) =>
        [.. Score(query, texts).Select((score, index) => (index, score)).OrderByDescending(pair => pair.score).Take(count)];
}
