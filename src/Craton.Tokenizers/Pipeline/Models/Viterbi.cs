namespace Craton.Tokenizers.Pipeline;

/// <summary>The best way through a word of tokens with scores (Viterbi 1967): the sum of the scores is as large as can be.</summary>
/// <param name="trie">The tokens; a value is an id.</param>
/// <param name="scores">Scores by id.</param>
/// <param name="unknown">The id for a character that is no token, or null where there is none.</param>
/// <param name="unknownScore">Its score.</param>
/// <param name="single">Sums are kept in single precision, as SentencePiece does.</param>
internal sealed class Viterbi(CodeTrie trie, double[] scores, int? unknown, double unknownScore, bool single = false)
{
    /// <summary>Appends the tokens; unknown characters that follow each other are one where they are to be joined.</summary>
    /// <exception cref="TokenizerException">A character is no token, and there is no unknown token.</exception>
    public void Encode(ReadOnlySpan<AlignedChar> word, List<ModelToken> result, bool joinsUnknown)
    {
        var best = new Node[word.Length + 1];
        for (int start = 0; start < word.Length; start++)
            Extend(word, start, best);

        int first = result.Count;
        for (int end = word.Length; end > 0; end = best[end].Start)
        {
            Node node = best[end];
            bool isUnknown = node.Id == unknown;
            if (isUnknown && joinsUnknown && result.Count > first && result[^1].Id == unknown)
                result[^1] = result[^1] with { Start = node.Start };
            else
                result.Add(new ModelToken(node.Id, node.Start, end) { ShowsText = isUnknown });
        }

        result.Reverse(first, result.Count - first);
    }

    /// <summary>Tries all tokens that begin at a place.</summary>
    private void Extend(ReadOnlySpan<AlignedChar> word, int start, Node[] best)
    {
        bool hasCharacter = false;
        int node = 0;
        double before = best[start].Score;
        for (int end = start; end < word.Length; end++)
        {
            node = trie.Step(node, word[end].Code);
            if (node < 0)
                break;
            int id = trie.Value(node);
            if (id == CodeTrie.None)
                continue;
            Offer(ref best[end + 1], start, id, scores[id] + before);
            hasCharacter |= end == start;
        }

        if (hasCharacter)
            return;
        int fallback = unknown ?? throw new TokenizerException(
            $"The vocabulary has no token for the character U+{word[start].Code:X4} and none for unknown text; use text that it covers.");
        Offer(ref best[start + 1], start, fallback, unknownScore + before);
    }

    private void Offer(ref Node best, int start, int id, double sum)
    {
        double total = single ? (float)sum : sum;
        if (!best.IsReached || total > best.Score)
            best = new Node(id, total, start, IsReached: true);
    }

    /// <summary>The best way to a place: its last token, its score, and where that token begins.</summary>
    private readonly record struct Node(int Id, double Score, int Start, bool IsReached);
}
