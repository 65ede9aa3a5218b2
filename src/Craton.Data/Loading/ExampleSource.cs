namespace Craton.Data;

/// <summary>One tokenised example with the places that are learnt.</summary>
/// <param name="Ids">The ids.</param>
/// <param name="Learn">Whether each id is a target; as long as <paramref name="Ids"/>.</param>
public sealed record TokenExample(int[] Ids, bool[] Learn);

/// <summary>
/// Whole examples packed into rows, best fit first, each seeing only itself; what stays free is padding without targets. Every pass packs
/// and orders anew.
/// </summary>
public sealed class ExampleSource : IRowSource
{
    private readonly IReadOnlyList<TokenExample> _examples;
    private readonly int _context, _padding;
    private readonly ulong _seed;
    private readonly bool _shuffle;
    private List<List<int>> _packed = [];
    private Permutation _order;
    private long _rows, _epoch, _place;

    /// <summary>Creates the source; examples longer than the context are left out and counted.</summary>
    /// <param name="examples">The examples.</param>
    /// <param name="context">Length of a row.</param>
    /// <param name="padding">Id of free places.</param>
    /// <param name="seed">Decides the order.</param>
    /// <param name="shuffle">False: the order given, for evaluation.</param>
    public ExampleSource(IEnumerable<TokenExample> examples, int context, int padding, ulong seed, bool shuffle = true)
    {
        TokenExample[] all = [.. examples];
        _examples = [.. all.Where(e => e.Ids.Length - 1 <= context && e.Learn.AsSpan(Math.Min(1, e.Learn.Length)).Contains(true))];
        TooLong = all.Count(e => e.Ids.Length - 1 > context);
        WithoutTargets = all.Length - TooLong - _examples.Count;
        (_context, _padding, _seed, _shuffle) = (context, padding, seed, shuffle);
        Pack();
    }

    /// <summary>Examples left out because they do not fit a row.</summary>
    public int TooLong { get; }

    /// <summary>Examples left out because nothing in them is learnt.</summary>
    public int WithoutTargets { get; }

    /// <summary>Examples used.</summary>
    public int Count => _examples.Count;

    /// <summary>Rows of one pass.</summary>
    public int RowsPerPass => _packed.Count;

    /// <inheritdoc />
    public LoaderState State
    {
        get => new() { Rows = _rows, Epoch = _epoch, Place = _place };
        set
        {
            bool samePass = value.Epoch == _epoch;
            (_rows, _epoch, _place) = (value.Rows, value.Epoch, value.Place);
            if (!samePass) Pack();
        }
    }

    /// <inheritdoc />
    public void Next(TokenRow row)
    {
        row.Ids.Fill(_padding);
        row.Targets.Fill(TokenRow.Ignore);
        row.Documents.Fill(-1);
        row.Positions.Clear();
        int filled = 0, document = 0;
        foreach (int index in _packed[(int)(_shuffle ? _order[_place] : _place)])
        {
            (int[] ids, bool[] learn) = _examples[index];
            for (int i = 0; i < ids.Length - 1; i++, filled++)
            {
                row.Ids[filled] = ids[i];
                row.Targets[filled] = learn[i + 1] ? ids[i + 1] : TokenRow.Ignore;
                row.Documents[filled] = document;
                row.Positions[filled] = i;
            }
            document++;
        }
        _rows++;
        if (++_place < _packed.Count) return;
        _place = 0;
        _epoch++;
        Pack();
    }

    // Longest first, each into the fullest row that still takes it; ties among equal lengths fall by the pass's random order.
    private void Pack()
    {
        var shuffled = new Permutation(_examples.Count, _seed, (ulong)_epoch);
        int[] order = [.. Enumerable.Range(0, _examples.Count).Select(i => _shuffle ? (int)shuffled[i] : i).OrderByDescending(i => _examples[i].Ids.Length)];
        var byFree = new Stack<List<int>>?[_context + 1];
        _packed = [];
        foreach (int index in order)
        {
            int length = _examples[index].Ids.Length - 1, free = length;
            while (free <= _context && byFree[free] is not { Count: > 0 }) free++;
            List<int> row;
            if (free > _context)
            {
                free = _context;
                _packed.Add(row = []);
            }
            else row = byFree[free]!.Pop();
            row.Add(index);
            (byFree[free - length] ??= new Stack<List<int>>()).Push(row);
        }
        _order = new Permutation(_packed.Count, _seed ^ 0x5EED, (ulong)_epoch);
    }
}
