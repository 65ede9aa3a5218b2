using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Splitting;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers;

/// <summary>
/// Byte-level byte-pair encoding (GPT-2, Llama 3, Qwen, tiktoken): any bytes can be encoded and come back unchanged. Text goes
/// through added tokens, a normaliser, a split pattern and merges, each as in Hugging Face <c>tokenizers</c>.
/// </summary>
/// <remarks>
/// Bytes that are no valid UTF-8 are encoded as tiktoken does: from the first invalid byte on, the rest (up to the next added
/// token) joins the last piece before it.
/// </remarks>
public sealed class BpeTokenizer : Tokenizer
{
    private readonly BpeModel _model;
    private readonly AddedVocabulary _added;
    private readonly TextNormalizer _normalizer;
    private readonly PreTokenizer _preTokenizer;
    private readonly PostProcessor _postProcessor;
    private readonly ConcurrentBag<WordCache> _caches = [];

    internal BpeTokenizer(
        string file,
        BpeVocabulary vocabulary,
        IReadOnlyList<Merge> merges,
        bool ignoreMerges,
        IReadOnlyList<AddedToken> added,
        Components components)
    {
        Components = components;
        _normalizer = Components.ParseNormalizer(Fields(file, components.Normalizer, "normalizer"));
        _preTokenizer = PreTokenizer.Parse(Fields(file, components.PreTokenizer, "pre_tokenizer")
            ?? throw new TokenizerFileException(file, "pre_tokenizer is null, expected ByteLevel; only byte-level BPE is supported."));
        _postProcessor = PostProcessor.Parse(Fields(file, components.PostProcessor, "post_processor"));
        _added = new AddedVocabulary(added, _normalizer);
        _model = new BpeModel(vocabulary, merges, ignoreMerges, _added.IsSpecial);
        UnkToken = components.Unknown;
        if (_postProcessor.Prefix.Concat(_postProcessor.Suffix).Any(id => id >= vocabulary.Count))
            throw new TokenizerFileException(file, $"post_processor names an id outside the vocabulary of {vocabulary.Count} ids.");
    }

    /// <inheritdoc/>
    public override int VocabularySize => _model.Vocabulary.Count;

    /// <inheritdoc/>
    public override IReadOnlyList<AddedToken> AddedTokens => _added.Tokens;

    /// <summary>Number of merges.</summary>
    public int MergeCount => _model.Merges.Count;

    /// <summary>The ids that the model expects before a text (empty where the file names none); applied only on request.</summary>
    public ReadOnlySpan<int> TemplatePrefix => _postProcessor.Prefix;

    /// <summary>The ids that the model expects behind a text (empty where the file names none); applied only on request.</summary>
    public ReadOnlySpan<int> TemplateSuffix => _postProcessor.Suffix;

    internal BpeModel Model => _model;

    internal Components Components { get; }

    /// <summary>Reads a tiktoken rank file (base64 bytes and rank per line) with the pattern and specials of a known encoding.</summary>
    /// <param name="path">The <c>.tiktoken</c> file.</param>
    /// <param name="encoding">gpt2, r50k_base, p50k_base, p50k_edit, cl100k_base, o200k_base or o200k_harmony.</param>
    public static BpeTokenizer FromTiktoken(string path, string encoding) => TiktokenFile.Load(path, encoding);

    /// <summary>Reads a tiktoken rank file with a pattern and special tokens.</summary>
    public static BpeTokenizer FromTiktoken(string path, SplitPattern pattern, IReadOnlyDictionary<string, int> specialTokens) =>
        TiktokenFile.Load(path, pattern, specialTokens);

    /// <summary>Reads the two files of GPT-2 (<c>vocab.json</c> or <c>encoder.json</c>, <c>merges.txt</c> or <c>vocab.bpe</c>).</summary>
    /// <param name="vocabularyPath">JSON object of token to id.</param>
    /// <param name="mergesPath">One pair per line, optionally after a line that begins with <c>#version</c>.</param>
    /// <param name="specialTokens">Entries of the vocabulary that are control tokens; those that are absent are ignored.</param>
    public static BpeTokenizer FromVocabularyAndMerges(
        string vocabularyPath, string mergesPath, params IEnumerable<string> specialTokens) =>
        Gpt2Files.Load(vocabularyPath, mergesPath, specialTokens);

    /// <summary>
    /// The same tokenizer with more special tokens: each takes the id of an entry of that content, else the next free id.
    /// </summary>
    public BpeTokenizer WithSpecialTokens(params IEnumerable<string> contents)
    {
        List<AddedToken> added = [.. _added.Tokens];
        int next = VocabularySize;
        foreach (string content in contents)
        {
            int id = IdOf(content) ?? next++;
            added.RemoveAll(t => t.Id == id);
            added.Add(new AddedToken(id, content) { Special = true });
        }

        var tokenizer = new BpeTokenizer("tokenizer", _model.Vocabulary.With(added), _model.Merges, _model.IgnoreMerges, added, Components)
        {
            BosToken = BosToken,
            EosToken = EosToken,
            PadToken = PadToken,
            UnkToken = UnkToken,
        };
        foreach ((string name, string template) in ChatTemplates)
            tokenizer.ChatTemplates.Add(name, template);
        return tokenizer;
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids, bool allowSpecial = false)
    {
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text));
        _ = Utf8.FromUtf16(text, utf8, out _, out int length, replaceInvalidSequences: true);
        EncodeUtf8(utf8.AsSpan(0, length), ids, allowSpecial);
        ArrayPool<byte>.Shared.Return(utf8);
    }

    /// <inheritdoc/>
    public override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids, bool allowSpecial = false) =>
        EncodeText(utf8, allowSpecial, ids, spans: null);

    /// <summary>Encodes text between the <see cref="TemplatePrefix"/> and <see cref="TemplateSuffix"/> that the model expects.</summary>
    public int[] EncodeWithTemplate(ReadOnlySpan<char> text, bool allowSpecial = false) =>
        [.. TemplatePrefix, .. Encode(text, allowSpecial), .. TemplateSuffix];

    /// <inheritdoc/>
    public override TokenSpan[] EncodeWithOffsets(ReadOnlySpan<char> text, bool allowSpecial = false)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        _ = Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: true);
        var spans = new List<TokenSpan>();
        EncodeText(utf8, allowSpecial, [], spans);
        int[] places = Utf8Text.Utf16Places(utf8);
        TokenSpan[] result = [.. spans.Select(s => new TokenSpan(s.Id, places[s.Start], places[s.End]))];
        if (_postProcessor.TrimOffsets)
            TrimBlanks(text, result);
        return result;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> TokenBytes(int id)
    {
        if ((uint)id >= (uint)VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(id), id, $"Token id {id} is outside the vocabulary of {VocabularySize} ids.");
        return _model.Vocabulary.BytesOf(id);
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true)
    {
        var bytes = new ArrayBufferWriter<byte>(4 * ids.Length + 16);
        foreach (int id in ids)
        {
            if (!skipSpecial || !IsSpecial(id))
                bytes.Write(TokenBytes(id));
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>
    /// The id of an added token by its content, or of an ordinary token by its text (<c>" the"</c>) or its spelling in the
    /// byte-level alphabet (<c>"Ġthe"</c>), or null.
    /// </summary>
    public override int? IdOf(string token) =>
        _added.IdOf(token) ?? _model.Find(Encoding.UTF8.GetBytes(token))
            ?? (ByteLevelAlphabet.TryToBytes(token, out byte[] bytes) ? _model.Find(bytes) : null);

    /// <inheritdoc/>
    public override bool IsSpecial(int id) => _added.IsSpecial(id);

    /// <inheritdoc/>
    public override void Save(string directory) => TokenizerDirectory.Save(directory, this, TokenizerJsonWriter.Write(this));

    private static JsonFields? Fields(string file, JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Undefined ? null : new JsonFields(file, element, name);

    /// <summary>Encodes text; spans, where asked for, come in UTF-8 bytes.</summary>
    private void EncodeText(ReadOnlySpan<byte> text, bool allowSpecial, List<int> ids, List<TokenSpan>? spans)
    {
        if (!_caches.TryTake(out WordCache? cache))
            cache = new WordCache();
        var work = new Work(ids, spans, cache);
        if (_added.Split(text, normalized: false, allowSpecial) is { } segments)
        {
            foreach (Segment segment in segments)
            {
                if (segment.Id >= 0)
                    work.Add(segment.Id, segment.Start, segment.End);
                else
                    EncodeRun(new SourceText(text, segment), allowSpecial, work);
            }
        }
        else
        {
            EncodeRun(new SourceText(text, new Segment(0, text.Length, -1)), allowSpecial, work);
        }

        _caches.Add(cache);
    }

    /// <summary>Encodes text between added tokens: normalises it, and looks for the added tokens that are marked normalized.</summary>
    private void EncodeRun(SourceText run, bool allowSpecial, Work work)
    {
        run = run.Normalize(_normalizer);
        if (_added.Split(run.Bytes, normalized: true, allowSpecial) is not { } segments)
        {
            EncodePart(run, 0, run.Bytes.Length, work);
            return;
        }

        foreach (Segment segment in segments)
        {
            if (segment.Id >= 0)
                work.Add(segment.Id, run.OriginalStart(segment.Start), run.OriginalEnd(segment.End));
            else
                EncodePart(run, segment.Start, segment.End, work);
        }
    }

    private void EncodePart(SourceText run, int start, int end, Work work)
    {
        int first = work.Ids.Count;
        ReadOnlySpan<byte> part = run.Bytes[start..end];
        bool prefix = _preTokenizer.AddPrefixSpace && part.Length > 0 && part[0] != (byte)' ';
        if (prefix)
        {
            byte[] padded = ArrayPool<byte>.Shared.Rent(part.Length + 1);
            padded[0] = (byte)' ';
            part.CopyTo(padded.AsSpan(1));
            EncodeBytes(padded.AsSpan(0, part.Length + 1), work);
            ArrayPool<byte>.Shared.Return(padded);
        }
        else
        {
            EncodeBytes(part, work);
        }

        if (work.Spans is not { } spans)
            return;
        int place = prefix ? start - 1 : start;
        for (int i = first; i < work.Ids.Count; i++)
        {
            int next = place + _model.Vocabulary.BytesOf(work.Ids[i]).Length;
            // The blank that was put in front stands for the first character.
            spans.Add(new TokenSpan(work.Ids[i], run.OriginalStart(Math.Max(place, start)), run.OriginalEnd(Math.Max(next, start + 1))));
            place = next;
        }
    }

    private void EncodeBytes(ReadOnlySpan<byte> bytes, Work work)
    {
        if (Utf8.IsValid(bytes))
        {
            EncodePieces(bytes, level: 0, work);
            return;
        }

        int valid = Utf8Text.ValidLength(bytes);
        List<int> ids = work.Ids;
        int first = ids.Count;
        EncodePieces(bytes[..valid], level: 0, work);
        int last = ids.Count - CountLastPiece(bytes[..valid], work);
        // Where the last piece begins with blanks, the blanks before it could have been part of it.
        if (last < ids.Count && Utf8Text.IsBlank(TokenBytes(ids[last])))
        {
            while (last > first && Utf8Text.IsBlank(TokenBytes(ids[last - 1])))
                last--;
        }

        var rest = new ArrayBufferWriter<byte>(bytes.Length - valid + 64);
        for (int i = last; i < ids.Count; i++)
            rest.Write(TokenBytes(ids[i]));
        rest.Write(bytes[valid..]);
        ids.RemoveRange(last, ids.Count - last);
        _model.EncodeWords(rest.WrittenSpan, 0, [rest.WrittenCount], ids, work.Cache);
    }

    /// <summary>Cuts and encodes valid UTF-8.</summary>
    private void EncodePieces(ReadOnlySpan<byte> text, int level, Work work)
    {
        Splitter[] levels = _preTokenizer.Levels;
        if (level == levels.Length && text.Length > 0)
        {
            _model.EncodeWords(text, 0, [text.Length], work.Ids, work.Cache);
            return;
        }

        Span<int> ends = stackalloc int[BpeModel.WordsAtOnce];
        for (int start = 0; start < text.Length;)
        {
            Span<int> found = ends[..levels[level].Split(text, start, ends)];
            if (level == levels.Length - 1)
            {
                _model.EncodeWords(text, start, found, work.Ids, work.Cache);
                start = found[^1];
                continue;
            }

            foreach (int end in found)
            {
                EncodePieces(text[start..end], level + 1, work);
                start = end;
            }
        }
    }

    /// <summary>The number of ids of the last piece of valid UTF-8.</summary>
    private int CountLastPiece(ReadOnlySpan<byte> text, Work work)
    {
        if (text.IsEmpty)
            return 0;
        var ids = new List<int>();
        _model.EncodeWords(text, LastPiece(text), [text.Length], ids, work.Cache);
        return ids.Count;
    }

    /// <summary>Where the last piece of valid UTF-8 begins.</summary>
    private int LastPiece(ReadOnlySpan<byte> text)
    {
        int last = 0;
        Span<int> ends = stackalloc int[BpeModel.WordsAtOnce];
        foreach (Splitter level in _preTokenizer.Levels)
        {
            ReadOnlySpan<byte> piece = text[last..];
            int offset = last;
            for (int start = 0; start < piece.Length;)
            {
                int count = level.Split(piece, start, ends);
                last = offset + (count > 1 ? ends[count - 2] : start);
                start = ends[count - 1];
            }
        }

        return last;
    }

    /// <summary>Leaves the blanks at the edges of tokens out of their offsets, as the ByteLevel post-processor does.</summary>
    private void TrimBlanks(ReadOnlySpan<char> text, TokenSpan[] spans)
    {
        for (int i = 0; i < spans.Length; i++)
        {
            TokenSpan span = spans[i];
            bool added = _added.IsAdded(span.Id);
            string token = added ? text[span.Start..span.End].ToString() : Encoding.Latin1.GetString(TokenBytes(span.Id));
            Func<char, bool> blank = added ? char.IsWhiteSpace : c => c == ' ';
            int leading = token.TakeWhile(blank).Count();
            int trailing = token.Reverse().TakeWhile(blank).Count();
            if (leading == 1 && (i == 0 || span.Start == 0) && _postProcessor.TrimKeepsFirstBlank)
                leading = 0; // it was added, so it takes no place
            int start = Utf8Text.Step(text, span.Start, leading, span.End);
            spans[i] = new TokenSpan(span.Id, start, Utf8Text.StepBack(text, span.End, trailing, start));
        }
    }

    /// <summary>Where the ids of one call go, and the cache it has borrowed.</summary>
    private readonly record struct Work(List<int> Ids, List<TokenSpan>? Spans, WordCache Cache)
    {
        public void Add(int id, int start, int end)
        {
            Ids.Add(id);
            Spans?.Add(new TokenSpan(id, start, end));
        }
    }
}
