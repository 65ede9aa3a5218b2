using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels;

/// <summary>
/// 256-bit registers, 8 rows, weights of 8 bits: by the dot product of AVX-VNNI, or without it as products of magnitudes with activations that have
/// taken their signs. A pair of those fits 16 bits, 128 · 127 · 2, and so is exact. Activations lie between −127 and 127 (<see cref="QuantizedRows"/>).
/// </summary>
internal readonly unsafe struct DotWhole256 : IDot<Vector256<byte>, Vector256<int>, Vector256<int>, Vector256<float>>
{
    /// <summary>Whether blocks of 8 bits are stored signed on this machine and multiplied so.</summary>
    public static bool StoresSigned => Avx2.IsSupported && Signed && SimdWidth.Current == 256;

    public static int Lanes => 8;

    public static bool Wide => true;

    public static bool Signed => !AvxVnni.IsSupported;

    public static Vector256<int> None => Vector256<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* weights) => Vector256.Load(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quad(sbyte* x) => Vector256.Create(*(int*)x).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Low(Vector256<byte> weights) => Dot256.Low(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> High(Vector256<byte> weights) => Dot256.High(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Bits(Vector256<byte> weights, int shift, byte mask) => Dot256.Bits(weights, shift, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Step(Vector256<int> sum, Vector256<byte> weights, Vector256<byte> x)
    {
        if (AvxVnni.IsSupported) return AvxVnni.MultiplyWideningAndAdd(sum, weights, x.AsSByte());
        Vector256<sbyte> w = weights.AsSByte();
        return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(w), Avx2.Sign(x.AsSByte(), w)), Vector256.Create((short)1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<int> sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<int> sum, int* offset) => Total(sum) + Vector256.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Combine(Vector256<int> a, Vector256<int> b) => Total(a) + (b << 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Combine(Vector256<int> a, Vector256<int> b, int* offset) => Combine(a, b) + Vector256.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Float(Vector256<int> value) => Vector256.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(byte* values) => Dot256.Halves(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Bytes(byte* values) => Dot256.Bytes(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SignedBytes(byte* values) => Dot256.SignedBytes(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> All(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(float* values) => Vector256.Load(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* y) => value.Store(y);
}
