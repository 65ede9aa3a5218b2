using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Pipeline;

/// <summary>The settings of byte-pair encoding in a tokenizer file.</summary>
internal sealed record BpeTextOptions
{
    /// <summary>The token for characters that the vocabulary lacks; without one they are left out.</summary>
    public string? Unknown { get; init; }

    /// <summary>What marks a token that does not begin a word.</summary>
    public string? Prefix { get; init; }

    /// <summary>What marks a token that ends a word.</summary>
    public string? Suffix { get; init; }

    /// <summary>Unknown characters that follow each other are one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Use tokens such as <c>&lt;0x0A&gt;</c> for unknown characters, where all that are needed exist.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Take a whole word that is in the vocabulary without merging.</summary>
    public bool IgnoreMerges { get; init; }
}

/// <summary>Byte-pair encoding over characters (Sennrich et al. 2016).</summary>
internal sealed class BpeTextModel : TokenModel
{
    private readonly IReadOnlyList<Merge> _merges;
    private readonly BpeTextOptions _options;
    private readonly MergeTable _table;
    private readonly int[] _byteIds;
    private readonly Dictionary<int, int> _characterIds = [];

    /// <summary>Creates the model.</summary>
    /// <param name="tokens">The tokens by id.</param>
    /// <param name="merges">The merges in order of rank.</param>
    /// <param name="options">The settings.</param>
    public BpeTextModel(string?[] tokens, IReadOnlyList<Merge> merges, BpeTextOptions options) : base(tokens)
    {
        (_merges, _options) = (merges, options);
        _table = new MergeTable(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
            _table.TryAdd(merges[rank].Left, merges[rank].Right, rank, merges[rank].Result);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id] is { Length: > 0 } token && Rune.TryGetRuneAt(token, 0, out Rune rune) && rune.Utf16SequenceLength == token.Length)
                _characterIds[rune.Value] = id;
        }

        _byteIds = [.. Enumerable.Range(0, 256).Select(b => IdOf($"<0x{b.ToString("X2", CultureInfo.InvariantCulture)}>") ?? -1)];
    }

    public override string Type => "BPE";

    public override void Encode(ReadOnlySpan<AlignedChar> word, List<ModelToken> result)
    {
        if (_options.IgnoreMerges && IdOf(AlignedText.TextOf(word)) is int whole)
        {
            result.Add(new ModelToken(whole, 0, word.Length));
            return;
        }

        // The symbols, and how many bytes of the word each stands for.
        var (ids, sizes) = (new List<int>(word.Length), new List<int>(word.Length));
        AddSymbols(word, ids, sizes);
        int count = WordMerger.Merge(_table, CollectionsMarshal.AsSpan(ids), CollectionsMarshal.AsSpan(sizes));
        int[] places = BytePlaces(word);
        for (int i = 0, at = 0; i < count; at += sizes[i++])
        {
            int start = places[Math.Min(at, places.Length - 1)];
            int last = places[Math.Clamp(at + sizes[i] - 1, 0, places.Length - 1)];
            result.Add(new ModelToken(ids[i], start, last + 1));
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", Type);
        json.WriteNull("dropout");
        WriteText(json, "unk_token", _options.Unknown);
        WriteText(json, "continuing_subword_prefix", _options.Prefix);
        WriteText(json, "end_of_word_suffix", _options.Suffix);
        json.WriteBoolean("fuse_unk", _options.FuseUnknown);
        json.WriteBoolean("byte_fallback", _options.ByteFallback);
        json.WriteBoolean("ignore_merges", _options.IgnoreMerges);
        WriteVocabulary(json);
        json.WriteStartArray("merges");
        foreach (Merge merge in _merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(Tokens[merge.Left]);
            json.WriteStringValue(Tokens[merge.Right]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is null)
            json.WriteNull(name);
        else
            json.WriteString(name, text);
    }

    /// <summary>One symbol for each character, several where it falls back to its bytes, fewer where unknown ones are joined.</summary>
    private void AddSymbols(ReadOnlySpan<AlignedChar> word, List<int> ids, List<int> sizes)
    {
        int unknown = 0; // bytes of unknown characters that wait for a symbol
        for (int i = 0; i < word.Length; i++)
        {
            var rune = new Rune(word[i].Code);
            bool isPlain = (i == 0 || _options.Prefix is null) && (i < word.Length - 1 || _options.Suffix is null);
            if (isPlain && _characterIds.TryGetValue(rune.Value, out int known))
            {
                Flush();
                ids.Add(known);
                sizes.Add(rune.Utf8SequenceLength);
                continue;
            }

            string text = (i > 0 ? _options.Prefix : null) + rune + (i == word.Length - 1 ? _options.Suffix : null);
            if (IdOf(text) is int id)
            {
                Flush();
                ids.Add(id);
                sizes.Add(rune.Utf8SequenceLength);
            }
            else if (!(_options.ByteFallback && TryAddBytes(text, ids, sizes)) && _options.Unknown is not null)
            {
                if (!_options.FuseUnknown)
                    Flush();
                unknown += rune.Utf8SequenceLength;
            }
        }

        Flush();

        void Flush()
        {
            if (unknown == 0)
                return;
            ids.Add(Unknown(_options.Unknown, []));
            sizes.Add(unknown);
            unknown = 0;
        }
    }

    private bool TryAddBytes(string text, List<int> ids, List<int> sizes)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (Array.Exists(bytes, b => _byteIds[b] < 0))
            return false;
        foreach (byte value in bytes)
        {
            ids.Add(_byteIds[value]);
            sizes.Add(1);
        }

        return true;
    }

    /// <summary>The character that holds each byte.</summary>
    private static int[] BytePlaces(ReadOnlySpan<AlignedChar> word)
    {
        var places = new List<int>(word.Length);
        for (int i = 0; i < word.Length; i++)
        {
            for (int k = new Rune(word[i].Code).Utf8SequenceLength; k > 0; k--)
                places.Add(i);
        }

        return [.. places];
    }
}
