using System.Numerics;

namespace Craton.Tensors.Memory;

/// <summary>
/// Stock of tensor memory. A lease takes a block of the fitting size class (four classes per power of two, so at most a quarter is
/// unused); a block comes back when its last tensor is released. In steady state every lease is served from stock: see <see cref="Misses"/>.
/// </summary>
public static unsafe class MemoryPool
{
    private const int ClassesPerOctave = 4;
    private const long LargestUnasked = 1L << 30; // bytes beyond which the machine's memory is asked for

    private static readonly Stack<Storage>?[] Stock = new Stack<Storage>?[64 * ClassesPerOctave];
    private static readonly Lock Gate = new();

    /// <summary>How often a lease found no block in stock and allocated one.</summary>
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

    /// <summary>Gives all stocked blocks to the garbage collector.</summary>
    public static void Trim()
    {
        lock (Gate) Array.Clear(Stock);
    }

    /// <exception cref="CratonException">The machine has not that much memory.</exception>
    internal static Storage Lease(long bytes)
    {
        if (bytes > LargestUnasked) RefuseBeyondMemory(bytes);
        (int bucket, long size) = SizeClass(bytes);
        lock (Gate)
        {
            LeasedBytes += size;
            PeakBytes = Math.Max(PeakBytes, LeasedBytes);
            if (Stock[bucket] is { Count: > 0 } stack) return stack.Pop();
            Misses++;
        }
        return Storage.Allocate(size, bucket);
    }

    internal static void Return(Storage storage)
    {
        if (storage.Bucket < 0) return;
        if (TensorScope.Checks) new Span<byte>(storage.Pointer, (int)Math.Min(storage.Bytes, int.MaxValue)).Fill(0xFF); // NaN in every float type
        lock (Gate)
        {
            LeasedBytes -= storage.Bytes;
            (Stock[storage.Bucket] ??= new Stack<Storage>()).Push(storage);
        }
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

    // Sizes 64·(4..7)/4·2^k: 64, 80, 96, 112, 128, 160, … rounded up to whole cache lines.
    private static (int Bucket, long Size) SizeClass(long bytes)
    {
        long lines = Math.Max(1, (bytes + 63) / 64);
        int octave = BitOperations.Log2((ulong)lines);
        long step = Math.Max(1, (1L << octave) / ClassesPerOctave);
        long part = (lines - (1L << octave) + step - 1) / step;
        return (octave * ClassesPerOctave + (int)part, ((1L << octave) + part * step) * 64);
    }
}
