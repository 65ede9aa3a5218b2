using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Asks the first-level cache for lines before they are needed, where the order of reads or writes does not tell the processor which come next.
/// <see cref="FetchLines"/> asks the second-level one for what a whole tile needs later.</summary>
internal static unsafe class CacheLines
{
    /// <summary>Brings a place near. It need not be one that may be read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* at)
    {
        if (Sse.IsSupported) Sse.Prefetch0(at);
    }

    /// <summary>Brings four places near that lie a step apart: a store alone would wait for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchFour(float* at, nint step)
    {
        Fetch(at);
        Fetch(at + step);
        Fetch(at + (2 * step));
        Fetch(at + (3 * step));
    }
}
