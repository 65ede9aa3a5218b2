using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>What is brought near while a tile is computed, for what comes next. Asked for one after the other the lines cost nothing; all at once they would
/// fill the queue that the tile's own reads wait in.</summary>
/// <param name="c">Of the tile of C that comes next.</param>
/// <param name="b">Of the next panel of B.</param>
internal readonly struct TileFetch(FetchLines c, FetchLines b)
{
    public readonly FetchLines C = c, B = b;

    /// <summary>Pairs of lines of the longer of both.</summary>
    public int Count => Math.Max(C.Count, B.Count);

    /// <summary>Asks for all at once.</summary>
    public void Now()
    {
        C.Now();
        B.Now();
    }
}

/// <summary>Pairs of lines side by side; any address will do.</summary>
/// <param name="first">In the first line.</param>
/// <param name="stride">Distance of the pairs.</param>
/// <param name="count">Number of pairs.</param>
internal readonly unsafe struct FetchLines(float* first, nint stride, int count)
{
    /// <summary>Floats of a line.</summary>
    public const int Line = 16;

    public readonly float* First = first;
    public readonly nint Stride = stride;
    public readonly int Count = count;

    /// <summary>Asks for all at once.</summary>
    public void Now()
    {
        if (!Sse.IsSupported) return;
        float* line = First;
        for (int i = 0; i < Count; i++, line += Stride)
        {
            Sse.Prefetch1(line);
            Sse.Prefetch1(line + Line);
        }
    }
}
