using System.Text;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers.Training;

/// <summary>
/// Trains a unigram language model (Kudo 2018): begins with many substrings, then in turn estimates their probabilities
/// (expectation and maximisation with a sparse prior) and drops those that the likelihood of the text needs least.
/// </summary>
internal sealed class UnigramTrainer
{
    private const double UnknownPenalty = 10, LeastExpected = 0.5, PenaltyStep = 0.0001;

    private readonly VocabularyTrainerOptions _options;
    private readonly int[][] _words;
    private readonly long[] _counts;
    private readonly int _size;

    /// <summary>Starts from words and how often each was seen.</summary>
    /// <exception cref="TokenizerException">The options contradict each other.</exception>
    public UnigramTrainer(List<(string Word, long Count)> words, VocabularyTrainerOptions options)
    {
        if (options.ShrinkingFactor is not (> 0 and < 1) || options.SubIterations < 1 || options.MaxPieceLength < 1)
        {
            throw new TokenizerException(
                $"ShrinkingFactor is {options.ShrinkingFactor}, SubIterations {options.SubIterations} and MaxPieceLength {options.MaxPieceLength};"
                + " expected a factor between 0 and 1 and counts of at least 1.");
        }

        _options = options;
        _words = SubstringCounter.Codes(words.Select(w => w.Word));
        _counts = [.. words.Select(w => w.Count)];
        _size = options.VocabularySize - options.SpecialTokens.Count;
        int characters = RequiredCharacters().Count;
        if (characters > _size)
        {
            throw new TokenizerException(
                $"VocabularySize is {options.VocabularySize}, but the text has {characters} different characters and there are"
                + $" {options.SpecialTokens.Count} special tokens; ask for more.");
        }
    }

    /// <summary>Trains; the pieces with their log probabilities, the best first.</summary>
    public List<(string Piece, double Score)> Run()
    {
        List<UnigramPiece> pieces = Seeds();
        int target = _options.VocabularySize * 11 / 10;
        while (pieces.Count > 0)
        {
            for (int i = 0; i < _options.SubIterations; i++)
                pieces = Maximise(pieces, new UnigramLattice(pieces, UnknownScore(pieces)).Expect(_words, _counts));
            // The reference counts the unknown piece, too.
            if (pieces.Count + 1 < target)
                break;
            List<UnigramPiece> kept = Prune(pieces, target);
            if (kept.Count >= pieces.Count)
                break;
            pieces = kept;
        }

        return Finish(pieces);
    }

    /// <summary>All characters, then the repeated substrings that cover most.</summary>
    private List<UnigramPiece> Seeds()
    {
        var characters = new Dictionary<int, long>();
        for (int w = 0; w < _words.Length; w++)
        {
            foreach (int c in _words[w])
                characters[c] = characters.GetValueOrDefault(c) + _counts[w];
        }

        List<UnigramPiece> seeds =
            [.. characters.OrderByDescending(c => c.Value).ThenByDescending(c => c.Key).Select(c => new UnigramPiece([c.Key], c.Value))];
        List<(int[] Text, int Count)> repeated = SubstringCounter.Repeated(_words, _options.MaxPieceLength);
        repeated.Sort((a, b) => a.Count * a.Text.Length != b.Count * b.Text.Length
            ? (b.Count * b.Text.Length).CompareTo(a.Count * a.Text.Length) : b.Text.AsSpan().SequenceCompareTo(a.Text));
        seeds.AddRange(repeated.Take(Math.Max(0, _options.SeedSize - seeds.Count)).Select(r => new UnigramPiece(r.Text, (double)r.Count * r.Text.Length)));
        double total = TrainingMath.Log(Math.Max(1, seeds.Sum(s => s.Score)));
        return seeds.ConvertAll(s => s with { Score = TrainingMath.Log(s.Score) - total });
    }

    private static double UnknownScore(List<UnigramPiece> pieces) => pieces.Select(p => p.Score).DefaultIfEmpty().Min() - UnknownPenalty;

    /// <summary>New scores from expected counts; what is hardly expected at all is dropped.</summary>
    private static List<UnigramPiece> Maximise(List<UnigramPiece> pieces, double[] expected)
    {
        var kept = new List<UnigramPiece>(pieces.Count);
        double sum = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            if (expected[i] < LeastExpected)
                continue;
            kept.Add(pieces[i] with { Score = expected[i] });
            sum += expected[i];
        }

        double total = kept.Count == 0 ? 0 : TrainingMath.Digamma(sum);
        return kept.ConvertAll(p => p with { Score = TrainingMath.Digamma(p.Score) - total });
    }

    /// <summary>Drops the pieces whose next best spelling costs least.</summary>
    private List<UnigramPiece> Prune(List<UnigramPiece> pieces, int target)
    {
        var lattice = new UnigramLattice(pieces, UnknownScore(pieces));
        double[] frequency = lattice.CountBest(_words, _counts);
        double sum = frequency.Sum(), words = _counts.Sum(), logSum = TrainingMath.Log(sum);
        var kept = new List<UnigramPiece>();
        var candidates = new List<(int Id, double Loss)>();
        for (int id = 0; id < pieces.Count; id++)
        {
            (bool keeps, int[] alternatives) = lattice.Alternatives(pieces[id].Text);
            if (frequency[id] == 0 && !keeps)
                continue;
            if (alternatives.Length == 0)
            {
                kept.Add(pieces[id]);
                continue;
            }

            if (frequency[id] == 0)
                continue;
            // As the reference has it: by the number of all pieces, not of those that take this one's place.
            double logAfter = TrainingMath.Log(sum + frequency[id] * pieces.Count);
            double after = alternatives.Sum(a => TrainingMath.Log(frequency[a] + frequency[id]) - logAfter);
            candidates.Add((id, frequency[id] / words * (TrainingMath.Log(frequency[id]) - logSum - after)));
        }

        int size = Math.Max(target, (int)((pieces.Count + 1) * _options.ShrinkingFactor)) - 1;
        kept.AddRange(candidates.OrderByDescending(c => c.Loss).Take(Math.Max(0, size - kept.Count)).Select(c => pieces[c.Id]));
        return kept;
    }

    /// <summary>All characters, whatever became of them, then the best of the rest.</summary>
    private List<(string Piece, double Score)> Finish(List<UnigramPiece> pieces)
    {
        Dictionary<string, double> scores = pieces.ToDictionary(p => p.ToString(), p => p.Score, StringComparer.Ordinal);
        double least = scores.Values.DefaultIfEmpty().Min();
        var result = new List<(string Piece, double Score)>();
        int missing = 0;
        foreach (int c in RequiredCharacters())
        {
            string character = new Rune(c).ToString();
            result.Add((character, scores.TryGetValue(character, out double score) ? score : least + PenaltyStep * missing++));
        }

        var inserted = new HashSet<string>(result.Select(r => r.Piece).Concat(_options.SpecialTokens), StringComparer.Ordinal);
        result.AddRange(pieces.Select(p => (p.ToString(), p.Score)).Where(p => inserted.Add(p.Item1)).Take(_size - result.Count));
        return [.. result.OrderByDescending(r => r.Score)];
    }

    private SortedSet<int> RequiredCharacters() =>
        [.. _words.SelectMany(w => w), .. _options.InitialAlphabet.EnumerateRunes().Select(r => r.Value)];
}

/// <summary>A piece and its log probability.</summary>
internal sealed record UnigramPiece(int[] Text, double Score)
{
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (int code in Text)
            text.Append(new Rune(code).ToString());
        return text.ToString();
    }
}
