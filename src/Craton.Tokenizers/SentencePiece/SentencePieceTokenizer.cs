using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers;

/// <summary>
/// A SentencePiece model (Kudo and Richardson 2018) as SentencePiece itself runs it: T5, XLM-R, ALBERT, Llama 2, Gemma. A
/// <c>tokenizer.json</c> that was converted from one is read as a <see cref="PipelineTokenizer"/> and differs in small things, such
/// as where blanks are added.
/// </summary>
public sealed class SentencePieceTokenizer : Tokenizer
{
    /// <summary>What stands for a blank.</summary>
    internal const char Mark = '\u2581';

    private readonly SentencePiece[] _pieces;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly SentencePieceModel _model;
    private readonly AddedVocabulary _special;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly int[]? _byteIds;
    private readonly int _unknown;

    /// <summary>Creates a tokenizer from its vocabulary.</summary>
    /// <param name="pieces">The pieces by id: exactly one unknown, and all 256 bytes or none.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="TokenizerException">The pieces or settings contradict themselves.</exception>
    public SentencePieceTokenizer(IEnumerable<SentencePiece> pieces, SentencePieceOptions options)
    {
        _pieces = [.. pieces];
        Options = options;
        _unknown = Array.FindIndex(_pieces, p => p.Kind == SentencePieceKind.Unknown);
        for (int id = 0; id < _pieces.Length; id++)
        {
            if (_pieces[id].Text.Length == 0 || !float.IsFinite(_pieces[id].Score) || !Enum.IsDefined(_pieces[id].Kind))
                throw new TokenizerException($"The piece {id} is empty, or its score or kind is none; the vocabulary is damaged.");
            _ids.TryAdd(_pieces[id].Text, id);
        }

        if (_unknown < 0)
            throw new TokenizerException("The vocabulary has no piece of the kind unknown, expected one; it is damaged.");
        _byteIds = FindBytes();
        var symbols = new SymbolMatcher(_pieces.Where(p => p.Kind == SentencePieceKind.UserDefined).Select(p => p.Text));
        string? problem = null;
        Charsmap? charsmap = options.Charsmap.IsEmpty ? null : Charsmap.Parse(options.Charsmap.Span, out problem)
            ?? throw new TokenizerException($"The charsmap cannot be used: {problem}; the vocabulary is damaged.");
        _normalizer = new SentencePieceNormalizer(options, charsmap, symbols);
        _model = options.Algorithm switch
        {
            SentencePieceAlgorithm.Unigram => new SentencePieceUnigram(_pieces, _unknown),
            SentencePieceAlgorithm.Bpe => new SentencePieceBpe(_pieces, _unknown, symbols),
            SentencePieceAlgorithm.Word => new SentencePieceLookup(_pieces, _unknown, symbols: null),
            _ => new SentencePieceLookup(_pieces, _unknown, symbols),
        };
        _special = new AddedVocabulary(
            _pieces.Select((p, id) => new AddedToken(id, p.Text) { Special = true }).Where(t => IsSpecial(t.Id)), Normalizer.None);
        UnkToken = _pieces[_unknown].Text;
        PostProcessor = Template(options.Begin, options.End);
    }

    /// <summary>The settings.</summary>
    public SentencePieceOptions Options { get; }

    /// <summary>The pieces by id.</summary>
    public IReadOnlyList<SentencePiece> Pieces => _pieces;

    /// <inheritdoc/>
    public override int VocabularySize => _pieces.Length;

    internal override PostProcessor PostProcessor { get; }

    /// <summary>Reads a SentencePiece <c>.model</c> file.</summary>
    /// <exception cref="TokenizerFileException">The file is damaged or larger than any vocabulary.</exception>
    public static SentencePieceTokenizer FromFile(string path) => SentencePieceFile.Load(path);

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        _ = Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: true);
        EncodeUtf8(utf8, ids, allowSpecial);
    }

    /// <summary>Encodes UTF-8; each byte that is no part of valid UTF-8 reads as U+FFFD.</summary>
    public override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false)
    {
        foreach (EncodedToken token in Tokenize(utf8, allowSpecial))
            ids.Add(token.Id);
    }

    /// <inheritdoc/>
    public override TokenSpan[] EncodeWithOffsets(ReadOnlySpan<char> text, bool allowSpecial = false) =>
        [.. Tokenize(text.ToString(), allowSpecial).Select(t => new TokenSpan(t.Id, t.Start, t.End))];

    /// <summary>The UTF-8 of what an id adds to a text in which it is not the first.</summary>
    /// <inheritdoc/>
    public override ReadOnlySpan<byte> TokenBytes(int id)
    {
        SentencePiece piece = PieceOf(id);
        return piece.Kind == SentencePieceKind.Byte ? [ByteFallbackDecoder.ByteOf(piece.Text)!.Value]
            : Encoding.UTF8.GetBytes(piece.Text.Replace(Mark, ' '));
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true)
    {
        var bytes = new ArrayBufferWriter<byte>(4 * ids.Length + 16);
        bool expectsMark = Options.AddDummyPrefix || Options.RemoveExtraWhitespaces;
        foreach (int id in ids)
        {
            SentencePiece piece = PieceOf(id);
            if (piece.Kind == SentencePieceKind.Byte)
            {
                bytes.Write([ByteFallbackDecoder.ByteOf(piece.Text)!.Value]);
                continue;
            }

            string text = piece.Text;
            if (piece.Kind is SentencePieceKind.Control or SentencePieceKind.Unknown)
                text = !skipSpecial ? text : piece.Kind == SentencePieceKind.Control ? "" : Options.UnknownSurface;
            else if (expectsMark && bytes.WrittenCount == 0 && text[0] == Mark)
                (text, expectsMark) = (text[1..], Options.RemoveExtraWhitespaces);
            bytes.Write(Encoding.UTF8.GetBytes(piece.Kind == SentencePieceKind.Unknown ? text : text.Replace(Mark, ' ')));
        }

        return DecodeBytes(bytes.WrittenSpan);
    }

    /// <inheritdoc/>
    public override int? IdOf(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>True for control pieces and the unknown piece.</summary>
    public override bool IsSpecial(int id) => PieceOf(id).Kind is SentencePieceKind.Control or SentencePieceKind.Unknown;

    /// <summary>Writes <c>tokenizer.model</c> and <c>tokenizer_config.json</c> into a model directory.</summary>
    public override void Save(string directory) => TokenizerDirectory.Save(directory, this, SentencePieceFile.Write(this));

    internal override string TokenText(int id) => PieceOf(id).Text;

    internal override IReadOnlyList<EncodedToken> Tokenize(string text, bool allowSpecial)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        _ = Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: true);
        int[] places = Utf8Text.Utf16Places(utf8);
        return Tokenize(utf8, allowSpecial).ConvertAll(t => t with { Start = places[t.Start], End = places[t.End] });
    }

    private List<EncodedToken> Tokenize(ReadOnlySpan<byte> utf8, bool allowSpecial)
    {
        var result = new List<EncodedToken>(utf8.Length / 3 + 4);
        foreach (Segment segment in _special.Split(utf8, normalized: false, allowSpecial) ?? [new Segment(0, utf8.Length, -1)])
        {
            if (segment.Id >= 0)
                result.Add(new EncodedToken(segment.Id, TokenText(segment.Id), segment.Start, segment.End) { Word = result.Count });
            else
                AddPieces(_normalizer.Apply(utf8[segment.Start..segment.End]), segment.Start, result);
        }

        return result;
    }

    private void AddPieces(AlignedChar[] text, int origin, List<EncodedToken> result)
    {
        var tokens = new List<ModelToken>();
        _model.Encode(text, tokens);
        int previousEnd = -1;
        foreach (ModelToken token in tokens)
        {
            (int start, int end) = (origin + text[token.Start].Start, origin + text[token.End - 1].End);
            if (token.Id != _unknown)
            {
                result.Add(new EncodedToken(token.Id, TokenText(token.Id), start, end) { Word = result.Count });
            }
            else if (_byteIds is not null)
            {
                // The last byte stands for the character, the others for the place before it.
                byte[] bytes = Encoding.UTF8.GetBytes(AlignedText.TextOf(text.AsSpan(token.Start, token.End - token.Start)));
                for (int i = 0; i < bytes.Length; i++)
                {
                    int id = _byteIds[bytes[i]];
                    result.Add(new EncodedToken(id, TokenText(id), start, i == bytes.Length - 1 ? end : start) { Word = result.Count });
                }
            }
            else
            {
                string unknown = AlignedText.TextOf(text.AsSpan(token.Start, token.End - token.Start));
                // Unknown characters that follow each other are one.
                if (previousEnd == token.Start)
                    result[^1] = result[^1] with { Text = result[^1].Text + unknown, End = end };
                else
                    result.Add(new EncodedToken(_unknown, unknown, start, end) { Word = result.Count });
                previousEnd = token.End;
            }
        }
    }

    /// <summary>UTF-8 as text; each byte that is no part of valid UTF-8 reads as U+FFFD.</summary>
    private static string DecodeBytes(ReadOnlySpan<byte> utf8)
    {
        var text = new StringBuilder(utf8.Length);
        while (!utf8.IsEmpty)
        {
            int valid = Utf8Text.ValidLength(utf8);
            text.Append(Encoding.UTF8.GetString(utf8[..valid]));
            utf8 = utf8[valid..];
            if (utf8.IsEmpty)
                break;
            text.Append('\uFFFD');
            utf8 = utf8[1..];
        }

        return text.ToString();
    }

    private SentencePiece PieceOf(int id) => (uint)id < (uint)_pieces.Length
        ? _pieces[id]
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"Token id {id} is outside the vocabulary of {_pieces.Length} ids.");

    private int[]? FindBytes()
    {
        if (!Array.Exists(_pieces, p => p.Kind == SentencePieceKind.Byte))
            return null;
        var ids = new int[256];
        Array.Fill(ids, -1);
        for (int id = 0; id < _pieces.Length; id++)
        {
            if (_pieces[id].Kind != SentencePieceKind.Byte)
                continue;
            byte value = ByteFallbackDecoder.ByteOf(_pieces[id].Text)
                ?? throw new TokenizerException($"The piece {id} is \"{_pieces[id].Text}\", expected a byte such as <0x0A>; the vocabulary is damaged.");
            ids[value] = id;
        }

        return Array.IndexOf(ids, -1) is >= 0 and int missing
            ? throw new TokenizerException($"The vocabulary has pieces for bytes, but none for 0x{missing:X2}; it is damaged.")
            : ids;
    }

    private PostProcessor Template(int? begin, int? end)
    {
        TemplatePiece[] prefix = Added(begin), suffix = Added(end);
        TemplatePiece first = new(0, 0, []), second = new(1, 1, []);
        return new TemplateProcessor([.. prefix, first, .. suffix], [.. prefix, first, .. suffix, .. prefix, second, .. suffix]);

        TemplatePiece[] Added(int? id) => id is int token
            ? [new(0, -1, [new EncodedToken(token, TokenText(token), 0, 0) { IsAdded = true }])] : [];
    }
}
