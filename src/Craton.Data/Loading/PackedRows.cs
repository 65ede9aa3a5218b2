using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>One supervised example as tokens.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="Learn">For each token whether predicting it is learnt: true for what the assistant says.</param>
public sealed record MaskedExample(int[] Ids, bool[] Learn);

/// <summary>
/// Packs whole examples into rows by best fit, longest first, and pads what is left: an example is never divided, and attends only
/// to itself. The rows come in another order each epoch. Holds the examples in memory.
/// </summary>
public sealed class PackedRows : BatchLoader
{
    private readonly MaskedExample[] _examples;
    private readonly List<List<int>> _packs = [];
    private readonly ulong _seed;
    private readonly int _padId;
    private readonly bool _shuffle;
    private readonly string _fingerprint;
    private Permutation _order;
    private long _epoch, _next, _rows;

    /// <summary>Packs the examples.</summary>
    /// <param name="examples">The examples; those of fewer than 2 tokens teach nothing and are left out.</param>
    /// <param name="context">Tokens in a row. A longer example keeps its first <c>context + 1</c> tokens.</param>
    /// <param name="seed">Seed of the order of rows.</param>
    /// <param name="padId">Input id of positions without a token.</param>
    /// <param name="shuffle">Take the rows in another order each epoch.</param>
    /// <exception cref="CratonException">No example is left, or no token of any is learnt.</exception>
    public PackedRows(IReadOnlyList<MaskedExample> examples, int context, ulong seed = 0, int padId = 0, bool shuffle = true) : base(context)
    {
        (_seed, _padId, _shuffle) = (seed, padId, shuffle);
        _examples = [.. examples.Where(e => e.Ids.Length > 1).Select(Cut)];
        TooShort = examples.Count - _examples.Length;
        if (_examples.Length == 0) throw new CratonException($"There is no example of at least 2 tokens among {examples.Count}; check the conversations and the chat template.");
        if (!_examples.Any(e => e.Learn.AsSpan(1).Contains(true))) throw new CratonException("No token of any example is learnt: every one is masked; check that the conversations have assistant turns and that the context is long enough to reach them.");
        Pack();
        _order = new Permutation(_packs.Count, StableHash.Combine(_seed, 0));
        _fingerprint = Fingerprint();
    }

    /// <summary>Rows in an epoch.</summary>
    public int RowsPerEpoch => _packs.Count;

    /// <summary>Examples that were longer than a row and lost their end.</summary>
    public int Truncated { get; private set; }

    /// <summary>Examples left out because they had fewer than 2 tokens.</summary>
    public int TooShort { get; }

    /// <summary>Share of positions that hold a token.</summary>
    public double Fill => _examples.Sum(e => (double)e.Ids.Length - 1) / ((double)_packs.Count * Context);

    /// <inheritdoc/>
    public override LoaderState State
    {
        get => new(_fingerprint, _rows, [new SourceCursor(_epoch, _next, 0, _rows)]);
        set
        {
            Check(value, _fingerprint, 1);
            SourceCursor cursor = value.Sources[0];
            if (cursor.Epoch < 0 || cursor.Document < 0 || cursor.Document >= _packs.Count) throw new CratonException("The checkpoint's place in the data is damaged: its row does not exist; resume from an earlier checkpoint.");
            (_epoch, _next, _rows) = (cursor.Epoch, cursor.Document, value.Rows);
            _order = new Permutation(_packs.Count, StableHash.Combine(_seed, (ulong)_epoch));
        }
    }

    private protected override void NextRow(Span<int> inputs, Span<int> targets, Span<int> documentIds, Span<int> positions)
    {
        List<int> pack = _packs[(int)(_shuffle ? _order[_next] : _next)];
        int at = 0;
        for (int document = 0; document < pack.Count; document++)
        {
            MaskedExample example = _examples[pack[document]];
            for (int i = 0; i + 1 < example.Ids.Length; i++, at++)
            {
                inputs[at] = example.Ids[i];
                targets[at] = example.Learn[i + 1] ? example.Ids[i + 1] : Ignore;
                documentIds[at] = document;
                positions[at] = i;
            }
        }

        inputs[at..].Fill(_padId);
        targets[at..].Fill(Ignore);
        documentIds[at..].Fill(pack.Count); // padding sees only padding
        for (int i = at; i < Context; i++) positions[i] = i - at;
        Advance();
    }

    private void Advance()
    {
        _rows++;
        if (++_next < _packs.Count) return;
        _next = 0;
        _order = new Permutation(_packs.Count, StableHash.Combine(_seed, (ulong)++_epoch));
    }

    private MaskedExample Cut(MaskedExample example)
    {
        if (example.Ids.Length != example.Learn.Length) throw new ArgumentException($"an example has {example.Ids.Length} tokens but {example.Learn.Length} marks");
        if (example.Ids.Length <= Context + 1) return example;
        Truncated++;
        return new MaskedExample(example.Ids[..(Context + 1)], example.Learn[..(Context + 1)]);
    }

    /// <summary>Best fit decreasing: each example goes to the fullest row that still holds it.</summary>
    private void Pack()
    {
        int[] order = [.. Enumerable.Range(0, _examples.Length).OrderByDescending(i => _examples[i].Ids.Length)]; // stable: equal lengths keep their order
        var open = new RowsByRoom(Context);
        foreach (int i in order)
        {
            int need = _examples[i].Ids.Length - 1;
            (int row, int room) = open.Take(need);
            if (row < 0)
            {
                (row, room) = (_packs.Count, Context);
                _packs.Add([]);
            }

            _packs[row].Add(i);
            open.Put(row, room - need);
        }
    }

    /// <summary>Rows that still have room, found by the least room that suffices: one bit per size, so a search reads Context / 64 words.</summary>
    private sealed class RowsByRoom(int context)
    {
        private readonly Stack<int>?[] _rows = new Stack<int>?[context + 1];
        private readonly ulong[] _sizes = new ulong[context / 64 + 1];

        public void Put(int row, int room)
        {
            if (room == 0) return;
            (_rows[room] ??= new Stack<int>()).Push(row);
            _sizes[room / 64] |= 1UL << room % 64;
        }

        /// <summary>The fullest row with room for <paramref name="need"/> positions, taken out; row -1 when there is none.</summary>
        public (int Row, int Room) Take(int need)
        {
            ulong mask = ulong.MaxValue << need % 64;
            for (int word = need / 64; word < _sizes.Length; word++, mask = ulong.MaxValue)
            {
                ulong sizes = _sizes[word] & mask;
                if (sizes == 0) continue;
                int room = word * 64 + BitOperations.TrailingZeroCount(sizes);
                int row = _rows[room]!.Pop();
                if (_rows[room]!.Count == 0) _sizes[word] &= ~(1UL << room % 64);
                return (row, room);
            }

            return (-1, 0);
        }
    }

    private string Fingerprint()
    {
        ulong hash = StableHash.Of(string.Create(CultureInfo.InvariantCulture, $"packed {Context} {_seed} {_shuffle} {_examples.Length}"));
        foreach (MaskedExample example in _examples) hash = StableHash.Of(MemoryMarshal.Cast<int, char>(example.Ids), hash);
        return hash.ToString("x16", CultureInfo.InvariantCulture);
    }
}
