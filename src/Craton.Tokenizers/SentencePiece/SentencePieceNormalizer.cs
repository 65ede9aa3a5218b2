using System.Buffers;
using System.Text;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers;

/// <summary>
/// The normalisation of SentencePiece: replaces by the longest key of the charsmap, keeps user-defined symbols, and handles blanks.
/// </summary>
/// <param name="options">The settings.</param>
/// <param name="charsmap">The replacements, or null.</param>
/// <param name="symbols">The user-defined symbols.</param>
internal sealed class SentencePieceNormalizer(SentencePieceOptions options, Charsmap? charsmap, SymbolMatcher symbols)
{
    private const int Replacement = 0xFFFD;

    private readonly int _blank = options.EscapeWhitespaces ? SentencePieceTokenizer.Mark : ' ';

    /// <summary>Normalises UTF-8; places are in bytes from the start of the span.</summary>
    public AlignedChar[] Apply(ReadOnlySpan<byte> utf8)
    {
        int place = 0;
        while (options.RemoveExtraWhitespaces && place < utf8.Length && Prefix(utf8[place..], out int length) is [' '])
            place += length;
        if (place == utf8.Length)
            return [];

        var result = new List<(int Code, int Place)>(utf8.Length + 1);
        if (options.AddDummyPrefix && !options.WhitespaceIsSuffix)
            result.Add((_blank, place));
        bool afterBlank = options.RemoveExtraWhitespaces;
        while (place < utf8.Length)
        {
            int[] codes = Prefix(utf8[place..], out int length);
            int skipped = 0;
            while (afterBlank && skipped < codes.Length && codes[skipped] == ' ')
                skipped++;
            foreach (int code in codes.AsSpan(skipped))
                result.Add((code == ' ' ? _blank : code, place));
            if (codes.Length > skipped)
                afterBlank = options.RemoveExtraWhitespaces && codes[^1] == ' ';
            place += length;
        }

        while (options.RemoveExtraWhitespaces && result.Count > 0 && result[^1].Code == _blank)
        {
            place = result[^1].Place;
            result.RemoveAt(result.Count - 1);
        }

        if (options.AddDummyPrefix && options.WhitespaceIsSuffix)
            result.Add((_blank, place));
        var chars = new AlignedChar[result.Count];
        for (int i = 0; i < chars.Length; i++)
            chars[i] = new AlignedChar(result[i].Code, result[i].Place, i + 1 < chars.Length ? result[i + 1].Place : place);
        return chars;
    }

    /// <summary>What the start of a text becomes, and how many bytes of it.</summary>
    private int[] Prefix(ReadOnlySpan<byte> text, out int length)
    {
        length = symbols.LongestPrefix(text);
        if (length > 0)
            return AlignedText.CodesOf(Encoding.UTF8.GetString(text[..length]));
        if (charsmap?.Find(text, longest: true, out length) is { } replacement)
            return AlignedText.CodesOf(replacement);
        if (Rune.DecodeFromUtf8(text, out Rune rune, out length) == OperationStatus.Done)
            return [rune.Value];
        length = 1;
        return [Replacement];
    }
}

/// <summary>Finds user-defined symbols at the start of a text.</summary>
internal sealed class SymbolMatcher
{
    private readonly CodeTrie _trie = new();
    private readonly bool _isEmpty;

    public SymbolMatcher(IEnumerable<string> symbols)
    {
        string[] all = [.. symbols];
        _isEmpty = all.Length == 0;
        foreach (string symbol in all)
            _trie.Add(symbol, symbol.Length);
    }

    /// <summary>The bytes of the longest symbol that valid UTF-8 begins with, or 0.</summary>
    public int LongestPrefix(ReadOnlySpan<byte> text)
    {
        int longest = 0, node = 0, place = 0;
        while (!_isEmpty && place < text.Length && Rune.DecodeFromUtf8(text[place..], out Rune rune, out int length) == OperationStatus.Done)
        {
            node = _trie.Step(node, rune.Value);
            if (node < 0)
                break;
            place += length;
            if (_trie.Value(node) != CodeTrie.None)
                longest = place;
        }

        return longest;
    }

    /// <summary>The characters of the longest symbol at a place, or 0.</summary>
    public int LongestPrefix(ReadOnlySpan<AlignedChar> text)
    {
        int longest = 0, node = 0;
        for (int i = 0; !_isEmpty && i < text.Length; i++)
        {
            node = _trie.Step(node, text[i].Code);
            if (node < 0)
                break;
            if (_trie.Value(node) != CodeTrie.None)
                longest = i + 1;
        }

        return longest;
    }
}
