using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels;

/// <summary>512-bit registers: 16 rows, products added in pairs in 16 bits.</summary>
internal readonly unsafe struct Dot512 : IDot<Vector512<byte>, Vector512<short>, Vector512<int>, Vector512<float>>
{
    public static int Lanes => 16;

    public static bool Wide => false;

    public static bool Signed => false;

    public static Vector512<short> None => Vector512<short>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* weights) => Vector512.Load(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Quad(sbyte* x) => Vector512.Create(*(int*)x).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Low(Vector512<byte> weights) => weights & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> High(Vector512<byte> weights) => (weights.AsUInt16() >>> 4).AsByte() & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Bits(Vector512<byte> weights, int shift, byte mask) => (weights.AsUInt16() >>> shift).AsByte() & Vector512.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Step(Vector512<short> sum, Vector512<byte> weights, Vector512<byte> x) => Avx512BW.Add(sum, Avx512BW.MultiplyAddAdjacent(weights, x.AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Total(Vector512<short> sum) => Avx512BW.MultiplyAddAdjacent(sum, Vector512.Create((short)1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Total(Vector512<short> sum, int* offset) => Total(sum) + Vector512.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Combine(Vector512<short> a, Vector512<short> b) => Total(a) + Avx512BW.MultiplyAddAdjacent(b, Vector512.Create((short)16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Combine(Vector512<short> a, Vector512<short> b, int* offset) => Combine(a, b) + Vector512.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Float(Vector512<int> value) => Vector512.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Halves(byte* values)
    {
        // The exponent grows by 112. Subnormal numbers become 2⁻¹⁴ + x, from which 2⁻¹⁴ is taken away: no subnormal float, which is slow, comes up.
        Vector512<int> bits = Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)values)), magnitude = ((bits & Vector512.Create(0x7FFF)) << 13) + Vector512.Create(112 << 23);
        Vector512<float> small = (magnitude + Vector512.Create(1 << 23)).AsSingle() - Vector512.Create(DotPowers.LeastNormalHalf);
        magnitude = Vector512.ConditionalSelect(Vector512.Equals(bits & Vector512.Create(0x7C00), Vector512<int>.Zero), small.AsInt32(), magnitude);
        return (magnitude | ((bits & Vector512.Create(0x8000)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Bytes(byte* values) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(values)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SignedBytes(byte* values) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)values)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> All(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Read(float* values) => Vector512.Load(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* y) => value.Store(y);
}
