namespace Craton.Tensors.Memory;

/// <summary>A large array that ranges are cut from.</summary>
/// <param name="Number">Segments are numbered in the order they were made in.</param>
/// <param name="Memory">The array.</param>
internal sealed record PoolSegment(int Number, Storage Memory)
{
    /// <summary>The range at its begin.</summary>
    public required PoolRange First { get; set; }
}

/// <summary>A range of a segment, free or leased, between its neighbours.</summary>
internal sealed class PoolRange
{
    public PoolSegment Segment { get; set; } = null!;

    public long Offset { get; set; }

    public long Bytes { get; set; }

    public PoolRange? Previous { get; set; }

    public PoolRange? Next { get; set; }

    public bool IsFree { get; set; }

    /// <summary>Who has leased it. Weak: a block that every tensor has forgotten is found and used again.</summary>
    public WeakReference<Storage> Lessee { get; } = new(null!);
}

/// <summary>
/// Ranges of a few large segments. A lease takes the smallest free range that is large enough, of these the first, and splits off what it
/// does not need; a range that comes back is joined with its free neighbours. So the memory of activations serves gradients of other sizes,
/// and nothing is rounded up but to whole cache lines. Not for several threads at once.
/// </summary>
internal sealed class SegmentHeap
{
    private const long SegmentBytes = 64L << 20, LargePage = 2 << 20, UnsearchedBytes = 256L << 20;

    private readonly List<PoolSegment> _segments = [];
    private readonly List<PoolRange> _free = []; // by size, then by place
    private readonly Stack<PoolRange> _idleRanges = [];
    private readonly Stack<Storage> _idleStorages = [];
    private long _leased, _remembered = UnsearchedBytes;
    private int _made;

    /// <summary>Bytes of all segments.</summary>
    public long Bytes { get; private set; }

    /// <summary>A block of exactly so many bytes, a multiple of 64; null when no free range is large enough.</summary>
    public Storage? Take(long bytes)
    {
        int at = Place(bytes, 0, 0);
        if (at == _free.Count) return null;
        PoolRange range = _free[at];
        _free.RemoveAt(at);
        if (range.Bytes > bytes) Split(range, bytes);
        range.IsFree = false;
        _leased += bytes;
        Storage storage = _idleStorages.Count > 0 ? _idleStorages.Pop() : new Storage();
        storage.Attach(range);
        range.Lessee.SetTarget(storage);
        return storage;
    }

    /// <summary>Makes a segment that a block of so many bytes fits in.</summary>
    public void Grow(long bytes)
    {
        bytes = Math.Max(SegmentBytes, (bytes + LargePage - 1) & -LargePage);
        PoolRange range = Idle();
        var segment = new PoolSegment(_made++, Storage.Allocate(bytes)) { First = range };
        (range.Segment, range.Offset, range.Bytes) = (segment, 0, bytes);
        _segments.Add(segment);
        Bytes += bytes;
        Free(range);
    }

    /// <summary>Takes a block back.</summary>
    public void Return(Storage storage)
    {
        PoolRange range = storage.Range!;
        storage.Attach(null);
        _idleStorages.Push(storage);
        _leased -= range.Bytes;
        Join(range);
    }

    /// <summary>Takes back what its lessees have forgotten.</summary>
    /// <returns>Bytes found.</returns>
    public long Search()
    {
        // Only a collection tells what is forgotten. One for each doubling costs next to nothing, and garbage stays below what is in use.
        bool collects = _leased >= 2 * _remembered;
        if (collects) GC.Collect();
        long found = 0;
        foreach (PoolSegment segment in _segments)
            for (PoolRange? range = segment.First; range is not null; range = range.Next)
                if (!range.IsFree && !range.Lessee.TryGetTarget(out _))
                {
                    found += range.Bytes;
                    range = Join(range);
                }
        _leased -= found;
        if (collects) _remembered = Math.Max(UnsearchedBytes, _leased);
        return found;
    }

    /// <summary>Gives segments that are free as a whole to the garbage collector.</summary>
    public void Trim()
    {
        for (int i = _segments.Count - 1; i >= 0; i--)
        {
            PoolRange first = _segments[i].First;
            if (!first.IsFree || first.Next is not null) continue;
            _free.RemoveAt(Place(first));
            Bytes -= first.Bytes;
            _segments.RemoveAt(i);
        }
    }

    private void Split(PoolRange range, long bytes)
    {
        PoolRange rest = Idle();
        (rest.Segment, rest.Offset, rest.Bytes) = (range.Segment, range.Offset + bytes, range.Bytes - bytes);
        (rest.Previous, rest.Next) = (range, range.Next);
        if (range.Next is { } next) next.Previous = rest;
        (range.Next, range.Bytes) = (rest, bytes);
        Free(rest);
    }

    // Makes a range free, as one with its free neighbours.
    private PoolRange Join(PoolRange range)
    {
        if (range.Next is { IsFree: true } next) Absorb(range, next);
        if (range.Previous is { IsFree: true } previous)
        {
            _free.RemoveAt(Place(previous));
            Absorb(previous, range, isListed: false);
            range = previous;
        }
        Free(range);
        return range;
    }

    private void Absorb(PoolRange range, PoolRange next, bool isListed = true)
    {
        if (isListed) _free.RemoveAt(Place(next));
        (range.Bytes, range.Next) = (range.Bytes + next.Bytes, next.Next);
        if (next.Next is { } after) after.Previous = range;
        (next.Previous, next.Next) = (null, null);
        _idleRanges.Push(next);
    }

    private void Free(PoolRange range)
    {
        range.IsFree = true;
        _free.Insert(Place(range), range);
    }

    private PoolRange Idle() => _idleRanges.Count > 0 ? _idleRanges.Pop() : new PoolRange();

    private int Place(PoolRange range) => Place(range.Bytes, range.Segment.Number, range.Offset);

    // The first free range that does not come before this one.
    private int Place(long bytes, int segment, long offset)
    {
        int low = 0, high = _free.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            PoolRange range = _free[middle];
            bool before = range.Bytes != bytes ? range.Bytes < bytes : range.Segment.Number != segment ? range.Segment.Number < segment : range.Offset < offset;
            if (before) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
