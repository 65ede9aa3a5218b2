using System.Runtime.InteropServices;

namespace Craton.Tensors.Threading;

/// <summary>
/// Where threads run. Schedulers of virtual machines may keep two busy threads on one processor while another is idle, which halves the
/// speed of a run for seconds; a worker that sees itself beside another asks to be moved, and is then free again. Advice, never a need:
/// Linux only, and threads are not bound to processors.
/// </summary>
internal static unsafe partial class Processors
{
    private const int MaskWords = 128; // 8192 processors

    private static readonly bool Possible = OperatingSystem.IsLinux();

    /// <summary>The processor that runs the calling thread; −1 where that is not known.</summary>
    public static int Current => Possible ? GetCpu() : -1;

    /// <summary>Moves the calling thread to a processor that is not among those taken, if it may use one.</summary>
    public static void Leave(ReadOnlySpan<int> taken)
    {
        ulong* allowed = stackalloc ulong[MaskWords], free = stackalloc ulong[MaskWords];
        int bytes = GetAffinity(0, MaskWords * sizeof(ulong), allowed);
        if (bytes <= 0) return;
        new ReadOnlySpan<ulong>(allowed, MaskWords).CopyTo(new Span<ulong>(free, MaskWords));
        foreach (int processor in taken)
            if (processor >= 0 && processor < MaskWords * 64) free[processor / 64] &= ~(1UL << (processor % 64));
        if (!new ReadOnlySpan<ulong>(free, MaskWords).ContainsAnyExcept(0UL)) return;
        if (SetAffinity(0, MaskWords * sizeof(ulong), free) == 0) _ = SetAffinity(0, MaskWords * sizeof(ulong), allowed);
    }

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    [SuppressGCTransition]
    private static partial int GetCpu();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);
}
