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

    // Panels of rows side by side that are packed at once: 96 rows of the widest tiles are six lines.
    private const int PanelsAtOnce = 8;

    /// <summary>
    /// Packs a panel [k][width]: <c>panel[k·width + i] = source[i·stride + k·kStride]</c> for i &lt; used, and 0 for used ≤ i &lt; width.
    /// i counts rows of A or columns of B. Up to <see cref="Overrun"/> floats after the panel are overwritten.
    /// </summary>
    /// <param name="source">Element (0, 0).</param>
    /// <param name="stride">Distance of i.</param>
    /// <param name="kStride">Distance of k.</param>
    /// <param name="used">Elements of a step.</param>
    /// <param name="width">Places of a step.</param>
    /// <param name="k">Steps.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="fetchesNext">Whether the elements after the last of a step, which another panel takes, are brought near meanwhile.</param>
    public static void Pack(float* source, nint stride, nint kStride, int used, int width, int k, float* panel, bool fetchesNext = false)
    {
        if (stride == 1)
            PackAdjacent(source, kStride, used, width, k, panel);
        else if (kStride == 1 && (Sse.IsSupported || AdvSimd.Arm64.IsSupported))
            PackTransposed(source, stride, used, width, k, panel, fetchesNext);
        else
            PackAny(source, stride, kStride, used, width, k, panel);
        if (used < width)
            ClearRest(used, width, k, panel);
    }

    /// <summary>
    /// Packs the panels of nearly equal height of rows that lie side by side: <c>source[row + k·kStride]</c>. Several at once, so that whole
    /// lines of a step are read. Up to <see cref="Overrun"/> floats after the last panel are overwritten.
    /// </summary>
    /// <param name="source">First row, first step.</param>
    /// <param name="kStride">Distance of steps.</param>
    /// <param name="rows">Rows of all panels, of at most 16 each.</param>
    /// <param name="panels">Number of panels: panel i has rows [rows·i/panels, rows·(i+1)/panels) and begins at k times its first row.</param>
    /// <param name="k">Steps.</param>
    /// <param name="packed">Place of the panels.</param>
    /// <param name="readable">Rows that may be read, at least <paramref name="rows"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackSideBySide(float* source, nint kStride, int rows, int panels, int k, float* packed, int readable)
    {
        int* first = stackalloc int[PanelsAtOnce + 1];
        for (int begin = 0; begin < panels; begin += PanelsAtOnce)
        {
            int count = Math.Min(PanelsAtOnce, panels - begin);
            for (int i = 0; i <= count; i++)
                first[i] = (int)((long)rows * (begin + i) / panels);
            // The last step of each panel, and rows near the end of what may be read, are copied exactly.
            int whole = count;
            while (whole > 0 && first[whole - 1] + 16 > readable)
                whole--;
            bool narrow = first[count] - first[count - 1] <= 8 && first[1] - first[0] <= 8;
            float* step = source;
            for (int p = 0; p < k; p++, step += kStride)
            {
                for (int row = first[0]; row < first[count]; row += 16)
                    CacheLines.Fetch(step + (StepsAhead * kStride) + row);
                int i = 0;
                for (; i < whole && p < k - 1; i++)
                {
                    float* to = packed + ((nint)first[i] * k) + ((nint)p * (first[i + 1] - first[i]));
                    if (narrow)
                        Vector256.Store(Vector256.Load(step + first[i]), to);
                    else
                        Vector512.Store(Vector512.Load(step + first[i]), to);
                }
                for (; i < count; i++)
                {
                    int width = first[i + 1] - first[i];
                    new ReadOnlySpan<float>(step + first[i], width).CopyTo(new Span<float>(packed + ((nint)first[i] * k) + ((nint)p * width), width));
                }
            }
        }
    }

    /// <summary>The elements of a step lie side by side: copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAdjacent(float* source, nint kStride, int used, int width, int k, float* panel)
    {
        for (int p = 0; p < k; p++, source += kStride, panel += width)
        {
            CacheLines.Fetch(source + (StepsAhead * kStride));
            if (used > 16)
                CacheLines.Fetch(source + (StepsAhead * kStride) + 16);
            int i = 0;
            for (; i <= used - 16; i += 16)
                Vector512.Store(Vector512.Load(source + i), panel + i);
            for (; i <= used - 4; i += 4)
                Vector128.Store(Vector128.Load(source + i), panel + i);
            for (; i < used; i++)
                panel[i] = source[i];
        }
    }

    /// <summary>The steps of an element lie side by side: transpose squares in registers.</summary>
    private static void PackTransposed(float* source, nint stride, int used, int width, int k, float* panel, bool fetchesNext)
    {
        int done = 0; // steps
        if (Avx512F.IsSupported && k >= 16)
        {
            // The last group first: what it writes too much at the begin of the following step, the others write over.
            for (int i = (used - 1) & ~15; i >= 0; i -= 16)
                PackSquares512(source + (i * stride), stride, Math.Min(15, used - 1 - i), width, k, panel + i);
            done = k & ~15;
        }
        PackQuads(source + done, stride, used, width, k - done, panel + ((nint)done * width), fetchesNext);
    }

    /// <summary>Four steps at a time, the last four once more than needed where they are not a multiple.</summary>
    private static void PackQuads(float* source, nint stride, int used, int width, int k, float* panel, bool fetchesNext)
    {
        // A group of fewer rows than it has room for is packed as if it were full, the last row repeated. What it writes too much, at the begin of
        // the following step, is then written over by the groups packed after it, and within this group by that step itself.
        int most = Avx.IsSupported ? 8 : 4;
        if (k < 4)
        {
            PackAny(source, stride, 1, used, width, k, panel);
            return;
        }
        for (int i = (used - 1) & -most; i >= 0; i -= most)
        {
            int lastRow = Math.Min(most, used - i) - 1;
            if (lastRow < 4) PackSquares(source + (i * stride), stride, lastRow, width, k, panel + i);
            else PackSquares256(source + (i * stride), stride, lastRow, width, k, panel + i, fetchesNext);
        }
    }

    // The step after those at p, four of which are left.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Next(int p, int k) => p + 4 < k ? Math.Min(p + 4, k - 4) : k;

    /// <summary>Four rows, those after <paramref name="lastRow"/> being it again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares(float* source, nint stride, int lastRow, int width, int k, float* panel)
    {
        float* s1 = source + (Math.Min(1, lastRow) * stride), s2 = source + (Math.Min(2, lastRow) * stride), s3 = source + (lastRow * stride);
        for (int p = 0, next; p < k; panel += (nint)(next - p) * width, p = next)
        {
            next = Next(p, k);
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

    /// <summary>Five to eight rows, those after <paramref name="lastRow"/> being it again: register r holds row r in its low half and row r + 4 in its
    /// high half; each half is a square of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares256(float* source, nint stride, int lastRow, int width, int k, float* panel, bool fetchesNext)
    {
        float* s1 = source + stride, s2 = s1 + stride, s3 = s2 + stride, s4 = s3 + stride;
        float* s5 = source + (Math.Min(5, lastRow) * stride), s6 = source + (Math.Min(6, lastRow) * stride), s7 = source + (lastRow * stride);
        for (int p = 0, next; p < k; panel += (nint)(next - p) * width, p = next)
        {
            next = Next(p, k);
            if (fetchesNext)
            {
                CacheLines.Fetch(source + p + ((8 + ((p >> 2) & 3)) * stride));
                CacheLines.Fetch(source + p + ((12 + ((p >> 2) & 3)) * stride));
            }
            Vector256<float> r0 = Pair(source + p, s4 + p), r1 = Pair(s1 + p, s5 + p), r2 = Pair(s2 + p, s6 + p), r3 = Pair(s3 + p, s7 + p);
            Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), low23 = Avx.UnpackLow(r2, r3).AsDouble();
            Vector256<double> high01 = Avx.UnpackHigh(r0, r1).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
            Avx.UnpackLow(low01, low23).AsSingle().Store(panel);
            Avx.UnpackHigh(low01, low23).AsSingle().Store(panel + width);
            Avx.UnpackLow(high01, high23).AsSingle().Store(panel + (2 * width));
            Avx.UnpackHigh(high01, high23).AsSingle().Store(panel + (3 * width));
        }
    }

    /// <summary>Up to sixteen rows, those after <paramref name="lastRow"/> being it again: transpose squares of 16×16, so that every line of
    /// the source is read once, at any distance of the rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares512(float* source, nint stride, int lastRow, int width, int k, float* panel)
    {
        nint o1 = Math.Min(1, lastRow) * stride, o2 = Math.Min(2, lastRow) * stride, o3 = Math.Min(3, lastRow) * stride;
        nint o4 = Math.Min(4, lastRow) * stride, o8 = Math.Min(8, lastRow) * stride, o12 = Math.Min(12, lastRow) * stride;
        nint o5 = Math.Min(5, lastRow) * stride, o6 = Math.Min(6, lastRow) * stride, o7 = Math.Min(7, lastRow) * stride;
        nint o9 = Math.Min(9, lastRow) * stride, o10 = Math.Min(10, lastRow) * stride, o11 = Math.Min(11, lastRow) * stride;
        nint o13 = Math.Min(13, lastRow) * stride, o14 = Math.Min(14, lastRow) * stride, o15 = lastRow * stride;
        for (int p = 0; p <= k - 16; p += 16, source += 16)
        {
            FourRows(source, source + o1, source + o2, source + o3, out Vector512<float> a0, out Vector512<float> a1, out Vector512<float> a2, out Vector512<float> a3);
            FourRows(source + o4, source + o5, source + o6, source + o7, out Vector512<float> b0, out Vector512<float> b1, out Vector512<float> b2, out Vector512<float> b3);
            FourRows(source + o8, source + o9, source + o10, source + o11, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3);
            FourRows(source + o12, source + o13, source + o14, source + o15, out Vector512<float> d0, out Vector512<float> d1, out Vector512<float> d2, out Vector512<float> d3);
            // Steps in their order: what one writes too much, the next writes over.
            FourQuarters(ref a0, ref b0, ref c0, ref d0);
            FourQuarters(ref a1, ref b1, ref c1, ref d1);
            FourQuarters(ref a2, ref b2, ref c2, ref d2);
            FourQuarters(ref a3, ref b3, ref c3, ref d3);
            panel = StoreSteps(panel, width, a0, a1, a2, a3);
            panel = StoreSteps(panel, width, b0, b1, b2, b3);
            panel = StoreSteps(panel, width, c0, c1, c2, c3);
            panel = StoreSteps(panel, width, d0, d1, d2, d3);
        }
    }

    /// <summary>Result i holds, of all four rows, elements i, i + 4, i + 8 and i + 12, a quarter of the register for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourRows(
        float* row0, float* row1, float* row2, float* row3, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        Vector512<float> r0 = Vector512.Load(row0), r1 = Vector512.Load(row1), r2 = Vector512.Load(row2), r3 = Vector512.Load(row3);
        Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
        Vector512<double> high01 = Avx512F.UnpackHigh(r0, r1).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        c0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        c1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        c2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        c3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    /// <summary>Transposes the 4×4 quarters of four registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourQuarters(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        const byte Even = 0b10_00_10_00, Odd = 0b11_01_11_01;
        Vector512<float> evenAb = Avx512F.Shuffle4x128(a, b, Even), oddAb = Avx512F.Shuffle4x128(a, b, Odd);
        Vector512<float> evenCd = Avx512F.Shuffle4x128(c, d, Even), oddCd = Avx512F.Shuffle4x128(c, d, Odd);
        a = Avx512F.Shuffle4x128(evenAb, evenCd, Even);
        b = Avx512F.Shuffle4x128(oddAb, oddCd, Even);
        c = Avx512F.Shuffle4x128(evenAb, evenCd, Odd);
        d = Avx512F.Shuffle4x128(oddAb, oddCd, Odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* StoreSteps(float* panel, int width, Vector512<float> s0, Vector512<float> s1, Vector512<float> s2, Vector512<float> s3)
    {
        s0.Store(panel);
        s1.Store(panel + width);
        s2.Store(panel + (2 * width));
        s3.Store(panel + (3 * width));
        return panel + (4 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* low, float* high) => Vector256.Create(Vector128.Load(low), Vector128.Load(high));

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

    /// <summary>Element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAny(float* source, nint stride, nint kStride, int used, int width, int k, float* panel)
    {
        for (int i = 0; i < used; i++, source += stride)
            for (int p = 0; p < k; p++) panel[((nint)p * width) + i] = source[p * kStride];
    }

    private static void ClearRest(int used, int width, int k, float* panel)
    {
        for (int p = 0; p < k; p++, panel += width)
            new Span<float>(panel + used, width - used).Clear();
    }
}
