using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Adjacent values that a panel takes over: from where, counted from the place of a step, and to which column.</summary>
internal readonly record struct PanelPiece(nint From, int To)
{
    /// <summary>The most values of a piece.</summary>
    public const int Length = 16;
}

/// <summary>Packs panels [step][column] of patches: the patches of a convolution are the same values at other places, step by step.</summary>
internal static unsafe class PatchPanel
{
    /// <summary>
    /// panel[step · width + piece.To + i] = source[steps[step] + piece.From + i] for the values i of every piece. Always whole
    /// <see cref="PanelPiece.Length"/> values are copied, which the next piece or step overwrites: as many are read and written beyond the ends.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* source, nint* steps, int count, ReadOnlySpan<PanelPiece> pieces, int width, float* panel)
    {
        if (pieces.Length == 1 && pieces[0].To == 0)
        {
            source += pieces[0].From;
            for (int k = 0; k < count; k++, panel += width) Vector512.Store(Vector512.Load(source + steps[k]), panel);
            return;
        }
        if (pieces.Length == 2)
        {
            nint first = pieces[0].From, second = pieces[1].From;
            int place = pieces[1].To;
            for (int k = 0; k < count; k++, panel += width)
            {
                float* from = source + steps[k];
                Vector512.Store(Vector512.Load(from + first), panel);
                Vector512.Store(Vector512.Load(from + second), panel + place);
            }
            return;
        }
        for (int k = 0; k < count; k++, panel += width)
        {
            float* from = source + steps[k];
            foreach (PanelPiece piece in pieces) Vector512.Store(Vector512.Load(from + piece.From), panel + piece.To);
        }
    }
}
