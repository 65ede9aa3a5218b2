using System.Buffers;
using System.Text;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;

namespace Craton.Tokenizers;

/// <summary>
/// Any tokenizer that a <c>tokenizer.json</c> describes: added tokens, a normaliser, a pre-tokenizer, a model (BPE, WordPiece,
/// Unigram, WordLevel), a post-processor and a decoder, each as in Hugging Face <c>tokenizers</c>. Byte-level BPE of the known kinds
/// is read as a <see cref="BpeTokenizer"/>, which is faster.
/// </summary>
public sealed class PipelineTokenizer : Tokenizer
{
    private readonly TokenModel _model;
    private readonly AddedVocabulary _added;
    private readonly Normalizer _normalizer;
    private readonly PreTokenizer _preTokenizer;
    private readonly Pipeline.Decoder _decoder;
    private readonly Components _components;
    private readonly string?[] _tokens;

    internal PipelineTokenizer(string file, TokenModel model, IReadOnlyList<AddedToken> added, Components components)
    {
        _model = model;
        _components = components;
        _normalizer = NormalizerReader.Read(Components.Fields(file, components.Normalizer, "normalizer"));
        _preTokenizer = PreTokenizerReader.Read(Components.Fields(file, components.PreTokenizer, "pre_tokenizer"));
        _decoder = DecoderReader.Read(Components.Fields(file, components.Decoder, "decoder"));
        _added = new AddedVocabulary(added, _normalizer);
        _tokens = WithAdded(model.Tokens, added);
        PostProcessor = PostProcessorReader.Read(Components.Fields(file, components.PostProcessor, "post_processor"), _tokens.Length);
        UnkToken = components.Unknown;
    }

    /// <inheritdoc/>
    public override int VocabularySize => _tokens.Length;

    /// <summary>The kind of its model: <c>BPE</c>, <c>WordPiece</c>, <c>Unigram</c> or <c>WordLevel</c>.</summary>
    public string ModelType => _model.Type;

    /// <inheritdoc/>
    public override IReadOnlyList<AddedToken> AddedTokens => _added.Tokens;

    internal override PostProcessor PostProcessor { get; }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false)
    {
        foreach (EncodedToken token in Tokenize(text.ToString(), allowSpecial))
            ids.Add(token.Id);
    }

    /// <summary>Encodes UTF-8; what is no valid UTF-8 reads as U+FFFD.</summary>
    public override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false) =>
        Encode(Encoding.UTF8.GetString(utf8), ids, allowSpecial);

    /// <inheritdoc/>
    public override TokenSpan[] EncodeWithOffsets(ReadOnlySpan<char> text, bool allowSpecial = false)
    {
        EncodedText encoded = EncodeText(
            text.ToString(), options: new EncodeOptions { AddSpecialTokens = false, AllowSpecial = allowSpecial });
        return [.. encoded.Tokens.Select(t => new TokenSpan(t.Id, t.Start, t.End))];
    }

    /// <summary>The UTF-8 of what an id adds to a text in which it is not the first; of a special token, its content.</summary>
    /// <inheritdoc/>
    public override ReadOnlySpan<byte> TokenBytes(int id)
    {
        string text = TokenText(id);
        if (text.Length == 0 || IsSpecial(id))
            return Encoding.UTF8.GetBytes(text);
        string once = Decode([id], skipSpecial: false), twice = Decode([id, id], skipSpecial: false);
        if (once != text && ByteFallbackDecoder.ByteOf(text) is byte value)
            return new[] { value };
        return Encoding.UTF8.GetBytes(twice.StartsWith(once, StringComparison.Ordinal) ? twice[once.Length..] : once);
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
        {
            string text = TokenText(id);
            if (text.Length > 0 && (!skipSpecial || !IsSpecial(id)))
                tokens.Add(text);
        }

        return string.Concat(_decoder.Apply(tokens));
    }

    /// <inheritdoc/>
    public override int? IdOf(string token) => _added.IdOf(token) ?? _model.IdOf(token);

    /// <inheritdoc/>
    public override bool IsSpecial(int id) => _added.IsSpecial(id);

    /// <inheritdoc/>
    public override void Save(string directory) => TokenizerDirectory.Save(directory, this, ToJson());

    /// <summary>The content of its <c>tokenizer.json</c>.</summary>
    internal byte[] ToJson() => TokenizerJsonWriter.Write(_added.Tokens, _components, _model.Write);

    internal override string TokenText(int id) => (uint)id < (uint)_tokens.Length
        ? _tokens[id] ?? ""
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"Token id {id} is outside the vocabulary of {VocabularySize} ids.");

    internal override IReadOnlyList<EncodedToken> Tokenize(string text, bool allowSpecial)
    {
        var result = new List<EncodedToken>(text.Length / 3 + 4);
        int word = 0;
        foreach ((AlignedText part, int id) in SplitAdded(AlignedText.Of(text), allowSpecial, normalized: false))
        {
            if (id >= 0)
            {
                result.Add(Token(id, part.ToString(), part, 0, part.Length) with { Word = word++ });
                continue;
            }

            foreach ((AlignedText piece, int inner) in SplitAdded(_normalizer.Apply(part), allowSpecial, normalized: true))
            {
                if (inner >= 0)
                    result.Add(Token(inner, piece.ToString(), piece, 0, piece.Length) with { Word = word++ });
                else
                    word = AddWords(piece, word, result);
            }
        }

        return result;
    }

    private int AddWords(AlignedText piece, int word, List<EncodedToken> result)
    {
        var tokens = new List<ModelToken>();
        foreach (AlignedText text in _preTokenizer.Split(piece))
        {
            tokens.Clear();
            _model.Encode(text.Chars, tokens);
            foreach (ModelToken token in tokens)
            {
                string spelling = token.ShowsText ? text.Slice(token.Start, token.End).ToString() : TokenText(token.Id);
                result.Add(Token(token.Id, spelling, text, token.Start, token.End) with { Word = word });
            }

            word++;
        }

        return word;
    }

    private static EncodedToken Token(int id, string spelling, AlignedText text, int start, int end) =>
        new(id, spelling, text.Chars[start].Start, text.Chars[end - 1].End);

    /// <summary>Cuts a text at the added tokens; an id of -1 is text between them.</summary>
    private IEnumerable<(AlignedText Part, int Id)> SplitAdded(AlignedText text, bool allowSpecial, bool normalized)
    {
        if (text.Length == 0)
            return [];
        if (!_added.Any(normalized))
            return [(text.Slice(0, text.Length), -1)];
        byte[] utf8 = text.ToUtf8(out int[] characters);
        List<Segment> segments = _added.Split(utf8, normalized, allowSpecial) ?? [new Segment(0, utf8.Length, -1)];
        return segments.Select(s => (text.Slice(characters[s.Start], characters[s.End]), s.Id));
    }

    /// <summary>An added token that is looked for in normalised text also decodes to its normalised content.</summary>
    private string?[] WithAdded(string?[] tokens, IReadOnlyList<AddedToken> added)
    {
        var all = new string?[added.Select(t => t.Id + 1).Append(tokens.Length).Max()];
        tokens.CopyTo(all, 0);
        foreach (AddedToken token in added)
            all[token.Id] = token.Normalized ? _normalizer.Apply(token.Content) : token.Content;
        return all;
    }
}
