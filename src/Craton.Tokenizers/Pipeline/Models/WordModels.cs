using System.Text.Json;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Whole words.</summary>
internal sealed class WordLevelModel(string?[] tokens, string unknown) : TokenModel(tokens)
{
    public override string Type => "WordLevel";

    public override void Encode(ReadOnlySpan<AlignedChar> word, List<ModelToken> result) =>
        result.Add(new ModelToken(IdOf(AlignedText.TextOf(word)) ?? Unknown(unknown, word), 0, word.Length));

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", Type);
        WriteVocabulary(json);
        json.WriteString("unk_token", unknown);
    }
}

/// <summary>
/// The longest token that begins a word, then the longest that continues it, and so on (Schuster and Nakajima 2012); a word that
/// this cannot finish is unknown as a whole.
/// </summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly CodeTrie _trie = new();
    private readonly string _unknown, _prefix;
    private readonly int _longestWord, _continued;

    /// <summary>Creates the model.</summary>
    /// <param name="tokens">The tokens by id.</param>
    /// <param name="unknown">The token for unknown words.</param>
    /// <param name="prefix">What marks a token that continues a word.</param>
    /// <param name="longestWord">Longer words are unknown.</param>
    public WordPieceModel(string?[] tokens, string unknown, string prefix, int longestWord) : base(tokens)
    {
        (_unknown, _prefix, _longestWord) = (unknown, prefix, longestWord);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is { Length: > 0 } token)
                _trie.Add(token, id);
        }

        foreach (int code in AlignedText.CodesOf(prefix))
            _continued = _continued < 0 ? -1 : _trie.Step(_continued, code);
    }

    public override string Type => "WordPiece";

    public override void Encode(ReadOnlySpan<AlignedChar> word, List<ModelToken> result)
    {
        int before = result.Count;
        for (int start = 0; start < word.Length;)
        {
            int id = word.Length > _longestWord ? CodeTrie.None : Longest(word, start, out start);
            if (id == CodeTrie.None)
            {
                result.RemoveRange(before, result.Count - before);
                result.Add(new ModelToken(Unknown(_unknown, word), 0, word.Length));
                return;
            }

            int first = result.Count > before ? result[^1].End : 0;
            result.Add(new ModelToken(id, first, start));
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", Type);
        json.WriteString("unk_token", _unknown);
        json.WriteString("continuing_subword_prefix", _prefix);
        json.WriteNumber("max_input_chars_per_word", _longestWord);
        WriteVocabulary(json);
    }

    private int Longest(ReadOnlySpan<AlignedChar> word, int start, out int end)
    {
        (int found, int node) = (CodeTrie.None, start == 0 ? 0 : _continued);
        end = start;
        for (int i = start; i < word.Length && node >= 0; i++)
        {
            node = _trie.Step(node, word[i].Code);
            if (node >= 0 && _trie.Value(node) != CodeTrie.None)
                (found, end) = (_trie.Value(node), i + 1);
        }

        return found;
    }
}
