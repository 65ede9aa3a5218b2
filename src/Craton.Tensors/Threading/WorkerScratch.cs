using System.Numerics;
using System.Runtime.InteropServices;

namespace Craton.Tensors.Threading;

/// <summary>Working memory of a task, kept by its thread from run to run: after the first few runs nothing is allocated.</summary>
public static unsafe class WorkerScratch
{
    private const int Alignment = 64;

    // One buffer for each depth of nested runs, so that a run inside a task does not overwrite what that task holds. Pinned arrays rather
    // than native memory: they go with their thread, without a finalizer.
    [ThreadStatic] private static byte[]?[]? t_buffers;

    // The largest demand of any thread at each depth: a thread that happens to meet the large task late has grown for it already.
    private const int Depths = 8;
    private static readonly long[] s_demand = new long[Depths];

    /// <summary>Memory of at least <paramref name="bytes"/> bytes with arbitrary content, aligned to 64 bytes. It is the task's until it
    /// ends or calls this again: a task that needs several buffers rents once and divides.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than 2 GiB.</exception>
    public static void* Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Array.MaxLength - Alignment);
        int depth = WorkerPool.Depth;
        bytes = Demand(ref s_demand[Math.Min(depth, Depths - 1)], bytes);
        byte[]?[] buffers = t_buffers ??= [];
        if (depth >= buffers.Length)
        {
            Array.Resize(ref t_buffers, depth + 1);
            buffers = t_buffers;
        }
        byte[]? buffer = buffers[depth];
        if (buffer is null || buffer.Length < bytes + Alignment)
        {
            buffers[depth] = null; // let the old one go before the larger is made
            buffer = buffers[depth] = GC.AllocateUninitializedArray<byte>(Grown(bytes), pinned: true);
        }
        nuint address = (nuint)Marshal.UnsafeAddrOfPinnedArrayElement(buffer, 0);
        return (void*)((address + (Alignment - 1)) & ~(nuint)(Alignment - 1));
    }

    private static long Demand(ref long largest, long bytes)
    {
        long known = Volatile.Read(ref largest);
        while (bytes > known)
        {
            long before = Interlocked.CompareExchange(ref largest, bytes, known);
            if (before == known) return bytes;
            known = before;
        }
        return known;
    }

    /// <summary>Rounds up to the next power of two, so that slowly growing demands settle soon.</summary>
    private static int Grown(long bytes)
        => (int)Math.Min(Array.MaxLength, (long)BitOperations.RoundUpToPowerOf2((ulong)bytes + Alignment + 4096));
}
