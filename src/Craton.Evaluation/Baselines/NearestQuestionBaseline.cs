using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Evaluation;

/// <summary>
/// Answers with the answer of the most similar training question: cosine of TF-IDF vectors over character 4-grams of the lower-cased
/// text with a space at each end. What a model must beat to have learnt more than to look up; the score on held-out questions also
/// shows how far these resemble the training set.
/// </summary>
/// <remarks>
/// The inverse document frequency is rounded to 1/256 so that dot products and squared norms are whole numbers: exact, whatever the
/// order of addition and the machine's logarithm. Memory: 8 bytes for each distinct 4-gram of each training question.
/// </remarks>
public sealed class NearestQuestionBaseline
{
    private const int GramLength = 4;
    private const double IdfScale = 256;

    private readonly record struct Posting(int Question, int Weight);

    private readonly string[] _answers;
    private readonly double[] _norms;
    private readonly Dictionary<ulong, (int Idf, List<Posting> Postings)> _index;

    private NearestQuestionBaseline(string[] answers, Dictionary<ulong, List<Posting>> counts)
    {
        _answers = answers;
        _index = new(counts.Count);
        var squares = new long[answers.Length];
        foreach ((ulong gram, List<Posting> postings) in counts)
        {
            int idf = (int)Math.Round(IdfScale * DeterministicMath.Log((1.0 + answers.Length) / (1.0 + postings.Count))) + (int)IdfScale;
            foreach (ref Posting posting in CollectionsMarshal.AsSpan(postings))
            {
                posting = posting with { Weight = posting.Weight * idf };
                squares[posting.Question] += (long)posting.Weight * posting.Weight;
            }
            _index.Add(gram, (idf, postings));
        }
        _norms = [.. squares.Select(s => Math.Sqrt(s))];
    }

    /// <summary>Indexes the training questions with the first answer of each.</summary>
    /// <exception cref="CratonException">There is no training question.</exception>
    public static NearestQuestionBaseline Train(IEnumerable<Question> questions)
    {
        var answers = new List<string>();
        var counts = new Dictionary<ulong, List<Posting>>();
        foreach (Question question in questions)
        {
            foreach ((ulong gram, int count) in Grams(question.Text))
            {
                ref List<Posting>? postings = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, gram, out _);
                (postings ??= []).Add(new Posting(answers.Count, count));
            }
            answers.Add(question.Answers[0]);
        }
        if (answers.Count == 0) throw new CratonException("The nearest-question baseline needs at least one training question, got none.");
        return new NearestQuestionBaseline([.. answers], counts);
    }

    /// <summary>The answer of the nearest training question; of those equally near, the first.</summary>
    public string Answer(string question)
    {
        var dots = new long[_answers.Length];
        foreach ((ulong gram, int count) in Grams(question))
        {
            if (!_index.TryGetValue(gram, out (int Idf, List<Posting> Postings) entry)) continue;
            long weight = (long)count * entry.Idf;
            foreach (Posting posting in CollectionsMarshal.AsSpan(entry.Postings)) dots[posting.Question] += weight * posting.Weight;
        }
        int best = 0;
        double nearest = 0; // the question's own norm is the same for all and left out
        for (int i = 0; i < dots.Length; i++)
        {
            if (dots[i] == 0 || dots[i] / _norms[i] <= nearest) continue;
            (best, nearest) = (i, dots[i] / _norms[i]);
        }
        return _answers[best];
    }

    /// <summary>The 4-grams of a text and how often each occurs; four UTF-16 units are one key.</summary>
    private static Dictionary<ulong, int> Grams(string text)
    {
        string padded = $" {text.ToLowerInvariant()} ";
        var grams = new Dictionary<ulong, int>();
        ulong gram = 0;
        for (int i = 0; i < padded.Length; i++)
        {
            gram = gram << 16 | padded[i];
            if (i >= GramLength - 1 || i == padded.Length - 1) CollectionsMarshal.GetValueRefOrAddDefault(grams, gram, out _)++;
        }
        return grams;
    }
}
