using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>What neighbours read at the same place where tiles are two pixels wide, or the stride is two: every second pixel of a row.</summary>
internal static unsafe class PixelPairs
{
    /// <summary>even[i] = row[2i] and odd[i] = row[2i + 1] for the <paramref name="count"/> pixels of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Split(float* row, int count, float* even, float* odd)
    {
        int i = 0;
        if (Avx512F.IsSupported)
        {
            Vector512<int> evens = Vector512<int>.Indices + Vector512<int>.Indices, odds = evens + Vector512<int>.One;
            for (; i <= count - 32; i += 32)
            {
                Vector512<float> a = Vector512.Load(row + i), b = Vector512.Load(row + i + 16);
                Avx512F.PermuteVar16x32x2(a, evens, b).Store(even + (i >> 1));
                Avx512F.PermuteVar16x32x2(a, odds, b).Store(odd + (i >> 1));
            }
        }
        if (Sse.IsSupported || AdvSimd.Arm64.IsSupported)
            for (; i <= count - 8; i += 8)
            {
                Vector128<float> a = Vector128.Load(row + i), b = Vector128.Load(row + i + 4);
                EvensOf(a, b).Store(even + (i >> 1));
                (Sse.IsSupported ? Sse.Shuffle(a, b, 0b11_01_11_01) : AdvSimd.Arm64.UnzipOdd(a, b)).Store(odd + (i >> 1));
            }
        for (; i <= count - 2; i += 2) (even[i >> 1], odd[i >> 1]) = (row[i], row[i + 1]);
        if (i < count) even[i >> 1] = row[i];
    }

    /// <summary>even[i] = row[2i] for <paramref name="count"/> places; no pixel after the last of them is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Evens(float* row, int count, float* even)
    {
        int i = 0;
        if (Sse.IsSupported || AdvSimd.Arm64.IsSupported)
            for (; i <= count - 5; i += 4)
            {
                Vector128<float> a = Vector128.Load(row + (2 * i)), b = Vector128.Load(row + (2 * i) + 4);
                EvensOf(a, b).Store(even + i);
            }
        for (; i < count; i++) even[i] = row[2 * i];
    }

    /// <summary>The way back: row[2i] = even[i] and row[2i + 1] = odd[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Join(float* even, float* odd, int count, float* row)
    {
        int i = 0;
        if (Avx512F.IsSupported)
        {
            Vector512<int> half = Vector512.ShiftRightLogical(Vector512<int>.Indices, 1);
            Vector512<int> low = half + ((Vector512<int>.Indices & Vector512<int>.One) * 16), high = low + Vector512.Create(8);
            for (; i <= count - 32; i += 32)
            {
                Vector512<float> a = Vector512.Load(even + (i >> 1)), b = Vector512.Load(odd + (i >> 1));
                Avx512F.PermuteVar16x32x2(a, low, b).Store(row + i);
                Avx512F.PermuteVar16x32x2(a, high, b).Store(row + i + 16);
            }
        }
        if (Sse.IsSupported || AdvSimd.Arm64.IsSupported)
            for (; i <= count - 8; i += 8)
            {
                Vector128<float> a = Vector128.Load(even + (i >> 1)), b = Vector128.Load(odd + (i >> 1));
                (Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b)).Store(row + i);
                (Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b)).Store(row + i + 4);
            }
        for (; i <= count - 2; i += 2) (row[i], row[i + 1]) = (even[i >> 1], odd[i >> 1]);
        if (i < count) row[i] = even[i >> 1];
    }

    // Of eight pixels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> EvensOf(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.Shuffle(a, b, 0b10_00_10_00) : AdvSimd.Arm64.UnzipEven(a, b);
}
