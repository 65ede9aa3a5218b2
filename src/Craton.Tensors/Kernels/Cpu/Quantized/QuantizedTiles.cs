using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels;

/// <summary>
/// Products of a panel of 16 weight rows with one or four rows of activations. For every element the order is the same: block after block of 32
/// values of k, the exact integer sum of the block times the two scales, added by a fused multiply-add; then, for types that have minima, the
/// minimum times the sum of the activations. So neither the register nor the number of rows changes a bit.
/// </summary>
/// <remarks>
/// A panel is a run of blocks, each with 16 scales first (<see cref="PanelLayout"/>). Bytes of weights lie as [group of 4 k][16 rows][4 k]; the
/// nibbles of a byte are 16 values of k apart.
/// </remarks>
internal static unsafe class QuantizedTiles<TDot, TBytes, TSum, TInt, TFloat>
    where TDot : struct, IDot<TBytes, TSum, TInt, TFloat>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0One(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        TFloat f0 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++, panel += PanelLayout.Q8_0Bytes)
        {
            TFloat scale = TDot.Halves(panel + 2 * lane);
            byte* w = panel + 32 + 4 * lane;
            TSum a0 = TDot.None, b0 = TDot.None;
            for (int g = 0; g < 8; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v);
                TBytes q0 = TDot.Quad(x0 + 32 * b + 4 * g);
                if (TDot.Wide)
                {
                    a0 = TDot.Step(a0, v, q0);
                }
                else
                {
                    a0 = TDot.Step(a0, low, q0); b0 = TDot.Step(b0, high, q0);
                }
            }
            f0 = TDot.Fma(TDot.Float(TDot.Combine(a0, b0, o0 + b)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
        }
        TDot.Store(f0, t.Y + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_0One(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        TFloat f0 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++, panel += PanelLayout.Q4_0Bytes)
        {
            TFloat scale = TDot.Halves(panel + 2 * lane);
            byte* w = panel + 32 + 4 * lane;
            TSum a0 = TDot.None;
            for (int g = 0; g < 4; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v);
                a0 = TDot.Step(TDot.Step(a0, low, TDot.Quad(x0 + 32 * b + 4 * g)), high, TDot.Quad(x0 + 32 * b + 4 * g + 16));
            }
            f0 = TDot.Fma(TDot.Float(TDot.Total(a0, o0 + b)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
        }
        TDot.Store(f0, t.Y + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_KOne(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        TFloat f0 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++)
        {
            byte* block = panel + b / 8 * PanelLayout.Q4_KBytes, w = block + 64 + b % 8 * (32 + 256);
            TFloat scale = TDot.Multiply(TDot.Halves(block + 2 * lane), TDot.Bytes(w + lane));
            TFloat least = TDot.Multiply(TDot.Halves(block + 32 + 2 * lane), TDot.Bytes(w + 16 + lane));
            w += 32 + 4 * lane;
            TSum a0 = TDot.None;
            for (int g = 0; g < 4; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v);
                a0 = TDot.Step(TDot.Step(a0, low, TDot.Quad(x0 + 32 * b + 4 * g)), high, TDot.Quad(x0 + 32 * b + 4 * g + 16));
            }
            f0 = TDot.Fma(TDot.Float(TDot.Total(a0)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            f0 = TDot.Fma(least, TDot.All(((float*)o0)[b]), f0);
        }
        TDot.Store(f0, t.Y + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_KOne(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        TFloat f0 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++)
        {
            byte* block = panel + b / 8 * PanelLayout.Q5_KBytes, w = block + 64 + b % 8 * (32 + 256 + 64);
            TFloat scale = TDot.Multiply(TDot.Halves(block + 2 * lane), TDot.Bytes(w + lane));
            TFloat least = TDot.Multiply(TDot.Halves(block + 32 + 2 * lane), TDot.Bytes(w + 16 + lane));
            w += 32 + 4 * lane;
            TBytes fifth = TDot.Load(w + 256);
            TSum a0 = TDot.None, b0 = TDot.None;
            for (int g = 0; g < 4; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v), lowBit = TDot.Bits(fifth, g, 1), highBit = TDot.Bits(fifth, g + 4, 1);
                TBytes q0 = TDot.Quad(x0 + 32 * b + 4 * g), r0 = TDot.Quad(x0 + 32 * b + 4 * g + 16);
                a0 = TDot.Step(TDot.Step(a0, low, q0), high, r0); b0 = TDot.Step(TDot.Step(b0, lowBit, q0), highBit, r0);
            }
            f0 = TDot.Fma(TDot.Float(TDot.Combine(a0, b0)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            f0 = TDot.Fma(least, TDot.All(((float*)o0)[b]), f0);
        }
        TDot.Store(f0, t.Y + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_KOne(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        TFloat f0 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++)
        {
            byte* block = panel + b / 8 * PanelLayout.Q6_KBytes, w = block + 32 + b % 8 * (32 + 256 + 128);
            TFloat d = TDot.Halves(block + 2 * lane);
            for (int half = 0; half < 2; half++)
            {
                TFloat scale = TDot.Multiply(d, TDot.SignedBytes(w + 16 * half + lane));
                TBytes upper = TDot.Load(w + 32 + 256 + 64 * half + 4 * lane);
                TSum a0 = TDot.None, b0 = TDot.None;
                for (int g = 0; g < 4; g++)
                {
                    TBytes v = TDot.Load(w + 32 + 64 * g + 4 * lane), low = half == 0 ? TDot.Low(v) : TDot.High(v), high = TDot.Bits(upper, 2 * g, 3);
                    TBytes q0 = TDot.Quad(x0 + 32 * b + 16 * half + 4 * g);
                    a0 = TDot.Step(a0, low, q0); b0 = TDot.Step(b0, high, q0);
                }
                f0 = TDot.Fma(TDot.Float(TDot.Combine(a0, b0, o0 + 2 * b + half)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            }
        }
        TDot.Store(f0, t.Y + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0Four(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        sbyte* x1 = t.X + t.Columns; float* d1 = t.Scales + (t.Columns / 32); int* o1 = t.Offsets + 1 * t.OffsetStride;
        sbyte* x2 = t.X + 2 * t.Columns; float* d2 = t.Scales + 2 * (t.Columns / 32); int* o2 = t.Offsets + 2 * t.OffsetStride;
        sbyte* x3 = t.X + 3 * t.Columns; float* d3 = t.Scales + 3 * (t.Columns / 32); int* o3 = t.Offsets + 3 * t.OffsetStride;
        TFloat f0 = TDot.All(0), f1 = TDot.All(0), f2 = TDot.All(0), f3 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++, panel += PanelLayout.Q8_0Bytes)
        {
            TFloat scale = TDot.Halves(panel + 2 * lane);
            byte* w = panel + 32 + 4 * lane;
            TSum a0 = TDot.None, b0 = TDot.None, a1 = TDot.None, b1 = TDot.None, a2 = TDot.None, b2 = TDot.None, a3 = TDot.None, b3 = TDot.None;
            for (int g = 0; g < 8; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v);
                TBytes q0 = TDot.Quad(x0 + 32 * b + 4 * g);
                TBytes q1 = TDot.Quad(x1 + 32 * b + 4 * g);
                TBytes q2 = TDot.Quad(x2 + 32 * b + 4 * g);
                TBytes q3 = TDot.Quad(x3 + 32 * b + 4 * g);
                if (TDot.Wide)
                {
                    a0 = TDot.Step(a0, v, q0);
                    a1 = TDot.Step(a1, v, q1);
                    a2 = TDot.Step(a2, v, q2);
                    a3 = TDot.Step(a3, v, q3);
                }
                else
                {
                    a0 = TDot.Step(a0, low, q0); b0 = TDot.Step(b0, high, q0);
                    a1 = TDot.Step(a1, low, q1); b1 = TDot.Step(b1, high, q1);
                    a2 = TDot.Step(a2, low, q2); b2 = TDot.Step(b2, high, q2);
                    a3 = TDot.Step(a3, low, q3); b3 = TDot.Step(b3, high, q3);
                }
            }
            f0 = TDot.Fma(TDot.Float(TDot.Combine(a0, b0, o0 + b)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            f1 = TDot.Fma(TDot.Float(TDot.Combine(a1, b1, o1 + b)), TDot.Multiply(scale, TDot.All(d1[b])), f1);
            f2 = TDot.Fma(TDot.Float(TDot.Combine(a2, b2, o2 + b)), TDot.Multiply(scale, TDot.All(d2[b])), f2);
            f3 = TDot.Fma(TDot.Float(TDot.Combine(a3, b3, o3 + b)), TDot.Multiply(scale, TDot.All(d3[b])), f3);
        }
        TDot.Store(f0, t.Y + lane);
        TDot.Store(f1, t.Y + t.Stride + lane);
        TDot.Store(f2, t.Y + 2 * t.Stride + lane);
        TDot.Store(f3, t.Y + 3 * t.Stride + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_0Four(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        sbyte* x1 = t.X + t.Columns; float* d1 = t.Scales + (t.Columns / 32); int* o1 = t.Offsets + 1 * t.OffsetStride;
        sbyte* x2 = t.X + 2 * t.Columns; float* d2 = t.Scales + 2 * (t.Columns / 32); int* o2 = t.Offsets + 2 * t.OffsetStride;
        sbyte* x3 = t.X + 3 * t.Columns; float* d3 = t.Scales + 3 * (t.Columns / 32); int* o3 = t.Offsets + 3 * t.OffsetStride;
        TFloat f0 = TDot.All(0), f1 = TDot.All(0), f2 = TDot.All(0), f3 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++, panel += PanelLayout.Q4_0Bytes)
        {
            TFloat scale = TDot.Halves(panel + 2 * lane);
            byte* w = panel + 32 + 4 * lane;
            TSum a0 = TDot.None, a1 = TDot.None, a2 = TDot.None, a3 = TDot.None;
            for (int g = 0; g < 4; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v);
                a0 = TDot.Step(TDot.Step(a0, low, TDot.Quad(x0 + 32 * b + 4 * g)), high, TDot.Quad(x0 + 32 * b + 4 * g + 16));
                a1 = TDot.Step(TDot.Step(a1, low, TDot.Quad(x1 + 32 * b + 4 * g)), high, TDot.Quad(x1 + 32 * b + 4 * g + 16));
                a2 = TDot.Step(TDot.Step(a2, low, TDot.Quad(x2 + 32 * b + 4 * g)), high, TDot.Quad(x2 + 32 * b + 4 * g + 16));
                a3 = TDot.Step(TDot.Step(a3, low, TDot.Quad(x3 + 32 * b + 4 * g)), high, TDot.Quad(x3 + 32 * b + 4 * g + 16));
            }
            f0 = TDot.Fma(TDot.Float(TDot.Total(a0, o0 + b)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            f1 = TDot.Fma(TDot.Float(TDot.Total(a1, o1 + b)), TDot.Multiply(scale, TDot.All(d1[b])), f1);
            f2 = TDot.Fma(TDot.Float(TDot.Total(a2, o2 + b)), TDot.Multiply(scale, TDot.All(d2[b])), f2);
            f3 = TDot.Fma(TDot.Float(TDot.Total(a3, o3 + b)), TDot.Multiply(scale, TDot.All(d3[b])), f3);
        }
        TDot.Store(f0, t.Y + lane);
        TDot.Store(f1, t.Y + t.Stride + lane);
        TDot.Store(f2, t.Y + 2 * t.Stride + lane);
        TDot.Store(f3, t.Y + 3 * t.Stride + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_KFour(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        sbyte* x1 = t.X + t.Columns; float* d1 = t.Scales + (t.Columns / 32); int* o1 = t.Offsets + 1 * t.OffsetStride;
        sbyte* x2 = t.X + 2 * t.Columns; float* d2 = t.Scales + 2 * (t.Columns / 32); int* o2 = t.Offsets + 2 * t.OffsetStride;
        sbyte* x3 = t.X + 3 * t.Columns; float* d3 = t.Scales + 3 * (t.Columns / 32); int* o3 = t.Offsets + 3 * t.OffsetStride;
        TFloat f0 = TDot.All(0), f1 = TDot.All(0), f2 = TDot.All(0), f3 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++)
        {
            byte* block = panel + b / 8 * PanelLayout.Q4_KBytes, w = block + 64 + b % 8 * (32 + 256);
            TFloat scale = TDot.Multiply(TDot.Halves(block + 2 * lane), TDot.Bytes(w + lane));
            TFloat least = TDot.Multiply(TDot.Halves(block + 32 + 2 * lane), TDot.Bytes(w + 16 + lane));
            w += 32 + 4 * lane;
            TSum a0 = TDot.None, a1 = TDot.None, a2 = TDot.None, a3 = TDot.None;
            for (int g = 0; g < 4; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v);
                a0 = TDot.Step(TDot.Step(a0, low, TDot.Quad(x0 + 32 * b + 4 * g)), high, TDot.Quad(x0 + 32 * b + 4 * g + 16));
                a1 = TDot.Step(TDot.Step(a1, low, TDot.Quad(x1 + 32 * b + 4 * g)), high, TDot.Quad(x1 + 32 * b + 4 * g + 16));
                a2 = TDot.Step(TDot.Step(a2, low, TDot.Quad(x2 + 32 * b + 4 * g)), high, TDot.Quad(x2 + 32 * b + 4 * g + 16));
                a3 = TDot.Step(TDot.Step(a3, low, TDot.Quad(x3 + 32 * b + 4 * g)), high, TDot.Quad(x3 + 32 * b + 4 * g + 16));
            }
            f0 = TDot.Fma(TDot.Float(TDot.Total(a0)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            f1 = TDot.Fma(TDot.Float(TDot.Total(a1)), TDot.Multiply(scale, TDot.All(d1[b])), f1);
            f2 = TDot.Fma(TDot.Float(TDot.Total(a2)), TDot.Multiply(scale, TDot.All(d2[b])), f2);
            f3 = TDot.Fma(TDot.Float(TDot.Total(a3)), TDot.Multiply(scale, TDot.All(d3[b])), f3);
            f0 = TDot.Fma(least, TDot.All(((float*)o0)[b]), f0);
            f1 = TDot.Fma(least, TDot.All(((float*)o1)[b]), f1);
            f2 = TDot.Fma(least, TDot.All(((float*)o2)[b]), f2);
            f3 = TDot.Fma(least, TDot.All(((float*)o3)[b]), f3);
        }
        TDot.Store(f0, t.Y + lane);
        TDot.Store(f1, t.Y + t.Stride + lane);
        TDot.Store(f2, t.Y + 2 * t.Stride + lane);
        TDot.Store(f3, t.Y + 3 * t.Stride + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_KFour(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        sbyte* x1 = t.X + t.Columns; float* d1 = t.Scales + (t.Columns / 32); int* o1 = t.Offsets + 1 * t.OffsetStride;
        sbyte* x2 = t.X + 2 * t.Columns; float* d2 = t.Scales + 2 * (t.Columns / 32); int* o2 = t.Offsets + 2 * t.OffsetStride;
        sbyte* x3 = t.X + 3 * t.Columns; float* d3 = t.Scales + 3 * (t.Columns / 32); int* o3 = t.Offsets + 3 * t.OffsetStride;
        TFloat f0 = TDot.All(0), f1 = TDot.All(0), f2 = TDot.All(0), f3 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++)
        {
            byte* block = panel + b / 8 * PanelLayout.Q5_KBytes, w = block + 64 + b % 8 * (32 + 256 + 64);
            TFloat scale = TDot.Multiply(TDot.Halves(block + 2 * lane), TDot.Bytes(w + lane));
            TFloat least = TDot.Multiply(TDot.Halves(block + 32 + 2 * lane), TDot.Bytes(w + 16 + lane));
            w += 32 + 4 * lane;
            TBytes fifth = TDot.Load(w + 256);
            TSum a0 = TDot.None, b0 = TDot.None, a1 = TDot.None, b1 = TDot.None, a2 = TDot.None, b2 = TDot.None, a3 = TDot.None, b3 = TDot.None;
            for (int g = 0; g < 4; g++)
            {
                TBytes v = TDot.Load(w + 64 * g), low = TDot.Low(v), high = TDot.High(v), lowBit = TDot.Bits(fifth, g, 1), highBit = TDot.Bits(fifth, g + 4, 1);
                TBytes q0 = TDot.Quad(x0 + 32 * b + 4 * g), r0 = TDot.Quad(x0 + 32 * b + 4 * g + 16);
                TBytes q1 = TDot.Quad(x1 + 32 * b + 4 * g), r1 = TDot.Quad(x1 + 32 * b + 4 * g + 16);
                TBytes q2 = TDot.Quad(x2 + 32 * b + 4 * g), r2 = TDot.Quad(x2 + 32 * b + 4 * g + 16);
                TBytes q3 = TDot.Quad(x3 + 32 * b + 4 * g), r3 = TDot.Quad(x3 + 32 * b + 4 * g + 16);
                a0 = TDot.Step(TDot.Step(a0, low, q0), high, r0); b0 = TDot.Step(TDot.Step(b0, lowBit, q0), highBit, r0);
                a1 = TDot.Step(TDot.Step(a1, low, q1), high, r1); b1 = TDot.Step(TDot.Step(b1, lowBit, q1), highBit, r1);
                a2 = TDot.Step(TDot.Step(a2, low, q2), high, r2); b2 = TDot.Step(TDot.Step(b2, lowBit, q2), highBit, r2);
                a3 = TDot.Step(TDot.Step(a3, low, q3), high, r3); b3 = TDot.Step(TDot.Step(b3, lowBit, q3), highBit, r3);
            }
            f0 = TDot.Fma(TDot.Float(TDot.Combine(a0, b0)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
            f1 = TDot.Fma(TDot.Float(TDot.Combine(a1, b1)), TDot.Multiply(scale, TDot.All(d1[b])), f1);
            f2 = TDot.Fma(TDot.Float(TDot.Combine(a2, b2)), TDot.Multiply(scale, TDot.All(d2[b])), f2);
            f3 = TDot.Fma(TDot.Float(TDot.Combine(a3, b3)), TDot.Multiply(scale, TDot.All(d3[b])), f3);
            f0 = TDot.Fma(least, TDot.All(((float*)o0)[b]), f0);
            f1 = TDot.Fma(least, TDot.All(((float*)o1)[b]), f1);
            f2 = TDot.Fma(least, TDot.All(((float*)o2)[b]), f2);
            f3 = TDot.Fma(least, TDot.All(((float*)o3)[b]), f3);
        }
        TDot.Store(f0, t.Y + lane);
        TDot.Store(f1, t.Y + t.Stride + lane);
        TDot.Store(f2, t.Y + 2 * t.Stride + lane);
        TDot.Store(f3, t.Y + 3 * t.Stride + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_KFour(byte* panel, in QuantizedTile t, int lane)
    {
        sbyte* x0 = t.X; float* d0 = t.Scales; int* o0 = t.Offsets;
        sbyte* x1 = t.X + t.Columns; float* d1 = t.Scales + (t.Columns / 32); int* o1 = t.Offsets + 1 * t.OffsetStride;
        sbyte* x2 = t.X + 2 * t.Columns; float* d2 = t.Scales + 2 * (t.Columns / 32); int* o2 = t.Offsets + 2 * t.OffsetStride;
        sbyte* x3 = t.X + 3 * t.Columns; float* d3 = t.Scales + 3 * (t.Columns / 32); int* o3 = t.Offsets + 3 * t.OffsetStride;
        TFloat f0 = TDot.All(0), f1 = TDot.All(0), f2 = TDot.All(0), f3 = TDot.All(0);
        for (int b = 0; b < t.Columns / 32; b++)
        {
            byte* block = panel + b / 8 * PanelLayout.Q6_KBytes, w = block + 32 + b % 8 * (32 + 256 + 128);
            TFloat d = TDot.Halves(block + 2 * lane);
            for (int half = 0; half < 2; half++)
            {
                TFloat scale = TDot.Multiply(d, TDot.SignedBytes(w + 16 * half + lane));
                TBytes upper = TDot.Load(w + 32 + 256 + 64 * half + 4 * lane);
                TSum a0 = TDot.None, b0 = TDot.None, a1 = TDot.None, b1 = TDot.None, a2 = TDot.None, b2 = TDot.None, a3 = TDot.None, b3 = TDot.None;
                for (int g = 0; g < 4; g++)
                {
                    TBytes v = TDot.Load(w + 32 + 64 * g + 4 * lane), low = half == 0 ? TDot.Low(v) : TDot.High(v), high = TDot.Bits(upper, 2 * g, 3);
                    TBytes q0 = TDot.Quad(x0 + 32 * b + 16 * half + 4 * g);
                    TBytes q1 = TDot.Quad(x1 + 32 * b + 16 * half + 4 * g);
                    TBytes q2 = TDot.Quad(x2 + 32 * b + 16 * half + 4 * g);
                    TBytes q3 = TDot.Quad(x3 + 32 * b + 16 * half + 4 * g);
                    a0 = TDot.Step(a0, low, q0); b0 = TDot.Step(b0, high, q0);
                    a1 = TDot.Step(a1, low, q1); b1 = TDot.Step(b1, high, q1);
                    a2 = TDot.Step(a2, low, q2); b2 = TDot.Step(b2, high, q2);
                    a3 = TDot.Step(a3, low, q3); b3 = TDot.Step(b3, high, q3);
                }
                f0 = TDot.Fma(TDot.Float(TDot.Combine(a0, b0, o0 + 2 * b + half)), TDot.Multiply(scale, TDot.All(d0[b])), f0);
                f1 = TDot.Fma(TDot.Float(TDot.Combine(a1, b1, o1 + 2 * b + half)), TDot.Multiply(scale, TDot.All(d1[b])), f1);
                f2 = TDot.Fma(TDot.Float(TDot.Combine(a2, b2, o2 + 2 * b + half)), TDot.Multiply(scale, TDot.All(d2[b])), f2);
                f3 = TDot.Fma(TDot.Float(TDot.Combine(a3, b3, o3 + 2 * b + half)), TDot.Multiply(scale, TDot.All(d3[b])), f3);
            }
        }
        TDot.Store(f0, t.Y + lane);
        TDot.Store(f1, t.Y + t.Stride + lane);
        TDot.Store(f2, t.Y + 2 * t.Stride + lane);
        TDot.Store(f3, t.Y + 3 * t.Stride + lane);
    }
}
