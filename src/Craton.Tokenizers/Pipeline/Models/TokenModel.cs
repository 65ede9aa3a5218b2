using System.Text.Json;

namespace Craton.Tokenizers.Pipeline;

/// <summary>A token of a word, and which characters of the word it stands for.</summary>
internal readonly record struct ModelToken(int Id, int Start, int End)
{
    /// <summary>The token is the unknown one, shown as the characters that it stands for.</summary>
    public bool ShowsText { get; init; }
}

/// <summary>A vocabulary with a rule how words are made of its tokens.</summary>
/// <param name="tokens">The tokens by id; null where an id has none.</param>
internal abstract class TokenModel(string?[] tokens)
{
    private readonly Dictionary<string, int> _ids = Index(tokens);

    /// <summary>Its name in tokenizer files.</summary>
    public abstract string Type { get; }

    /// <summary>The tokens by id.</summary>
    public string?[] Tokens => tokens;

    /// <summary>Makes a word of tokens and appends them.</summary>
    public abstract void Encode(ReadOnlySpan<AlignedChar> word, List<ModelToken> result);

    /// <summary>Writes the fields of the <c>model</c> in a tokenizer file.</summary>
    public abstract void Write(Utf8JsonWriter json);

    /// <summary>The id of a token, or null.</summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>Writes a vocabulary of tokens and ids.</summary>
    protected void WriteVocabulary(Utf8JsonWriter json)
    {
        json.WriteStartObject("vocab");
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is { } token)
                json.WriteNumber(token, id);
        }

        json.WriteEndObject();
    }

    /// <summary>The id for what the vocabulary cannot express.</summary>
    /// <exception cref="TokenizerException">There is none.</exception>
    protected int Unknown(string? token, ReadOnlySpan<AlignedChar> word) => (token is null ? null : IdOf(token))
        ?? throw new TokenizerException(
            $"The vocabulary cannot express the character U+{(word.IsEmpty ? 0 : word[0].Code):X4} and has no token for unknown text;"
            + " use text that it covers, or a tokenizer with an unknown token.");

    private static Dictionary<string, int> Index(string?[] tokens)
    {
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is { } token)
                ids[token] = id;
        }

        return ids;
    }
}

/// <summary>A trie over code points.</summary>
internal sealed class CodeTrie
{
    /// <summary>What a node has where no key ends.</summary>
    public const int None = -1;

    private readonly Dictionary<long, int> _edges = [];
    private readonly List<int> _values = [None];

    /// <summary>Adds a key; a later one with the same characters wins.</summary>
    public void Add(string key, int value) => Add(AlignedText.CodesOf(key), value);

    /// <summary>Adds a key given as code points.</summary>
    public void Add(int[] key, int value)
    {
        int node = 0;
        foreach (int code in key)
        {
            if (!_edges.TryGetValue(Edge(node, code), out int next))
            {
                next = _values.Count;
                _values.Add(None);
                _edges.Add(Edge(node, code), next);
            }

            node = next;
        }

        _values[node] = value;
    }

    /// <summary>The node behind another one, or -1. The root is 0.</summary>
    public int Step(int node, int code) => _edges.GetValueOrDefault(Edge(node, code), -1);

    /// <summary>The value of the key that ends at a node.</summary>
    public int Value(int node) => _values[node];

    private static long Edge(int node, int code) => (long)node << 21 | (uint)code;
}
