using System.Text;

namespace Craton.Tokenizers.Training;

/// <summary>
/// The tokens that merging begins with, and the words as sequences of them: special tokens, the characters in code point order, then
/// the characters with the marks of their place in a word, in code point order too.
/// </summary>
internal sealed class TrainingAlphabet
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <summary>Collects the alphabet of words.</summary>
    /// <param name="words">The words and how often each was seen.</param>
    /// <param name="options">Special tokens, and which characters to keep.</param>
    /// <param name="prefix">The mark of a character that does not begin a word.</param>
    /// <param name="suffix">The mark of a character that ends a word.</param>
    public TrainingAlphabet(List<(string Word, long Count)> words, VocabularyTrainerOptions options, string prefix, string suffix)
    {
        foreach (string token in options.SpecialTokens)
            Add(token);
        HashSet<int> kept = Characters(words, options);
        foreach (int c in kept.Order())
            Add(new Rune(c).ToString());

        // Characters that are not kept are left out, and those around them become neighbours.
        List<(List<string> Symbols, long Count)> spelt =
            words.ConvertAll(w => (Spell(w.Word, kept, prefix, suffix), w.Count));
        foreach (string symbol in spelt.SelectMany(s => s.Symbols).Distinct().OrderBy(CodePoint).ThenBy(s => s, StringComparer.Ordinal))
            Add(symbol);

        var symbols = new List<int>();
        var pieces = new List<(int Start, int Length, long Count)>();
        foreach ((List<string> word, long count) in spelt)
        {
            pieces.Add((symbols.Count, word.Count, count));
            symbols.AddRange(word.Select(s => _ids[s]));
        }

        Pieces = new TrainingPieces([.. symbols], [.. pieces]);

        int CodePoint(string symbol) => Rune.GetRuneAt(symbol, symbol.StartsWith(prefix, StringComparison.Ordinal) && symbol.Length > prefix.Length ? prefix.Length : 0).Value;
    }

    /// <summary>The tokens by id.</summary>
    public List<string> Tokens { get; } = [];

    /// <summary>The words.</summary>
    public TrainingPieces Pieces { get; }

    private static HashSet<int> Characters(List<(string Word, long Count)> words, VocabularyTrainerOptions options)
    {
        var counts = new Dictionary<int, long>();
        foreach ((string word, long count) in words)
        {
            foreach (Rune rune in word.EnumerateRunes())
                counts[rune.Value] = counts.GetValueOrDefault(rune.Value) + count;
        }

        foreach (Rune rune in options.InitialAlphabet.EnumerateRunes())
            counts[rune.Value] = long.MaxValue;
        return [.. counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key).Take(options.AlphabetLimit ?? counts.Count).Select(c => c.Key)];
    }

    private static List<string> Spell(string word, HashSet<int> kept, string prefix, string suffix)
    {
        Rune[] runes = [.. word.EnumerateRunes()];
        var symbols = new List<string>(runes.Length);
        for (int i = 0; i < runes.Length; i++)
        {
            if (kept.Contains(runes[i].Value))
                symbols.Add((i > 0 ? prefix : "") + runes[i] + (i == runes.Length - 1 ? suffix : ""));
        }

        return symbols;
    }

    private void Add(string token)
    {
        if (_ids.TryAdd(token, Tokens.Count))
            Tokens.Add(token);
    }
}
