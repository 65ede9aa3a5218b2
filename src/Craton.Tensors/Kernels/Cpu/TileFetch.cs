using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>What is brought near while a tile is computed, for what comes next. Asked for one after the other the lines cost nothing; all at once they would
/// fill the queue that the tile's own reads wait in.</summary>
/// <param name="c">Of the tile of C that comes next.</param>
/// <param name="b">Of the next panel of B.</param>
internal readonly struct TileFetch(FetchLines c, FetchLines b)
{
    public readonly FetchLines C = c, B = b;

    /// <summary>Groups of lines of the longer of both.</summary>
    public int Count => Math.Max(C.Count, B.Count);

    /// <summary>Asks for all at once.</summary>
    /// <param name="lines">Lines side by side, 1 or 2.</param>
    public void Now(int lines)
    {
        C.Now(lines);
        B.Now(lines);
    }
}

/// <summary>Groups of as many lines side by side as a tile is wide: pairs for registers of 512 bits, otherwise single ones. Any address will do.</summary>
/// <param name="first">In the first line.</param>
/// <param name="stride">Distance of the groups.</param>
/// <param name="count">Number of groups.</param>
internal readonly unsafe struct FetchLines(float* first, nint stride, int count)
{
    /// <summary>Floats of a line.</summary>
    public const int Line = 16;

    public readonly float* First = first;
    public readonly nint Stride = stride;
    public readonly int Count = count;

    /// <summary>Asks for all at once.</summary>
    /// <param name="lines">Lines of a group, 1 or 2.</param>
    public void Now(int lines)
    {
        if (!Sse.IsSupported) return;
        float* line = First;
        for (int i = 0; i < Count; i++, line += Stride)
        {
            Sse.Prefetch1(line);
            if (lines > 1) Sse.Prefetch1(line + Line);
        }
    }
}
