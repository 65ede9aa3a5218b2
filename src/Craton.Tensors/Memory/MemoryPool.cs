namespace Craton.Tensors.Memory;

/// <summary>
/// The memory of tensors. What a scope or a tape will return is leased from a heap of large segments, where it is used again for whatever
/// comes next; what is made to last has an array of its own. In steady state every lease is served from the heap: see <see cref="Misses"/>.
/// </summary>
public static unsafe class MemoryPool
{
    private const long LargestUnasked = 1L << 30; // bytes beyond which the machine's memory is asked for

    private static readonly SegmentHeap Heap = new();
    private static readonly Lock Gate = new();

    /// <summary>How often a lease found no free memory and allocated.</summary>
    public static long Misses { get; private set; }

    /// <summary>Bytes now leased to tensors.</summary>
    public static long LeasedBytes { get; private set; }

    /// <summary>The greatest value <see cref="LeasedBytes"/> has had since <see cref="ResetPeak"/>.</summary>
    public static long PeakBytes { get; private set; }

    /// <summary>Starts a new measurement of <see cref="PeakBytes"/>.</summary>
    public static void ResetPeak()
    {
        lock (Gate) PeakBytes = LeasedBytes;
    }

    /// <summary>Gives memory that is not leased to the garbage collector, as far as nothing lies beside it.</summary>
    public static void Trim()
    {
        lock (Gate)
        {
            LeasedBytes -= Heap.Search();
            Heap.Trim();
        }
    }

    /// <summary>A block that will be returned.</summary>
    /// <exception cref="CratonException">The machine has not that much memory.</exception>
    internal static Storage Lease(long bytes)
    {
        if (bytes > LargestUnasked) RefuseBeyondMemory(bytes);
        bytes = Math.Max(64, (bytes + 63) & -64L);
        lock (Gate)
        {
            if (Heap.Take(bytes) is not { } storage)
            {
                LeasedBytes -= Heap.Search();
                storage = Heap.Take(bytes);
            }
            if (storage is null)
            {
                Misses++;
                Heap.Grow(bytes);
                storage = Heap.Take(bytes)!;
            }
            Count(storage);
            return storage;
        }
    }

    /// <summary>A block that lasts: an array of its own, which is the garbage collector's when it is forgotten or returned.</summary>
    /// <exception cref="CratonException">The machine has not that much memory.</exception>
    internal static Storage LeaseLasting(long bytes)
    {
        if (bytes > LargestUnasked) RefuseBeyondMemory(bytes);
        Storage storage = Storage.Allocate(bytes);
        lock (Gate)
        {
            Misses++;
            Count(storage);
        }
        return storage;
    }

    internal static void Return(Storage storage)
    {
        if (!storage.IsLeased) return;
        if (TensorScope.Checks) Poison(storage);
        lock (Gate)
        {
            LeasedBytes -= storage.Bytes;
            storage.IsLeased = false;
            if (storage.Range is not null) Heap.Return(storage);
        }
    }

    private static void Count(Storage storage)
    {
        storage.IsLeased = true;
        LeasedBytes += storage.Bytes;
        PeakBytes = Math.Max(PeakBytes, LeasedBytes);
    }

    // NaN in every float type.
    private static void Poison(Storage storage)
    {
        for (long start = 0; start < storage.Bytes; start += 1 << 30)
            new Span<byte>(storage.Pointer + start, (int)Math.Min(storage.Bytes - start, 1 << 30)).Fill(0xFF);
    }

    // Sizes from a damaged file or a typing error fail here, at once, and not in the machine's swap space.
    private static void RefuseBeyondMemory(long bytes)
    {
        const double Gibibyte = 1L << 30;
        long most = Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, 64L * (Array.MaxLength - (1 << 16)));
        if (bytes > most)
            throw new CratonException(
                $"[tensor] shape: expected at most {most / Gibibyte:F0} GiB, the memory of this machine, got {bytes / Gibibyte:F0} GiB; use a smaller batch, context or model");
    }
}
