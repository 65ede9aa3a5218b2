using System.Buffers;
using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers;

/// <summary>
/// One token per character (Unicode code point): the vocabulary is the sorted characters of a corpus, special tokens behind them.
/// In files it is a WordLevel model over a split into single characters, which Hugging Face <c>tokenizers</c> reads too.
/// </summary>
public sealed class CharTokenizer : Tokenizer
{
    private static readonly Components _components = new()
    {
        PreTokenizer = JsonElement.Parse("""{"type":"Split","pattern":{"Regex":"[\\s\\S]"},"behavior":"Isolated","invert":false}"""),
        Decoder = JsonElement.Parse("""{"type":"Fuse"}"""),
    };

    private readonly string?[] _tokens;
    private readonly byte[][] _bytes;
    private readonly Dictionary<int, int> _ids = [];
    private readonly AddedVocabulary _added;
    private readonly int? _unknown;

    private CharTokenizer(string?[] tokens, IReadOnlyList<AddedToken> added, string? unknownToken)
    {
        _tokens = tokens;
        _bytes = [.. tokens.Select(t => Encoding.UTF8.GetBytes(t ?? ""))];
        _added = new AddedVocabulary(added, Normalizer.None);
        UnkToken = unknownToken;
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is { Length: > 0 } token && Rune.TryGetRuneAt(token, 0, out Rune rune)
                && rune.Utf16SequenceLength == token.Length && !IsSpecial(id))
            {
                _ids.Add(rune.Value, id);
            }
        }

        _unknown = unknownToken is null ? null : IdOf(unknownToken);
    }

    /// <summary>Makes the vocabulary of a corpus: its characters in code point order, then the special tokens.</summary>
    /// <param name="texts">The corpus.</param>
    /// <param name="specialTokens">Special tokens in order of id.</param>
    /// <param name="unknownToken">One of the special tokens, for characters the corpus lacks; without it they are an error.</param>
    public static CharTokenizer Train(IEnumerable<string> texts, IEnumerable<string>? specialTokens = null, string? unknownToken = null)
    {
        var characters = new SortedSet<int>();
        foreach (string text in texts)
        {
            foreach (Rune rune in text.EnumerateRunes())
                characters.Add(rune.Value);
        }

        string[] special = [.. specialTokens ?? []];
        if (unknownToken is not null && !special.Contains(unknownToken))
            special = [.. special, unknownToken];
        string[] tokens = [.. characters.Select(c => new Rune(c).ToString()), .. special];
        if (tokens.FirstOrDefault(t => t.Length == 0 || tokens.Count(other => other == t) > 1) is { } repeated)
        {
            throw new TokenizerException(
                $"The special token \"{repeated}\" is empty or stands twice in the vocabulary; give it another name.");
        }

        AddedToken[] added = [.. special.Select((t, i) => new AddedToken(characters.Count + i, t) { Special = true })];
        string? ends = special.Contains(BetweenTexts) ? BetweenTexts : null;
        return new CharTokenizer(tokens, added, unknownToken) { BosToken = ends, EosToken = ends };
    }

    /// <inheritdoc/>
    public override int VocabularySize => _tokens.Length;

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        _ = System.Text.Unicode.Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: true);
        EncodeUtf8(utf8, ids, allowSpecial);
    }

    /// <inheritdoc/>
    public override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false)
    {
        foreach ((int id, _, _) in Locate(utf8, allowSpecial))
            ids.Add(id);
    }

    /// <inheritdoc/>
    public override TokenSpan[] EncodeWithOffsets(ReadOnlySpan<char> text, bool allowSpecial = false)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        _ = System.Text.Unicode.Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: true);
        int[] places = Utf8Text.Utf16Places(utf8);
        return [.. Locate(utf8, allowSpecial).Select(s => new TokenSpan(s.Id, places[s.Start], places[s.End]))];
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> TokenBytes(int id)
    {
        if ((uint)id >= (uint)_bytes.Length)
            throw new ArgumentOutOfRangeException(nameof(id), id, $"Token id {id} is outside the vocabulary of {_bytes.Length} ids.");
        return _bytes[id];
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true)
    {
        var text = new StringBuilder(ids.Length);
        foreach (int id in ids)
        {
            _ = TokenBytes(id);
            if (!skipSpecial || !IsSpecial(id))
                text.Append(_tokens[id]);
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public override int? IdOf(string token)
    {
        if (_added.IdOf(token) is { } id)
            return id;
        return Rune.TryGetRuneAt(token.Length == 0 ? "\0" : token, 0, out Rune rune) && rune.Utf16SequenceLength == token.Length
            && _ids.TryGetValue(rune.Value, out int character) ? character : null;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<AddedToken> AddedTokens => _added.Tokens;

    /// <inheritdoc/>
    public override bool IsSpecial(int id) => _added.IsSpecial(id);

    /// <inheritdoc/>
    public override void Save(string directory) =>
        TokenizerDirectory.Save(directory, this, TokenizerJsonWriter.Write(_added.Tokens, _components, WriteModel));

    /// <summary>Reads a file; null when it is a vocabulary of words.</summary>
    internal static CharTokenizer? Find(JsonFields root, JsonFields model)
    {
        Components components = Components.Read(root);
        if (!IsSame(components.PreTokenizer, _components.PreTokenizer) || !IsSame(components.Decoder, _components.Decoder)
            || components.Normalizer.ValueKind != JsonValueKind.Undefined || components.PostProcessor.ValueKind != JsonValueKind.Undefined)
        {
            return null;
        }

        JsonFields vocabulary = model.Require("vocab");
        string?[] tokens = TokenizerJsonReader.ReadVocabulary(vocabulary, out Dictionary<string, int> ids);
        List<AddedToken> added = TokenizerJsonReader.ReadAddedTokens(root);
        TokenizerJsonReader.CheckIds(vocabulary, tokens, ids, added, allowGaps: true);
        if (added.Count > 0)
            Array.Resize(ref tokens, Math.Max(tokens.Length, added.Max(t => t.Id) + 1));
        foreach (AddedToken token in added)
            tokens[token.Id] = token.Content;
        return new CharTokenizer(tokens, added, components.Unknown is { } u && tokens.Contains(u) ? u : null);
    }

    private static bool IsSame(JsonElement a, JsonElement b) => a.ValueKind != JsonValueKind.Undefined && JsonElement.DeepEquals(a, b);

    private List<(int Id, int Start, int End)> Locate(ReadOnlySpan<byte> utf8, bool allowSpecial)
    {
        var located = new List<(int, int, int)>(utf8.Length);
        List<Segment> segments = _added.Split(utf8, normalized: false, allowSpecial) ?? [new Segment(0, utf8.Length, -1)];
        foreach (Segment segment in segments)
        {
            if (segment.Id >= 0)
            {
                located.Add((segment.Id, segment.Start, segment.End));
                continue;
            }

            for (int i = segment.Start; i < segment.End;)
            {
                // An invalid sequence reads as U+FFFD.
                _ = Rune.DecodeFromUtf8(utf8[i..segment.End], out Rune rune, out int length);
                located.Add((IdOfCharacter(rune), i, i + length));
                i += length;
            }
        }

        return located;
    }

    private int IdOfCharacter(Rune rune)
    {
        if (_ids.TryGetValue(rune.Value, out int id))
            return id;
        return _unknown ?? throw new TokenizerException(
            $"The character U+{rune.Value:X4} is not among the {_ids.Count} of this vocabulary; "
            + "train it on text that has it, or with an unknown token.");
    }

    private void WriteModel(Utf8JsonWriter json)
    {
        json.WriteString("type", "WordLevel");
        json.WriteStartObject("vocab");
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_tokens[id] is { } token)
                json.WriteNumber(token, id);
        }

        json.WriteEndObject();
        // The field is required; a name that is not in the vocabulary makes unknown characters an error there too.
        json.WriteString("unk_token", UnkToken ?? "<unk>");
    }
}
