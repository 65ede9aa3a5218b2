using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Copies of operands in the order in which the tiles read them.</summary>
internal static unsafe class GemmPacking
{
    /// <summary>
    /// Packs a panel [k][width]: <c>panel[k·width + i] = source[i·stride + k·kStride]</c> for i &lt; used, and 0 for used ≤ i &lt; width.
    /// i counts rows of A or columns of B.
    /// </summary>
    public static void Pack(float* source, nint stride, nint kStride, int used, int width, int k, float* panel)
    {
        if (stride == 1)
            PackAdjacent(source, kStride, used, width, k, panel);
        else if (kStride == 1)
            PackTransposed(source, stride, used, width, k, panel);
        else
            PackAny(source, stride, kStride, 0, used, 0, k, width, panel);
        if (used < width)
            ClearRest(used, width, k, panel);
    }

    private static void PackAdjacent(float* source, nint kStride, int used, int width, int k, float* panel)
    {
        int vectors = used & ~3;
        for (int p = 0; p < k; p++, source += kStride, panel += width)
        {
            int i = 0;
            for (; i <= vectors - 16; i += 16)
                Vector512.Store(Vector512.Load(source + i), panel + i);
            for (; i < vectors; i += 4)
                Vector128.Store(Vector128.Load(source + i), panel + i);
            for (; i < used; i++)
                panel[i] = source[i];
        }
    }

    /// <summary>k is the adjacent direction: squares of 4×4 are transposed in registers.</summary>
    private static void PackTransposed(float* source, nint stride, int used, int width, int k, float* panel)
    {
        int squareRows = used & ~3, squareSteps = k & ~3;
        for (int i = 0; i < squareRows; i += 4)
        {
            float* s0 = source + (i * stride), s1 = s0 + stride, s2 = s1 + stride, s3 = s2 + stride;
            float* target = panel + i;
            for (int p = 0; p < squareSteps; p += 4, target += 4 * width)
            {
                Vector128<float> r0 = Vector128.Load(s0 + p), r1 = Vector128.Load(s1 + p);
                Vector128<float> r2 = Vector128.Load(s2 + p), r3 = Vector128.Load(s3 + p);
                Transpose(ref r0, ref r1, ref r2, ref r3);
                r0.Store(target);
                r1.Store(target + width);
                r2.Store(target + (2 * width));
                r3.Store(target + (3 * width));
            }
        }
        PackAny(source, stride, 1, 0, squareRows, squareSteps, k, width, panel);
        PackAny(source, stride, 1, squareRows, used, 0, k, width, panel);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
        ref Vector128<float> r0, ref Vector128<float> r1, ref Vector128<float> r2, ref Vector128<float> r3)
    {
        Vector128<float> low01 = ZipLow(r0, r1), low23 = ZipLow(r2, r3), high01 = ZipHigh(r0, r1), high23 = ZipHigh(r2, r3);
        r0 = Vector128.Create(low01.GetLower(), low23.GetLower());
        r1 = Vector128.Create(low01.GetUpper(), low23.GetUpper());
        r2 = Vector128.Create(high01.GetLower(), high23.GetLower());
        r3 = Vector128.Create(high01.GetUpper(), high23.GetUpper());
    }

    /// <summary>x0 y0 x1 y1</summary>
    private static Vector128<float> ZipLow(Vector128<float> x, Vector128<float> y)
        => Sse.IsSupported ? Sse.UnpackLow(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y)
        : Vector128.Create(x[0], y[0], x[1], y[1]);

    /// <summary>x2 y2 x3 y3</summary>
    private static Vector128<float> ZipHigh(Vector128<float> x, Vector128<float> y)
        => Sse.IsSupported ? Sse.UnpackHigh(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y)
        : Vector128.Create(x[2], y[2], x[3], y[3]);

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
