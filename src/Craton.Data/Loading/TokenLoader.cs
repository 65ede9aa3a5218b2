using System.Globalization;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>A part of a mixture.</summary>
/// <param name="Store">The documents.</param>
/// <param name="Weight">Its share of the rows, relative to the other parts' weights.</param>
public sealed record MixturePart(TokenStore Store, double Weight = 1);

/// <summary>Settings of <see cref="TokenLoader"/>.</summary>
public sealed record TokenLoaderOptions
{
    /// <summary>Seed of the order of documents; each epoch has another order.</summary>
    public ulong Seed { get; init; }

    /// <summary>Take the documents in another order each epoch; else in the order they are stored.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// Keep documents apart: each has its own number and positions, and its last token's target is <see cref="BatchLoader.Ignore"/>
    /// (the end-of-text token is learnt, the first token of the next document is not). Off, a row is one stretch of text in which
    /// the end-of-text token is followed by the next document, as GPT-2 was trained.
    /// </summary>
    public bool Isolate { get; init; } = true;

    /// <summary>
    /// With <see cref="Isolate"/>: the id that every document is taken to begin with, so that its first token is predicted too. The
    /// stored last token (its end) is then only a target.
    /// </summary>
    public int? Begin { get; init; }
}

/// <summary>
/// Packs documents into rows without padding: they follow each other in shuffled order, are cut where a row ends, and go on in the
/// next row. Several sources are mixed row by row in the proportion of their weights (replay of old data in continued training).
/// </summary>
public sealed class TokenLoader : BatchLoader
{
    private struct Source
    {
        public TokenStore Store;
        public double Share;
        public Permutation Order;
        public long Epoch, Document, Offset, Rows, Start;
        public int Length;
    }

    private readonly Source[] _sources;
    private readonly TokenLoaderOptions _options;
    private readonly string _fingerprint;
    private readonly int[] _window;
    private long _rows;

    /// <summary>Creates the loader at its first row.</summary>
    /// <exception cref="CratonException">A source has no tokens, or a weight is not positive.</exception>
    public TokenLoader(IReadOnlyList<MixturePart> mixture, int context, TokenLoaderOptions? options = null) : base(context)
    {
        _options = options ?? new TokenLoaderOptions();
        if (mixture.Count == 0) throw new CratonException("A loader needs at least one source of tokens, got none.");
        _sources = new Source[mixture.Count];
        _window = new int[context + 1];
        double total = mixture.Sum(p => p.Weight);
        for (int i = 0; i < _sources.Length; i++)
        {
            MixturePart part = mixture[i];
            if (part.Store.Tokens == 0 || part.Store.Documents == 0) throw new CratonException($"Source {i} of the mixture has no tokens; check what cleaning and the split left of it.");
            if (!(part.Weight > 0) || !double.IsFinite(total)) throw new CratonException($"The weight of source {i} must be positive, got {part.Weight}; leave out sources that are not wanted.");
            _sources[i] = new Source { Store = part.Store, Share = part.Weight / total };
            Enter(i, 0, 0, 0);
        }

        _fingerprint = Fingerprint();
    }

    /// <summary>Creates a loader of one source.</summary>
    public TokenLoader(TokenStore store, int context, TokenLoaderOptions? options = null) : this([new MixturePart(store)], context, options) { }

    /// <inheritdoc/>
    public override LoaderState State
    {
        get => new(_fingerprint, _rows, [.. _sources.Select(s => new SourceCursor(s.Epoch, s.Document, s.Offset, s.Rows))]);
        set
        {
            Check(value, _fingerprint, _sources.Length);
            _rows = value.Rows;
            for (int i = 0; i < _sources.Length; i++)
            {
                SourceCursor cursor = value.Sources[i];
                Enter(i, cursor.Epoch, cursor.Document, cursor.Offset);
                _sources[i].Rows = cursor.Rows;
            }
        }
    }

    /// <summary>Passes over rows without using them: rank r of n ranks fills its part of a global batch and skips the others'.</summary>
    public void Skip(int rows)
    {
        int[] scratch = new int[4 * Context];
        for (int i = 0; i < rows; i++)
            NextRow(scratch.AsSpan(0, Context), scratch.AsSpan(Context, Context), scratch.AsSpan(2 * Context, Context), scratch.AsSpan(3 * Context, Context));
    }

    private protected override void NextRow(Span<int> inputs, Span<int> targets, Span<int> documentIds, Span<int> positions)
    {
        ref Source source = ref _sources[Choose()];
        int at = 0;
        for (int document = 0; at < Context; document++)
        {
            if (_options is { Isolate: true, Begin: { } begin })
            {
                at += Shifted(ref source, begin, document, inputs[at..], targets[at..], documentIds[at..], positions[at..]);
                if (source.Offset == source.Length) NextDocument(ref source);
                continue;
            }

            int take = (int)Math.Min(Context - at, source.Length - source.Offset);
            bool ends = source.Offset + take == source.Length;

            // One more token than the inputs: the target of the last of them.
            Span<int> window = _window.AsSpan(0, ends ? take : take + 1);
            source.Store.Read(source.Start + source.Offset, window);
            window[..take].CopyTo(inputs[at..]);
            window[1..].CopyTo(targets[at..]);
            if (ends) targets[at + take - 1] = Ignore;
            documentIds.Slice(at, take).Fill(document);
            for (int i = 0; i < take; i++) positions[at + i] = i;

            // Not isolated: the first token that follows, in this row or the next, is the target of the last one of this document.
            source.Offset += take;
            if (ends) NextDocument(ref source);
            if (ends && !_options.Isolate)
            {
                source.Store.Read(source.Start, _window.AsSpan(0, 1));
                targets[at + take - 1] = _window[0];
            }

            at += take;
        }

        if (!_options.Isolate) Flatten(documentIds, positions);
        source.Rows++;
        _rows++;
    }

    // As much of the current document as fits, every stored token as the target of the one before it.
    private static int Shifted(ref Source source, int begin, int document, Span<int> inputs, Span<int> targets, Span<int> documentIds, Span<int> positions)
    {
        int take = (int)Math.Min(inputs.Length, source.Length - source.Offset);
        source.Store.Read(source.Start + source.Offset, targets[..take]);
        inputs[0] = begin;
        if (source.Offset > 0) source.Store.Read(source.Start + source.Offset - 1, inputs[..1]);
        targets[..(take - 1)].CopyTo(inputs[1..]);
        documentIds[..take].Fill(document);
        for (int i = 0; i < take; i++) positions[i] = i;
        source.Offset += take;
        return take;
    }

    private static void Flatten(Span<int> documentIds, Span<int> positions)
    {
        documentIds.Clear();
        for (int i = 0; i < positions.Length; i++) positions[i] = i;
    }

    /// <summary>The source that is furthest behind its share: proportions hold to within a row at any moment, without randomness.</summary>
    private int Choose()
    {
        int best = 0;
        double most = double.MinValue;
        for (int i = 0; i < _sources.Length; i++)
        {
            double behind = _sources[i].Share * (_rows + 1) - _sources[i].Rows;
            if (behind > most) (most, best) = (behind, i);
        }

        return best;
    }

    private void Enter(int index, long epoch, long document, long offset)
    {
        ref Source source = ref _sources[index];
        if (epoch < 0 || document < 0 || document >= source.Store.Documents) throw new CratonException("The checkpoint's place in the data is damaged: its document does not exist; resume from an earlier checkpoint.");
        StartEpoch(ref source, epoch);
        source.Document = document;
        Locate(ref source);
        if (source.Length == 0) NextDocument(ref source);
        if (offset < 0 || offset > source.Length) throw new CratonException("The checkpoint's place in the data is damaged: it lies behind the end of its document; resume from an earlier checkpoint.");
        source.Offset = offset;
    }

    private void NextDocument(ref Source source)
    {
        do
        {
            if (++source.Document == source.Store.Documents)
            {
                StartEpoch(ref source, source.Epoch + 1);
                source.Document = 0;
            }

            Locate(ref source);
        }
        while (source.Length == 0); // a store with tokens has a document that is not empty

        source.Offset = 0;
    }

    private void StartEpoch(ref Source source, long epoch)
    {
        source.Epoch = epoch;
        source.Order = new Permutation(source.Store.Documents, StableHash.Combine(_options.Seed, (ulong)epoch));
    }

    private void Locate(ref Source source) =>
        (source.Start, source.Length) = source.Store.Document(_options.Shuffle ? source.Order[source.Document] : source.Document);

    private string Fingerprint()
    {
        string settings = string.Create(CultureInfo.InvariantCulture, $"{Context} {_options.Seed} {_options.Shuffle} {_options.Isolate} {_options.Begin}");
        ulong hash = StableHash.Of(settings);
        foreach (Source source in _sources)
        {
            string part = string.Create(CultureInfo.InvariantCulture, $"{source.Store.Documents} {source.Store.Tokens} {source.Share:R}");
            hash = StableHash.Of(part, hash);
            if (source.Store is TokenShards shards) hash = StableHash.Of(shards.Manifest.TokenizerSha256, hash);
        }

        return hash.ToString("x16", CultureInfo.InvariantCulture);
    }
}
