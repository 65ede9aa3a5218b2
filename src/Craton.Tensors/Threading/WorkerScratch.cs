using System.Numerics;
using Craton.Tensors.Memory;

namespace Craton.Tensors.Threading;

/// <summary>Working memory of a task, kept by its thread from run to run: after the first few runs nothing is allocated.</summary>
public static unsafe class WorkerScratch
{
    // From this size on a buffer is made of large pages: packed operands are read over and over, and would miss the table of small ones.
    private const long Large = 128 << 10, LargePage = 2 << 20;

    // One buffer for each depth of nested runs, so that a run inside a task does not overwrite what that task holds. They lie in pinned
    // arrays rather than in native memory: they go with their thread, without a finalizer.
    [ThreadStatic] private static Storage?[]? t_buffers;

    // The largest demand of any thread at each depth: a thread that happens to meet the large task late has grown for it already.
    private const int Depths = 8;
    private static readonly long[] s_demand = new long[Depths];

    /// <summary>Memory of at least <paramref name="bytes"/> bytes with arbitrary content, aligned to 64 bytes. It is the task's until it
    /// ends or calls this again: a task that needs several buffers rents once and divides.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than 2 GiB.</exception>
    public static void* Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Array.MaxLength);
        int depth = WorkerPool.Depth;
        bytes = Demand(ref s_demand[Math.Min(depth, Depths - 1)], bytes);
        Storage?[] buffers = t_buffers ??= [];
        if (depth >= buffers.Length)
        {
            Array.Resize(ref t_buffers, depth + 1);
            buffers = t_buffers;
        }
        if (buffers[depth] is not { } buffer || buffer.Bytes < bytes)
        {
            buffers[depth] = null; // let the old one go before the larger is made
            buffer = buffers[depth] = Storage.Allocate(Grown(bytes));
        }
        return buffer.Pointer;
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
    private static long Grown(long bytes)
    {
        long size = (long)BitOperations.RoundUpToPowerOf2((ulong)bytes + 4096);
        return size < Large ? size : Math.Max(size, LargePage);
    }
}
