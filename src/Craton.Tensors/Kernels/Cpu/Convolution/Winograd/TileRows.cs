using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Transformed values go to 16 places that lie far apart, in the second-level cache.</summary>
internal static unsafe class TileRows
{
    /// <summary>Brings four of the places that are written soon near: a store alone would wait for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* to, nint step)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(to);
        Sse.Prefetch0(to + step);
        Sse.Prefetch0(to + (2 * step));
        Sse.Prefetch0(to + (3 * step));
    }
}
