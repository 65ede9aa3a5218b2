using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels;

/// <summary>256-bit registers: 8 rows, products added in pairs in 16 bits.</summary>
internal readonly unsafe struct Dot256 : IDot<Vector256<byte>, Vector256<short>, Vector256<int>, Vector256<float>>
{
    public static int Lanes => 8;

    public static bool Wide => false;

    public static bool Signed => false;

    public static Vector256<short> None => Vector256<short>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* weights) => Vector256.Load(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quad(sbyte* x) => Vector256.Create(*(int*)x).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Low(Vector256<byte> weights) => weights & Vector256.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> High(Vector256<byte> weights) => (weights.AsUInt16() >>> 4).AsByte() & Vector256.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Bits(Vector256<byte> weights, int shift, byte mask) => (weights.AsUInt16() >>> shift).AsByte() & Vector256.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Step(Vector256<short> sum, Vector256<byte> weights, Vector256<byte> x) => Avx2.Add(sum, Avx2.MultiplyAddAdjacent(weights, x.AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<short> sum) => Avx2.MultiplyAddAdjacent(sum, Vector256.Create((short)1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<short> sum, int* offset) => Total(sum) + Vector256.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Combine(Vector256<short> a, Vector256<short> b) => Total(a) + Avx2.MultiplyAddAdjacent(b, Vector256.Create((short)16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Combine(Vector256<short> a, Vector256<short> b, int* offset) => Combine(a, b) + Vector256.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Float(Vector256<int> value) => Vector256.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(byte* values)
    {
        // The exponent grows by 112: 2⁻¹⁵ · (1 + m) for subnormal numbers, which are 2⁻¹⁴ · m, the lesser of both. No subnormal float, which is slow, comes up.
        Vector256<int> bits = Avx2.ConvertToVector256Int32((short*)values), magnitude = ((bits << 13) & Vector256.Create(0x0FFFE000)) + Vector256.Create(112 << 23);
        Vector256<float> twice = Vector256.FusedMultiplyAdd(magnitude.AsSingle(), Vector256.Create(2f), Vector256.Create(-DotPowers.LeastNormalHalf));
        return (Avx.Min(magnitude.AsSingle(), twice).AsInt32() | (bits & Vector256.Create(int.MinValue))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Bytes(byte* values) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(values));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SignedBytes(byte* values) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32((sbyte*)values));

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
