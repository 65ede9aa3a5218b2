using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Unicode;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Files;
using Craton.Tokenizers.Pipeline;
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
    private readonly Normalizer _normalizer;
    private readonly ByteLevelSplit _split;
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
        _normalizer = NormalizerReader.Read(Components.Fields(file, components.Normalizer, "normalizer"));
        _split = ByteLevelSplit.Find(Components.Fields(file, components.PreTokenizer, "pre_tokenizer"))
            ?? throw new TokenizerFileException(file, "pre_tokenizer is not that of a known byte-level model; load the file as a tokenizer.json.");
        _added = new AddedVocabulary(added, _normalizer);
        _model = new BpeModel(vocabulary, merges, ignoreMerges, _added.IsSpecial);
        UnkToken = components.Unknown;
        PostProcessor = PostProcessorReader.Read(Components.Fields(file, components.PostProcessor, "post_processor"), vocabulary.Count);
    }

    /// <inheritdoc/>
    public override int VocabularySize => _model.Vocabulary.Count;

    /// <inheritdoc/>
    public override IReadOnlyList<AddedToken> AddedTokens => _added.Tokens;

    /// <summary>Number of merges.</summary>
    public int MergeCount => _model.Merges.Count;

    internal BpeModel Model => _model;

    internal Components Components { get; }

    internal override PostProcessor PostProcessor { get; }

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
        EncodeText(utf8, allowSpecial, ids, tokens: null);

    /// <inheritdoc/>
    public override TokenSpan[] EncodeWithOffsets(ReadOnlySpan<char> text, bool allowSpecial = false)
    {
        EncodedText encoded = EncodeText(
            text.ToString(), options: new EncodeOptions { AddSpecialTokens = false, AllowSpecial = allowSpecial });
        return [.. encoded.Tokens.Select(t => new TokenSpan(t.Id, t.Start, t.End))];
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

    internal override string TokenText(int id) => _model.Vocabulary.SpellingOf(id);

    internal override IReadOnlyList<EncodedToken> Tokenize(string text, bool allowSpecial)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        _ = Utf8.FromUtf16(text, utf8, out _, out _, replaceInvalidSequences: true);
        var tokens = new List<EncodedToken>();
        EncodeText(utf8, allowSpecial, [], tokens);
        int[] places = Utf8Text.Utf16Places(utf8);
        return tokens.ConvertAll(t => t with { Start = places[t.Start], End = places[t.End] });
    }

    /// <summary>Encodes text; tokens, where asked for, have their places in UTF-8 bytes.</summary>
    private void EncodeText(ReadOnlySpan<byte> text, bool allowSpecial, List<int> ids, List<EncodedToken>? tokens)
    {
        if (!_caches.TryTake(out WordCache? cache))
            cache = new WordCache();
        var work = new Work(ids, tokens, cache);
        if (_added.Split(text, normalized: false, allowSpecial) is { } segments)
        {
            foreach (Segment segment in segments)
            {
                if (segment.Id >= 0)
                    work.Add(segment.Id, text[segment.Start..segment.End], segment.Start, segment.End);
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
            {
                ReadOnlySpan<byte> matched = run.Bytes[segment.Start..segment.End];
                work.Add(segment.Id, matched, run.OriginalStart(segment.Start), run.OriginalEnd(segment.End));
            }
            else
                EncodePart(run, segment.Start, segment.End, work);
        }
    }

    private void EncodePart(SourceText run, int start, int end, Work work)
    {
        ReadOnlySpan<byte> part = run.Bytes[start..end];
        if (!_split.AddPrefixSpace || part.Length == 0 || part[0] == (byte)' ')
        {
            EncodeBytes(part, run, start, work);
            return;
        }

        byte[] padded = ArrayPool<byte>.Shared.Rent(part.Length + 1);
        padded[0] = (byte)' ';
        part.CopyTo(padded.AsSpan(1));
        EncodeBytes(padded.AsSpan(0, part.Length + 1), run, start - 1, work);
        ArrayPool<byte>.Shared.Return(padded);
    }

    /// <summary>Encodes the bytes of a run from a place on; a blank that was put in front has no place of its own there.</summary>
    private void EncodeBytes(ReadOnlySpan<byte> bytes, SourceText run, int start, Work work)
    {
        if (Utf8.IsValid(bytes))
        {
            int before = work.Ids.Count;
            EncodePieces(bytes, level: 0, work);
            if (work.Tokens is not null)
                Locate(bytes, run, start, before, work);
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
        Splitter[] levels = _split.Levels;
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
        foreach (Splitter level in _split.Levels)
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

    /// <summary>Describes the ids from one on, which are those of these bytes.</summary>
    private void Locate(ReadOnlySpan<byte> bytes, SourceText run, int start, int firstId, Work work)
    {
        List<EncodedToken> tokens = work.Tokens!;
        var ends = new List<int>();
        AddEnds(bytes, level: 0, offset: 0, ends);
        int word = work.NextWord, piece = 0, place = 0, least = Math.Max(start, 0);
        foreach (int id in work.Ids.Skip(firstId))
        {
            if (place == ends[piece])
                piece++;
            int next = place + _model.Vocabulary.BytesOf(id).Length;
            int first = run.OriginalStart(Math.Max(start + place, least)), last = run.OriginalEnd(Math.Max(start + next, least + 1));
            tokens.Add(new EncodedToken(id, TokenText(id), first, last) { Word = word + piece });
            place = next;
        }
    }

    /// <summary>The ends of the pieces of valid UTF-8.</summary>
    private void AddEnds(ReadOnlySpan<byte> text, int level, int offset, List<int> ends)
    {
        if (level == _split.Levels.Length)
        {
            ends.Add(offset + text.Length);
            return;
        }

        Span<int> found = stackalloc int[BpeModel.WordsAtOnce];
        for (int start = 0; start < text.Length;)
        {
            foreach (int end in found[.._split.Levels[level].Split(text, start, found)])
            {
                AddEnds(text[start..end], level + 1, offset + start, ends);
                start = end;
            }
        }
    }

    /// <summary>Where the ids of one call go, and the cache it has borrowed.</summary>
    private readonly record struct Work(List<int> Ids, List<EncodedToken>? Tokens, WordCache Cache)
    {
        /// <summary>The number of the word that begins behind the tokens so far.</summary>
        public int NextWord => Tokens is { Count: > 0 } ? Tokens[^1].Word!.Value + 1 : 0;

        /// <summary>Adds an added token with the characters that it matched.</summary>
        public void Add(int id, ReadOnlySpan<byte> matched, int start, int end)
        {
            Ids.Add(id);
            Tokens?.Add(new EncodedToken(id, Encoding.UTF8.GetString(matched), start, end) { Word = NextWord });
        }
    }
}
