using System.Text;

namespace Craton.Tokenizers.Bpe;

/// <summary>Two token ids, left and right, and the id they become together.</summary>
internal readonly record struct Merge(int Left, int Right, int Result);

/// <summary>What the bytes of an id mean.</summary>
internal enum TokenKind : byte
{
    /// <summary>The id has no token.</summary>
    None,

    /// <summary>A string of bytes of the model's vocabulary.</summary>
    Bytes,

    /// <summary>An entry of the model's vocabulary with characters outside the byte-level alphabet: no text encodes to it.</summary>
    Text,

    /// <summary>An added token that the model's vocabulary does not list.</summary>
    Added,
}

/// <summary>The bytes of every id in one flat buffer.</summary>
internal sealed class BpeVocabulary
{
    private readonly byte[] _bytes;
    private readonly int[] _starts;
    private readonly TokenKind[] _kinds;

    private BpeVocabulary(byte[] bytes, int[] starts, TokenKind[] kinds) => (_bytes, _starts, _kinds) = (bytes, starts, kinds);

    /// <summary>One past the largest id.</summary>
    public int Count => _kinds.Length;

    /// <summary>Builds a vocabulary from the bytes of the model's ids (null: no token) and the added tokens.</summary>
    public static BpeVocabulary Create(IReadOnlyList<byte[]?> model, IEnumerable<AddedToken> added) =>
        Create(model.Select(bytes => (bytes is null ? TokenKind.None : TokenKind.Bytes, bytes)), added);

    /// <summary>Builds a vocabulary from the spellings of the model's ids in the byte-level alphabet (null: no token).</summary>
    public static BpeVocabulary Create(IReadOnlyList<string?> model, IEnumerable<AddedToken> added) =>
        Create(
            model.Select(token => token is null ? (TokenKind.None, null)
                : ByteLevelAlphabet.TryToBytes(token, out byte[] bytes) ? (TokenKind.Bytes, bytes)
                : (TokenKind.Text, Encoding.UTF8.GetBytes(token))),
            added);

    /// <summary>What the bytes of an id mean.</summary>
    public TokenKind KindOf(int id) => _kinds[id];

    /// <summary>The bytes of an id.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>How the model's vocabulary spells an id.</summary>
    public string SpellingOf(int id) =>
        _kinds[id] == TokenKind.Bytes ? ByteLevelAlphabet.ToSymbols(BytesOf(id)) : Encoding.UTF8.GetString(BytesOf(id));

    /// <summary>The same vocabulary with more added tokens.</summary>
    public BpeVocabulary With(IEnumerable<AddedToken> added) =>
        Create(Enumerable.Range(0, Count).Select(id => (KindOf(id), (byte[]?)BytesOf(id).ToArray())), added);

    private static BpeVocabulary Create(IEnumerable<(TokenKind Kind, byte[]? Bytes)> model, IEnumerable<AddedToken> added)
    {
        List<(TokenKind Kind, byte[]? Bytes)> tokens = [.. model];
        foreach (AddedToken token in added)
        {
            while (tokens.Count <= token.Id)
                tokens.Add((TokenKind.None, null));
            if (tokens[token.Id].Kind == TokenKind.None)
                tokens[token.Id] = (TokenKind.Added, ByteLevelAlphabet.Decode(token.Content));
        }

        var starts = new int[tokens.Count + 1];
        for (int id = 0; id < tokens.Count; id++)
            starts[id + 1] = checked(starts[id] + (tokens[id].Bytes?.Length ?? 0));
        var bytes = new byte[starts[^1]];
        for (int id = 0; id < tokens.Count; id++)
            tokens[id].Bytes?.CopyTo(bytes, starts[id]);
        return new BpeVocabulary(bytes, starts, [.. tokens.Select(t => t.Kind)]);
    }
}
