using Craton.Inference.Constraints.Automata;
using Craton.Tokenizers;

namespace Craton.Inference.Constraints;

/// <summary>
/// The tokens of a model as a constraint sees them: the bytes of each. Special tokens have none and so are never part of a text; those
/// that end it are known apart. Immutable, made once for a model.
/// </summary>
public sealed class ConstraintVocabulary
{
    private readonly bool[] _alone = new bool[256];

    /// <summary>Reads the tokens of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="endOfText">Ids that end a text; null: the tokenizer's <see cref="Tokenizer.EndOfText"/>, where it has one.</param>
    /// <param name="size">Number of scores the model gives, where it has more than tokens; the rest is never allowed.</param>
    public ConstraintVocabulary(Tokenizer tokenizer, IEnumerable<int>? endOfText = null, int size = 0)
        : this(ReadTokens(tokenizer), endOfText ?? (tokenizer.EndOfText is int id ? [id] : []), size)
    {
    }

    /// <summary>Takes tokens as they are.</summary>
    /// <param name="tokens">The bytes of each id; none for a special token.</param>
    /// <param name="endOfText">Ids that end a text.</param>
    /// <param name="size">Number of scores the model gives, where it has more than tokens.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id that ends a text is outside the vocabulary.</exception>
    public ConstraintVocabulary(IReadOnlyList<byte[]> tokens, IEnumerable<int> endOfText, int size = 0)
    {
        Size = Math.Max(size, tokens.Count);
        EndOfText = [.. endOfText];
        byte[][] bytes = [.. tokens];
        foreach (int id in EndOfText)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(endOfText));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Size, nameof(endOfText));
            if (id < bytes.Length)
                bytes[id] = [];
        }

        Tokens = bytes;
        Trie = new TokenTrie(bytes);
        foreach (byte[] token in bytes.Where(t => t.Length == 1))
            _alone[token[0]] = true;
    }

    /// <summary>Number of ids: a mask has a bit for each.</summary>
    public int Size { get; }

    /// <summary>The ids that end a text.</summary>
    public IReadOnlyList<int> EndOfText { get; }

    internal IReadOnlyList<byte[]> Tokens { get; }

    internal TokenTrie Trie { get; }

    /// <summary>
    /// A token consists of this byte alone. Texts are built of such bytes, so that whatever was begun can be completed; tokenizers with a
    /// byte-level alphabet or byte fallback have all of them.
    /// </summary>
    internal bool HasByte(byte value) => _alone[value];

    private static byte[][] ReadTokens(Tokenizer tokenizer)
    {
        var tokens = new byte[tokenizer.VocabularySize][];
        for (int id = 0; id < tokens.Length; id++)
            tokens[id] = tokenizer.IsSpecial(id) ? [] : tokenizer.TokenBytes(id).ToArray();
        return tokens;
    }
}
