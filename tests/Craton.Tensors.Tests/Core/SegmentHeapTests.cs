using System.Runtime.CompilerServices;
using Craton.Tensors.Memory;

namespace Craton.Tensors.Tests.Core;

public sealed unsafe class SegmentHeapTests
{
    private const long Mebibyte = 1 << 20;

    private readonly SegmentHeap _heap = new();

    private Storage Lease(long bytes)
    {
        if (_heap.Take(bytes) is { } storage) return storage;
        _heap.Grow(bytes);
        return _heap.Take(bytes)!;
    }

    [Fact]
    public void Free_neighbours_are_joined()
    {
        Storage a = Lease(Mebibyte), b = Lease(2 * Mebibyte), c = Lease(Mebibyte), d = Lease(64);
        byte* start = a.Pointer;
        Assert.Equal((nint)start + (nint)(3 * Mebibyte), (nint)c.Pointer);
        foreach (Storage storage in (Storage[])[a, c, b]) _heap.Return(storage);
        Assert.Equal((nint)start, (nint)Lease(4 * Mebibyte).Pointer);
        GC.KeepAlive(d);
    }

    [Fact]
    public void The_smallest_range_that_is_large_enough_is_taken()
    {
        Storage large = Lease(3 * Mebibyte), between = Lease(64), small = Lease(Mebibyte), last = Lease(64);
        (nint atLarge, nint atSmall) = ((nint)large.Pointer, (nint)small.Pointer);
        _heap.Return(large);
        _heap.Return(small);
        Assert.Equal(atSmall, (nint)Lease(Mebibyte / 2).Pointer);
        Assert.Equal(atLarge, (nint)Lease(2 * Mebibyte).Pointer);
        Assert.Equal(atLarge + (nint)(2 * Mebibyte), (nint)Lease(Mebibyte).Pointer);
        GC.KeepAlive((between, last));
    }

    [Fact]
    public void Whatever_comes_and_goes_ranges_never_overlap_and_all_come_together_again()
    {
        var random = new Random(1);
        var leased = new List<Storage>();
        for (int i = 0; i < 20_000; i++)
        {
            if (leased.Count == 0 || random.Next(100) < (i / 1000 % 2 == 0 ? 60 : 40))
            {
                Storage storage = Lease(64L * random.Next(1, 1 << random.Next(1, 18)));
                *(long*)storage.Pointer = *(long*)(storage.Pointer + storage.Bytes - 8) = i;
                leased.Add(storage);
                continue;
            }
            int at = random.Next(leased.Count);
            Storage gone = leased[at];
            Assert.Equal(*(long*)gone.Pointer, *(long*)(gone.Pointer + gone.Bytes - 8));
            leased.RemoveAt(at);
            _heap.Return(gone);
            if (i % 500 == 0) AssertApart(leased);
        }
        Assert.Equal(0, _heap.Search());
        foreach (Storage storage in leased) _heap.Return(storage);
        _heap.Trim();
        Assert.Equal(0, _heap.Bytes);
    }

    [Fact]
    public void The_same_leases_again_find_their_memory()
    {
        Run();
        long bytes = _heap.Bytes;
        for (int i = 0; i < 10; i++) Run();
        Assert.Equal(bytes, _heap.Bytes);

        // What backward returns serves gradients of other sizes, and these go before the next step.
        void Run()
        {
            Storage[] activations = [.. Enumerable.Range(1, 40).Select(i => Lease(i % 7 * Mebibyte + 64 * i))];
            Storage[] gradients = [.. activations.Reverse().Select((activation, i) =>
            {
                Storage gradient = Lease(i % 5 * Mebibyte + 64);
                _heap.Return(activation);
                return gradient;
            })];
            foreach (Storage gradient in gradients) _heap.Return(gradient);
        }
    }

    [Fact]
    public void Forgotten_blocks_are_found()
    {
        Storage kept = Lease(Mebibyte);
        Forget();
        long bytes = _heap.Bytes, found = 0;
        for (int i = 0; i < 10 && found < 10 * Mebibyte; i++)
        {
            GC.Collect();
            found += _heap.Search();
        }
        Assert.Equal(10 * Mebibyte, found);
        Storage again = Lease(10 * Mebibyte);
        Assert.Equal(bytes, _heap.Bytes);
        GC.KeepAlive((kept, again));

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget()
        {
            for (int i = 0; i < 10; i++) Lease(Mebibyte);
        }
    }

    [Fact]
    public void Without_scopes_memory_stays_bounded()
    {
        // 100 GB of results that nobody returns.
        for (int i = 0; i < 10_000; i++)
            if (_heap.Take(10 * Mebibyte) is null && _heap.Search() == 0) _heap.Grow(10 * Mebibyte);
        Assert.InRange(_heap.Bytes, 1, 1L << 30);
    }

    private static void AssertApart(List<Storage> leased)
    {
        Storage[] sorted = [.. leased.OrderBy(storage => (nint)storage.Pointer)];
        for (int i = 1; i < sorted.Length; i++)
            Assert.True(sorted[i - 1].Pointer + sorted[i - 1].Bytes <= sorted[i].Pointer, "two blocks overlap");
    }
}
