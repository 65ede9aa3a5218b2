using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels;

/// <summary>
/// Products of a panel of 16 weight rows with rows of activations. For every element the order is the same: block after block of k (32 values, 16
/// with Q6_K), the exact integer sum of the block times the two scales, added by a fused multiply-add; then, for types that have minima, the
/// minimum times the sum of the activations. So neither the register nor the number of rows changes a bit.
/// </summary>
/// <remarks>
/// One row reads the panel as it is stored (<see cref="PanelLayout"/>): that is bound by memory. For four rows and more the panel is spread to
/// bytes first, the same way for all types, which the other rows pay for: that is bound by arithmetic. A kernel does
/// <see cref="RowsAtOnce"/> weight rows in one pass: two registers of them where an instruction takes the weights whole, otherwise one, whose
/// sums are those of the lower and the upper four bits.
/// </remarks>
internal static unsafe class QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>
    where TDot : struct, IDot<TBytes, TSum, TInt, TFloat>
{
    // How far ahead of the products memory is asked for: what the hardware fetches by itself ends at every page.
    private const int Ahead = 8 << 10;

    private const int SpreadHead = 2 * PanelLayout.Rows * sizeof(float); // a scale and a minimum for every row

    // Whether a step takes the bytes of a panel that is spread as they are.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsWhole<TPanel>() where TPanel : struct, IPanel => TDot.Wide || TPanel.Bits <= 4;

    // Whether a pass takes a second register of weight rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasNext<TPanel>() where TPanel : struct, IPanel => IsWhole<TPanel>() && 2 * TDot.Lanes <= PanelLayout.Rows;

    /// <summary>Weight rows of one pass.</summary>
    public static int RowsAtOnce<TPanel>() where TPanel : struct, IPanel => HasNext<TPanel>() ? 2 * TDot.Lanes : TDot.Lanes;

    /// <summary>How a type keeps 32 values of k in its panels.</summary>
    public interface IPanel
    {
        /// <summary>Bits of a weight.</summary>
        static abstract int Bits { get; }

        /// <summary>Values of k that have a scale of their own: 32 or 16.</summary>
        static abstract int Scaled { get; }

        /// <summary>Bytes in which 32 values of k of all rows are kept.</summary>
        static abstract int Stored { get; }

        /// <summary>Whether the offsets of activations are floats that go with minima, rather than integers.</summary>
        static abstract bool HasMinima { get; }

        /// <summary>Adds the products of one row of activations with a block of 32.</summary>
        /// <param name="f">The sums of the weight rows of one register.</param>
        /// <param name="h">Those of the next, if a pass takes two.</param>
        /// <param name="panel">The panel.</param>
        /// <param name="block">The block.</param>
        /// <param name="lane">First weight row.</param>
        /// <param name="x">The activations of the block.</param>
        /// <param name="d">Their scale.</param>
        /// <param name="offsets">The row's offsets.</param>
        static abstract void Add(ref TFloat f, ref TFloat h, byte* panel, int block, int lane, sbyte* x, float d, int* offsets);

        /// <summary>Writes a block of 32 the way <see cref="Four"/> reads it: for each scale of k the scales and the minima of 16 rows, then bytes as
        /// [group of 4 k][16 rows][4 k].</summary>
        static abstract void Spread(byte* panel, int block, byte* to);
    }

    /// <summary>Bytes of a panel that is spread.</summary>
    public static int SpreadBytes<TPanel>(int columns) where TPanel : struct, IPanel => columns / TPanel.Scaled * (SpreadHead + TPanel.Scaled * PanelLayout.Rows);

    /// <summary>Spreads a panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Spread<TPanel>(byte* panel, int columns, byte* to) where TPanel : struct, IPanel
    {
        int bytes = SpreadBytes<TPanel>(32);
        for (int block = 0; block < columns / 32; block++, to += bytes)
        {
            Prefetch(panel + block * TPanel.Stored + Ahead, TPanel.Stored);
            TPanel.Spread(panel, block, to);
        }
    }

    /// <summary>One row of activations with <see cref="RowsAtOnce"/> rows of a panel as it is stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One<TPanel>(byte* panel, in QuantizedTile t, int lane) where TPanel : struct, IPanel
    {
        sbyte* x = t.X;
        float* d = t.Scales;
        int* o = t.Offsets;
        TFloat f = TDot.All(0), h = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++, x += 32)
        {
            if (lane == 0) Prefetch(panel + b * TPanel.Stored + Ahead, TPanel.Stored);
            TPanel.Add(ref f, ref h, panel, b, lane, x, d[b], o);
        }
        TDot.Store(f, t.Y + lane);
        if (HasNext<TPanel>()) TDot.Store(h, t.Y + lane + TDot.Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* start, int bytes)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < bytes; i += 64) Sse.Prefetch1(start + i);
    }

    /// <summary>Four rows of activations with <see cref="RowsAtOnce"/> rows of a panel that is spread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four<TPanel>(byte* spread, in QuantizedTile t, int lane) where TPanel : struct, IPanel
    {
        bool hasNext = HasNext<TPanel>();
        int columns = t.Columns, perScale = 32 / TPanel.Scaled, next = hasNext ? lane + TDot.Lanes : lane;
        sbyte* x0 = t.X, x1 = x0 + columns, x2 = x1 + columns, x3 = x2 + columns;
        float* d0 = t.Scales, d1 = d0 + columns / 32, d2 = d1 + columns / 32, d3 = d2 + columns / 32;
        int* o0 = t.Offsets, o1 = o0 + t.OffsetStride, o2 = o1 + t.OffsetStride, o3 = o2 + t.OffsetStride;
        TFloat f0 = TDot.All(0), f1 = f0, f2 = f0, f3 = f0, h0 = f0, h1 = f0, h2 = f0, h3 = f0;
        for (int b = 0; b < columns / TPanel.Scaled; b++)
        {
            float* scales = (float*)spread, minima = scales + PanelLayout.Rows;
            byte* w = spread + SpreadHead;
            TSum a0 = TDot.None, a1 = a0, a2 = a0, a3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
            for (int g = 0; g < TPanel.Scaled / 4; g += 4)
            {
                Group<TPanel>(w, lane, x0, x1, x2, x3, ref a0, ref a1, ref a2, ref a3, ref c0, ref c1, ref c2, ref c3);
                Group<TPanel>(w + 64, lane, x0 + 4, x1 + 4, x2 + 4, x3 + 4, ref a0, ref a1, ref a2, ref a3, ref c0, ref c1, ref c2, ref c3);
                Group<TPanel>(w + 128, lane, x0 + 8, x1 + 8, x2 + 8, x3 + 8, ref a0, ref a1, ref a2, ref a3, ref c0, ref c1, ref c2, ref c3);
                Group<TPanel>(w + 192, lane, x0 + 12, x1 + 12, x2 + 12, x3 + 12, ref a0, ref a1, ref a2, ref a3, ref c0, ref c1, ref c2, ref c3);
                w += 256;
                x0 += 16;
                x1 += 16;
                x2 += 16;
                x3 += 16;
            }
            TFloat s = TDot.Read(scales + lane), z = TDot.Read(scales + next);
            int k = b / perScale;
            f0 = Scale<TPanel>(f0, a0, c0, o0 + b, TDot.Multiply(s, TDot.All(d0[k])));
            f1 = Scale<TPanel>(f1, a1, c1, o1 + b, TDot.Multiply(s, TDot.All(d1[k])));
            f2 = Scale<TPanel>(f2, a2, c2, o2 + b, TDot.Multiply(s, TDot.All(d2[k])));
            f3 = Scale<TPanel>(f3, a3, c3, o3 + b, TDot.Multiply(s, TDot.All(d3[k])));
            if (hasNext)
            {
                h0 = Scale<TPanel>(h0, c0, c0, o0 + b, TDot.Multiply(z, TDot.All(d0[k])));
                h1 = Scale<TPanel>(h1, c1, c1, o1 + b, TDot.Multiply(z, TDot.All(d1[k])));
                h2 = Scale<TPanel>(h2, c2, c2, o2 + b, TDot.Multiply(z, TDot.All(d2[k])));
                h3 = Scale<TPanel>(h3, c3, c3, o3 + b, TDot.Multiply(z, TDot.All(d3[k])));
            }
            if (TPanel.HasMinima)
            {
                TFloat least = TDot.Read(minima + lane), other = TDot.Read(minima + next);
                TFloat m0 = TDot.All(((float*)o0)[b]), m1 = TDot.All(((float*)o1)[b]), m2 = TDot.All(((float*)o2)[b]), m3 = TDot.All(((float*)o3)[b]);
                (f0, f1, f2, f3) = (TDot.Fma(least, m0, f0), TDot.Fma(least, m1, f1), TDot.Fma(least, m2, f2), TDot.Fma(least, m3, f3));
                if (hasNext) (h0, h1, h2, h3) = (TDot.Fma(other, m0, h0), TDot.Fma(other, m1, h1), TDot.Fma(other, m2, h2), TDot.Fma(other, m3, h3));
            }
            spread = w;
        }
        Store(t, lane, f0, f1, f2, f3);
        if (hasNext) Store(t, next, h0, h1, h2, h3);
    }

    // Four values of k. The second sums are those of the second register of weights, or of the upper bits of the first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Group<TPanel>(
        byte* w, int lane, sbyte* x0, sbyte* x1, sbyte* x2, sbyte* x3,
        ref TSum a0, ref TSum a1, ref TSum a2, ref TSum a3, ref TSum c0, ref TSum c1, ref TSum c2, ref TSum c3)
        where TPanel : struct, IPanel
    {
        bool isWhole = IsWhole<TPanel>(), hasSecond = !isWhole || HasNext<TPanel>();
        TBytes v = TDot.Load(w + 4 * lane), p = isWhole ? v : TDot.Low(v), s = !hasSecond ? v : isWhole ? TDot.Load(w + 4 * (lane + TDot.Lanes)) : TDot.High(v);
        TBytes q = TDot.Quad(x0);
        a0 = TDot.Step(a0, p, q);
        if (hasSecond) c0 = TDot.Step(c0, s, q);
        q = TDot.Quad(x1);
        a1 = TDot.Step(a1, p, q);
        if (hasSecond) c1 = TDot.Step(c1, s, q);
        q = TDot.Quad(x2);
        a2 = TDot.Step(a2, p, q);
        if (hasSecond) c2 = TDot.Step(c2, s, q);
        q = TDot.Quad(x3);
        a3 = TDot.Step(a3, p, q);
        if (hasSecond) c3 = TDot.Step(c3, s, q);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Scale<TPanel>(TFloat f, TSum sum, TSum upper, int* offset, TFloat scale) where TPanel : struct, IPanel
    {
        bool hasOffset = !TPanel.HasMinima && !TDot.Signed;
        TInt total = IsWhole<TPanel>() ? hasOffset ? TDot.Total(sum, offset) : TDot.Total(sum)
            : hasOffset ? TDot.Combine(sum, upper, offset) : TDot.Combine(sum, upper);
        return TDot.Fma(TDot.Float(total), scale, f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(in QuantizedTile t, int lane, TFloat f0, TFloat f1, TFloat f2, TFloat f3)
    {
        TDot.Store(f0, t.Y + lane);
        TDot.Store(f1, t.Y + t.Stride + lane);
        TDot.Store(f2, t.Y + 2 * t.Stride + lane);
        TDot.Store(f3, t.Y + 3 * t.Stride + lane);
    }

    // 16 values of k: the lower or the upper four bits of 256 bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadNibbles(byte* from, int shift, byte* to)
    {
        for (int i = 0; i < 256; i += Vector256<byte>.Count)
            ((Vector256.Load(from + i) >>> shift) & Vector256.Create((byte)15)).Store(to + i);
    }

    // Adds bits of 64 bytes, four values of k for 16 rows, above the four that are there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadBits(byte* from, int shift, byte mask, byte* to)
    {
        for (int i = 0; i < 64; i += Vector256<byte>.Count)
            (Vector256.Load(to + i) | (((Vector256.Load(from + i) >>> shift) & Vector256.Create(mask)) << 4)).Store(to + i);
    }

    public readonly struct Q8_0 : IPanel
    {
        public static int Bits => 8;

        public static int Scaled => 32;

        public static int Stored => PanelLayout.Q8_0Bytes;

        public static bool HasMinima => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(ref TFloat f, ref TFloat h, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            panel += block * PanelLayout.Q8_0Bytes;
            byte* w = panel + 32 + 4 * lane;
            TSum a = TDot.None, c = a;
            Sixteen(w, x, ref a, ref c);
            Sixteen(w + 256, x + 16, ref a, ref c);
            f = Scale<Q8_0>(f, a, c, offsets + block, TDot.Multiply(TDot.Halves(panel + 2 * lane), TDot.All(d)));
            if (HasNext<Q8_0>()) h = Scale<Q8_0>(h, c, c, offsets + block, TDot.Multiply(TDot.Halves(panel + 2 * (lane + TDot.Lanes)), TDot.All(d)));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Spread(byte* panel, int block, byte* to)
        {
            panel += block * PanelLayout.Q8_0Bytes;
            for (int lane = 0; lane < PanelLayout.Rows; lane += TDot.Lanes) TDot.Store(TDot.Halves(panel + 2 * lane), (float*)to + lane);
            Buffer.MemoryCopy(panel + 32, to + SpreadHead, 512, 512);
        }
    }

    public readonly struct Q4_0 : IPanel
    {
        public static int Bits => 4;

        public static int Scaled => 32;

        public static int Stored => PanelLayout.Q4_0Bytes;

        public static bool HasMinima => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(ref TFloat f, ref TFloat h, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            panel += block * PanelLayout.Q4_0Bytes;
            TSum a = TDot.None, c = a;
            Nibbles(HasNext<Q4_0>(), panel + 32 + 4 * lane, x, ref a, ref c);
            f = TDot.Fma(TDot.Float(TDot.Total(a, offsets + block)), TDot.Multiply(TDot.Halves(panel + 2 * lane), TDot.All(d)), f);
            if (HasNext<Q4_0>()) h = TDot.Fma(TDot.Float(TDot.Total(c, offsets + block)), TDot.Multiply(TDot.Halves(panel + 2 * (lane + TDot.Lanes)), TDot.All(d)), h);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Spread(byte* panel, int block, byte* to)
        {
            panel += block * PanelLayout.Q4_0Bytes;
            for (int lane = 0; lane < PanelLayout.Rows; lane += TDot.Lanes) TDot.Store(TDot.Halves(panel + 2 * lane), (float*)to + lane);
            SpreadNibbles(panel + 32, 0, to + SpreadHead);
            SpreadNibbles(panel + 32, 4, to + SpreadHead + 256);
        }
    }

    public readonly struct Q4_K : IPanel
    {
        public static int Bits => 4;

        public static int Scaled => 32;

        public static int Stored => PanelLayout.Q4_KBytes / 8;

        public static bool HasMinima => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(ref TFloat f, ref TFloat h, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            byte* head = panel + block / 8 * PanelLayout.Q4_KBytes, w = head + 64 + block % 8 * (32 + 256);
            TFloat least = TDot.All(((float*)offsets)[block]), scale = TDot.All(d);
            TSum a = TDot.None, c = a;
            Nibbles(HasNext<Q4_K>(), w + 32 + 4 * lane, x, ref a, ref c);
            f = TDot.Fma(TDot.Float(TDot.Total(a)), TDot.Multiply(Factor(head, w, lane), scale), f);
            f = TDot.Fma(Factor(head + 32, w + 16, lane), least, f);
            if (!HasNext<Q4_K>()) return;
            lane += TDot.Lanes;
            h = TDot.Fma(TDot.Float(TDot.Total(c)), TDot.Multiply(Factor(head, w, lane), scale), h);
            h = TDot.Fma(Factor(head + 32, w + 16, lane), least, h);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Spread(byte* panel, int block, byte* to)
        {
            byte* head = panel + block / 8 * PanelLayout.Q4_KBytes, w = head + 64 + block % 8 * (32 + 256);
            SpreadFactors(head, w, to);
            SpreadNibbles(w + 32, 0, to + SpreadHead);
            SpreadNibbles(w + 32, 4, to + SpreadHead + 256);
        }
    }

    public readonly struct Q5_K : IPanel
    {
        public static int Bits => 5;

        public static int Scaled => 32;

        public static int Stored => PanelLayout.Q5_KBytes / 8;

        public static bool HasMinima => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(ref TFloat f, ref TFloat h, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            f = Added(f, panel, block, lane, x, d, offsets);
            if (HasNext<Q5_K>()) h = Added(h, panel, block, lane + TDot.Lanes, x, d, offsets);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TFloat Added(TFloat f, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            byte* head = panel + block / 8 * PanelLayout.Q5_KBytes, scales = head + 64 + block % 8 * (32 + 256 + 64), w = scales + 32 + 4 * lane;
            TBytes fifth = TDot.Load(w + 256);
            TSum a = TDot.None, b = a;
            Nibbles(false, w, x, ref a, ref b);
            b = TDot.Step(TDot.Step(b, TDot.Bits(fifth, 0, 1), TDot.Quad(x)), TDot.Bits(fifth, 1, 1), TDot.Quad(x + 4));
            b = TDot.Step(TDot.Step(b, TDot.Bits(fifth, 2, 1), TDot.Quad(x + 8)), TDot.Bits(fifth, 3, 1), TDot.Quad(x + 12));
            b = TDot.Step(TDot.Step(b, TDot.Bits(fifth, 4, 1), TDot.Quad(x + 16)), TDot.Bits(fifth, 5, 1), TDot.Quad(x + 20));
            b = TDot.Step(TDot.Step(b, TDot.Bits(fifth, 6, 1), TDot.Quad(x + 24)), TDot.Bits(fifth, 7, 1), TDot.Quad(x + 28));
            f = TDot.Fma(TDot.Float(TDot.Combine(a, b)), TDot.Multiply(Factor(head, scales, lane), TDot.All(d)), f);
            return TDot.Fma(Factor(head + 32, scales + 16, lane), TDot.All(((float*)offsets)[block]), f);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Spread(byte* panel, int block, byte* to)
        {
            byte* head = panel + block / 8 * PanelLayout.Q5_KBytes, w = head + 64 + block % 8 * (32 + 256 + 64);
            SpreadFactors(head, w, to);
            SpreadNibbles(w + 32, 0, to + SpreadHead);
            SpreadNibbles(w + 32, 4, to + SpreadHead + 256);
            for (int g = 0; g < 8; g++) SpreadBits(w + 32 + 256, g, 1, to + SpreadHead + 64 * g);
        }
    }

    public readonly struct Q6_K : IPanel
    {
        public static int Bits => 6;

        public static int Scaled => 16;

        public static int Stored => PanelLayout.Q6_KBytes / 8;

        public static bool HasMinima => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(ref TFloat f, ref TFloat h, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            f = Added(f, panel, block, lane, x, d, offsets);
            if (HasNext<Q6_K>()) h = Added(h, panel, block, lane + TDot.Lanes, x, d, offsets);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TFloat Added(TFloat f, byte* panel, int block, int lane, sbyte* x, float d, int* offsets)
        {
            byte* head = panel + block / 8 * PanelLayout.Q6_KBytes, w = head + 32 + block % 8 * (32 + 256 + 128);
            f = Half(false, f, head, w, lane, x, d, offsets + 2 * block);
            return Half(true, f, head, w, lane, x, d, offsets + 2 * block);
        }

        // 16 values of k: the lower or the upper four bits of 256 bytes, and two bits of 64.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TFloat Half(bool second, TFloat f, byte* head, byte* w, int lane, sbyte* x, float d, int* offsets)
        {
            int half = second ? 1 : 0;
            x += 16 * half;
            byte* lower = w + 32 + 4 * lane;
            TBytes upper = TDot.Load(lower + 256 + 64 * half);
            TSum a = TDot.None, b = a;
            Six(second, 0, lower, upper, x, ref a, ref b);
            Six(second, 1, lower, upper, x, ref a, ref b);
            Six(second, 2, lower, upper, x, ref a, ref b);
            Six(second, 3, lower, upper, x, ref a, ref b);
            TFloat scale = TDot.Multiply(TDot.Halves(head + 2 * lane), TDot.SignedBytes(w + 16 * half + lane));
            return TDot.Fma(TDot.Float(TDot.Combine(a, b, offsets + half)), TDot.Multiply(scale, TDot.All(d)), f);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Six(bool second, int g, byte* lower, TBytes upper, sbyte* x, ref TSum a, ref TSum b)
        {
            TBytes v = TDot.Load(lower + 64 * g), q = TDot.Quad(x + 4 * g);
            a = TDot.Step(a, second ? TDot.High(v) : TDot.Low(v), q);
            b = TDot.Step(b, TDot.Bits(upper, 2 * g, 3), q);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Spread(byte* panel, int block, byte* to)
        {
            byte* head = panel + block / 8 * PanelLayout.Q6_KBytes, w = head + 32 + block % 8 * (32 + 256 + 128);
            for (int half = 0; half < 2; half++, to += SpreadHead + 256)
            {
                for (int lane = 0; lane < PanelLayout.Rows; lane += TDot.Lanes)
                    TDot.Store(TDot.Multiply(TDot.Halves(head + 2 * lane), TDot.SignedBytes(w + 16 * half + lane)), (float*)to + lane);
                SpreadNibbles(w + 32, 4 * half, to + SpreadHead);
                for (int g = 0; g < 4; g++) SpreadBits(w + 32 + 256 + 64 * half, 2 * g, 3, to + SpreadHead + 64 * g);
            }
        }
    }

    // 16 values of k. The second sum is that of the next register of weights, or of the upper bits of the first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sixteen(byte* w, sbyte* x, ref TSum a, ref TSum c)
    {
        Quad(w, x, ref a, ref c);
        Quad(w + 64, x + 4, ref a, ref c);
        Quad(w + 128, x + 8, ref a, ref c);
        Quad(w + 192, x + 12, ref a, ref c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(byte* w, sbyte* x, ref TSum a, ref TSum c)
    {
        TBytes v = TDot.Load(w), q = TDot.Quad(x);
        a = TDot.Step(a, TDot.Wide ? v : TDot.Low(v), q);
        c = TDot.Step(c, TDot.Wide ? TDot.Load(w + 4 * TDot.Lanes) : TDot.High(v), q);
    }

    // 32 values of k whose lower four bits are here: the upper half of a byte is 16 further. The second sum is that of the next register.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibbles(bool hasNext, byte* w, sbyte* x, ref TSum a, ref TSum c)
    {
        Nibble(hasNext, w, x, ref a, ref c);
        Nibble(hasNext, w + 64, x + 4, ref a, ref c);
        Nibble(hasNext, w + 128, x + 8, ref a, ref c);
        Nibble(hasNext, w + 192, x + 12, ref a, ref c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibble(bool hasNext, byte* w, sbyte* x, ref TSum a, ref TSum c)
    {
        TBytes v = TDot.Load(w), q = TDot.Quad(x), p = TDot.Quad(x + 16);
        a = TDot.Step(TDot.Step(a, TDot.Low(v), q), TDot.High(v), p);
        if (!hasNext) return;
        v = TDot.Load(w + 4 * TDot.Lanes);
        c = TDot.Step(TDot.Step(c, TDot.Low(v), q), TDot.High(v), p);
    }

    // A scale or minimum of a group of 32: a half-precision number of the block of 256 times a byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Factor(byte* halves, byte* bytes, int lane) => TDot.Multiply(TDot.Halves(halves + 2 * lane), TDot.Bytes(bytes + lane));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadFactors(byte* head, byte* w, byte* to)
    {
        for (int lane = 0; lane < PanelLayout.Rows; lane += TDot.Lanes)
        {
            TDot.Store(Factor(head, w, lane), (float*)to + lane);
            TDot.Store(Factor(head + 32, w + 16, lane), (float*)to + PanelLayout.Rows + lane);
        }
    }
}
