using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Craton.Tokenizers.Pipeline;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers;

/// <summary>A stretch of text: an added token, or ordinary text where <see cref="Id"/> is -1.</summary>
internal readonly record struct Segment(int Start, int End, int Id);

/// <summary>
/// The added tokens of a tokenizer. At each place the longest one wins, and of two that overlap the left one, as in Hugging Face
/// <c>tokenizers</c>; those marked normalized are looked for in a second pass over normalised text.
/// </summary>
internal sealed class AddedVocabulary
{
    private readonly AddedToken[] _tokens;
    private readonly HashSet<int> _special;
    private readonly Dictionary<string, int> _ids = [];
    private readonly TokenTrie _raw;
    private readonly TokenTrie _normalized;

    public AddedVocabulary(IEnumerable<AddedToken> tokens, Normalizer normalizer)
    {
        _tokens = [.. tokens.OrderBy(t => t.Id)];
        _special = [.. _tokens.Where(t => t.Special).Select(t => t.Id)];
        foreach (AddedToken token in _tokens)
            _ids.TryAdd(token.Content, token.Id);
        // Of two tokens with the same content the special one is found, then the one with the smaller id.
        AddedToken[] order = [.. _tokens.OrderBy(t => t.Special ? 0 : 1)];
        _raw = new TokenTrie(order.Where(t => !t.Normalized).Select(t => (t, Encoding.UTF8.GetBytes(t.Content))));
        _normalized = new TokenTrie(order.Where(t => t.Normalized).Select(t => (t, Encoding.UTF8.GetBytes(normalizer.Apply(t.Content)))));
    }

    /// <summary>The tokens in order of id.</summary>
    public IReadOnlyList<AddedToken> Tokens => _tokens;

    /// <summary>True when the id is a control token.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>True when there is anything to look for in text as it is, or in normalised text.</summary>
    public bool Any(bool normalized) => !(normalized ? _normalized : _raw).IsEmpty;

    /// <summary>The id of the token with this content, or null.</summary>
    public int? IdOf(string content) => _ids.TryGetValue(content, out int id) ? id : null;

    /// <summary>
    /// Cuts text at the added tokens; null when none of them can match and all of it is ordinary text.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="normalized">Look for the tokens that are marked normalized, else for the others.</param>
    /// <param name="allowSpecial">Recognise special tokens.</param>
    public List<Segment>? Split(ReadOnlySpan<byte> text, bool normalized, bool allowSpecial)
    {
        TokenTrie trie = normalized ? _normalized : _raw;
        if (trie.IsEmpty || (!allowSpecial && trie.AllSpecial) || !trie.TryFind(text, 0, out int start, out int end, out AddedToken? token))
            return null;

        var segments = new List<Segment>();
        int done = 0;
        do
        {
            int next = end;
            if ((allowSpecial || !token.Special) && (!token.SingleWord || StandsAlone(text, start, end)))
            {
                if (token.LeftStrip)
                    start = Math.Max(done, WhiteSpaceStart(text, start));
                if (token.RightStrip)
                    end = WhiteSpaceEnd(text, end);
                if (done < start)
                    segments.Add(new Segment(done, start, -1));
                segments.Add(new Segment(start, end, token.Id));
                done = end;
            }

            // The search goes on right behind the token itself, even where white space behind it has been swallowed.
            end = next;
        }
        while (trie.TryFind(text, end, out start, out end, out token));

        if (done < text.Length)
            segments.Add(new Segment(done, text.Length, -1));
        return segments;
    }

    private static bool StandsAlone(ReadOnlySpan<byte> text, int start, int end)
    {
        bool wordBefore = start > 0 && Rune.DecodeLastFromUtf8(text[..start], out Rune before, out _) == OperationStatus.Done
            && CodePointClass.IsWord(before);
        bool wordAfter = end < text.Length && Rune.DecodeFromUtf8(text[end..], out Rune after, out _) == OperationStatus.Done
            && CodePointClass.IsWord(after);
        return !wordBefore && !wordAfter;
    }

    private static int WhiteSpaceStart(ReadOnlySpan<byte> text, int end)
    {
        while (Rune.DecodeLastFromUtf8(text[..end], out Rune rune, out int length) == OperationStatus.Done && Rune.IsWhiteSpace(rune))
            end -= length;
        return end;
    }

    private static int WhiteSpaceEnd(ReadOnlySpan<byte> text, int start)
    {
        while (Rune.DecodeFromUtf8(text[start..], out Rune rune, out int length) == OperationStatus.Done && Rune.IsWhiteSpace(rune))
            start += length;
        return start;
    }

    /// <summary>A trie over bytes with a vectorised search for the places where a token can begin.</summary>
    private sealed class TokenTrie
    {
        private readonly Dictionary<long, int> _edges = [];
        private readonly List<AddedToken?> _ends = [null];
        private readonly SearchValues<byte> _first;

        public TokenTrie(IEnumerable<(AddedToken Token, byte[] Content)> tokens)
        {
            var first = new SortedSet<byte>();
            foreach ((AddedToken token, byte[] content) in tokens)
            {
                if (content.Length == 0)
                    continue;
                first.Add(content[0]);
                int node = 0;
                foreach (byte b in content)
                {
                    if (!_edges.TryGetValue(Edge(node, b), out int child))
                    {
                        child = _ends.Count;
                        _edges.Add(Edge(node, b), child);
                        _ends.Add(null);
                    }

                    node = child;
                }

                _ends[node] ??= token;
            }

            _first = SearchValues.Create([.. first]);
            AllSpecial = _ends.TrueForAll(t => t is null || t.Special);
        }

        public bool IsEmpty => _edges.Count == 0;

        public bool AllSpecial { get; }

        public bool TryFind(
            ReadOnlySpan<byte> text, int from, out int start, out int end, [NotNullWhen(true)] out AddedToken? token)
        {
            for (start = from; start < text.Length; start++)
            {
                int skip = text[start..].IndexOfAny(_first);
                if (skip < 0)
                    break;
                start += skip;
                if (TryMatch(text, start, out end, out token))
                    return true;
            }

            end = start;
            token = null;
            return false;
        }

        private static long Edge(int node, byte value) => (long)node << 8 | value;

        private bool TryMatch(
            ReadOnlySpan<byte> text, int start, out int end, [NotNullWhen(true)] out AddedToken? token)
        {
            (end, token) = (start, null);
            int node = 0;
            for (int i = start; i < text.Length && _edges.TryGetValue(Edge(node, text[i]), out node); i++)
            {
                if (_ends[node] is { } found)
                    (end, token) = (i + 1, found);
            }

            return token is not null;
        }
    }
}
