using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Copies of operands in the order in which the tiles read them. Sources are large and read across their rows, so the loops fetch
/// ahead by hand.</summary>
internal static unsafe class GemmPacking
{
    /// <summary>How many floats beyond its end packing may overwrite.</summary>
    public const int Overrun = 16;

    private const int StepsAhead = 8;

    /// <summary>
    /// Packs a panel [k][width]: <c>panel[k·width + i] = source[i·stride + k·kStride]</c> for i &lt; used, and 0 for used ≤ i &lt; width.
    /// i counts rows of A or columns of B. Up to <see cref="Overrun"/> floats after the panel are overwritten. Of adjacent elements
    /// <paramref name="readable"/> may be read, where more than the used ones are there.
    /// </summary>
    public static void Pack(float* source, nint stride, nint kStride, int used, int width, int k, float* panel, int readable = 0)
    {
        if (stride == 1 && used <= Vector256<float>.Count && readable >= Vector256<float>.Count)
            PackAdjacent256(source, kStride, width, k, panel);
        else if (stride == 1 && used <= Vector512<float>.Count && readable >= Vector512<float>.Count)
            PackAdjacent512(source, kStride, width, k, panel);
        else if (stride == 1)
            PackAdjacent(source, kStride, used, width, k, panel);
        else if (kStride == 1 && (Sse.IsSupported || AdvSimd.Arm64.IsSupported))
            PackTransposed(source, stride, used, width, k, panel);
        else
            PackAny(source, stride, kStride, 0, used, 0, k, width, panel);
        if (used < width)
            ClearRest(used, width, k, panel);
    }

    /// <summary>The elements of a step lie side by side: copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAdjacent(float* source, nint kStride, int used, int width, int k, float* panel)
    {
        for (int p = 0; p < k; p++, source += kStride, panel += width)
        {
            Prefetch(source + (StepsAhead * kStride));
            if (used > 16)
                Prefetch(source + (StepsAhead * kStride) + 16);
            int i = 0;
            for (; i <= used - 16; i += 16)
                Vector512.Store(Vector512.Load(source + i), panel + i);
            for (; i <= used - 4; i += 4)
                Vector128.Store(Vector128.Load(source + i), panel + i);
            for (; i < used; i++)
                panel[i] = source[i];
        }
    }

    /// <summary>Up to 16 elements of a step by one copy of 16: what it writes too much, the next step writes over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAdjacent512(float* source, nint kStride, int width, int k, float* panel)
    {
        for (int p = 0; p < k; p++, source += kStride, panel += width)
        {
            Prefetch(source + (StepsAhead * kStride));
            Vector512.Store(Vector512.Load(source), panel);
        }
    }

    /// <summary>Up to 8 elements of a step, in the same way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAdjacent256(float* source, nint kStride, int width, int k, float* panel)
    {
        for (int p = 0; p < k; p++, source += kStride, panel += width)
        {
            Prefetch(source + (StepsAhead * kStride));
            Vector256.Store(Vector256.Load(source), panel);
        }
    }

    /// <summary>The steps of an element lie side by side: transpose squares of 4×4 in registers, several beside each other in the wider
    /// ones.</summary>
    private static void PackTransposed(float* source, nint stride, int used, int width, int k, float* panel)
    {
        // A group of fewer than four rows is packed as if it had four, the last one repeated. What it writes too much, at the begin of the
        // following step, is then written over by the groups packed after it, and within this group by that step itself.
        int ragged = used & 3, full = used - ragged;
        if (ragged > 0)
            PackSquares(source + (full * stride), stride, ragged - 1, width, k, panel + full);
        int i = 0;
        if (Avx512F.IsSupported)
        {
            for (; i <= full - 16; i += 16)
                PackSquares512(source + (i * stride), stride, width, k, panel + i);
        }
        if (Avx.IsSupported)
        {
            for (; i <= full - 8; i += 8)
                PackSquares256(source + (i * stride), stride, width, k, panel + i);
        }
        for (; i < full; i += 4)
            PackSquares(source + (i * stride), stride, 3, width, k, panel + i);
        PackAny(source, stride, 1, 0, used, k & ~3, k, width, panel);
    }

    /// <summary>Four rows, those after <paramref name="lastRow"/> being it again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares(float* source, nint stride, int lastRow, int width, int k, float* panel)
    {
        float* s1 = source + (Math.Min(1, lastRow) * stride), s2 = source + (Math.Min(2, lastRow) * stride), s3 = source + (lastRow * stride);
        for (int p = 0; p <= k - 4; p += 4, panel += 4 * width)
        {
            Vector128<float> r0 = Vector128.Load(source + p), r1 = Vector128.Load(s1 + p);
            Vector128<float> r2 = Vector128.Load(s2 + p), r3 = Vector128.Load(s3 + p);
            Vector128<double> low01 = ZipLow(r0, r1).AsDouble(), low23 = ZipLow(r2, r3).AsDouble();
            Vector128<double> high01 = ZipHigh(r0, r1).AsDouble(), high23 = ZipHigh(r2, r3).AsDouble();
            ZipLow(low01, low23).AsSingle().Store(panel);
            ZipHigh(low01, low23).AsSingle().Store(panel + width);
            ZipLow(high01, high23).AsSingle().Store(panel + (2 * width));
            ZipHigh(high01, high23).AsSingle().Store(panel + (3 * width));
        }
    }

    /// <summary>Eight rows: register r holds row r in its low half and row r + 4 in its high half; each half is a square of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares256(float* source, nint stride, int width, int k, float* panel)
    {
        for (int p = 0; p <= k - 4; p += 4, source += 4, panel += 4 * width)
        {
            Prefetch(source + ((8 + ((p >> 2) & 3)) * stride));
            Prefetch(source + ((12 + ((p >> 2) & 3)) * stride));
            Vector256<float> r0 = Pair(source, stride), r1 = Pair(source + stride, stride);
            Vector256<float> r2 = Pair(source + (2 * stride), stride), r3 = Pair(source + (3 * stride), stride);
            Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), low23 = Avx.UnpackLow(r2, r3).AsDouble();
            Vector256<double> high01 = Avx.UnpackHigh(r0, r1).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
            Avx.UnpackLow(low01, low23).AsSingle().Store(panel);
            Avx.UnpackHigh(low01, low23).AsSingle().Store(panel + width);
            Avx.UnpackLow(high01, high23).AsSingle().Store(panel + (2 * width));
            Avx.UnpackHigh(high01, high23).AsSingle().Store(panel + (3 * width));
        }
    }

    /// <summary>Sixteen rows: register r holds rows r, r + 4, r + 8 and r + 12; each quarter is a square of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares512(float* source, nint stride, int width, int k, float* panel)
    {
        for (int p = 0; p <= k - 4; p += 4, source += 4, panel += 4 * width)
        {
            float* ahead = source + ((16 + ((p >> 2) & 3)) * stride);
            Prefetch(ahead);
            Prefetch(ahead + (4 * stride));
            Prefetch(ahead + (8 * stride));
            Prefetch(ahead + (12 * stride));
            Vector512<float> r0 = Quad(source, stride), r1 = Quad(source + stride, stride);
            Vector512<float> r2 = Quad(source + (2 * stride), stride), r3 = Quad(source + (3 * stride), stride);
            Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
            Vector512<double> high01 = Avx512F.UnpackHigh(r0, r1).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
            Avx512F.UnpackLow(low01, low23).AsSingle().Store(panel);
            Avx512F.UnpackHigh(low01, low23).AsSingle().Store(panel + width);
            Avx512F.UnpackLow(high01, high23).AsSingle().Store(panel + (2 * width));
            Avx512F.UnpackHigh(high01, high23).AsSingle().Store(panel + (3 * width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* source, nint stride)
        => Vector256.Create(Vector128.Load(source), Vector128.Load(source + (4 * stride)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quad(float* source, nint stride)
        => Vector512.Create(Pair(source, stride), Pair(source + (8 * stride), stride));

    /// <summary>x0 y0 x1 y1</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipLow(Vector128<float> x, Vector128<float> y)
        => Sse.IsSupported ? Sse.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    /// <summary>x2 y2 x3 y3</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipHigh(Vector128<float> x, Vector128<float> y)
        => Sse.IsSupported ? Sse.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> ZipLow(Vector128<double> x, Vector128<double> y)
        => Sse2.IsSupported ? Sse2.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> ZipHigh(Vector128<double> x, Vector128<double> y)
        => Sse2.IsSupported ? Sse2.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);

    /// <summary>A hint; any address will do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>Elements [iStart, iEnd) of steps [kStart, kEnd), one by one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAny(float* source, nint stride, nint kStride, int iStart, int iEnd, int kStart, int kEnd, int width, float* panel)
    {
        for (int i = iStart; i < iEnd; i++)
        {
            float* from = source + (i * stride);
            for (int p = kStart; p < kEnd; p++)
                panel[((nint)p * width) + i] = from[p * kStride];
        }
    }

    private static void ClearRest(int used, int width, int k, float* panel)
    {
        for (int p = 0; p < k; p++, panel += width)
            new Span<float>(panel + used, width - used).Clear();
    }
}
