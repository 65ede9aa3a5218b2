using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Craton.Tensors.Kernels;

/// <summary>128-bit registers: the dot product of ARM (4 rows), which takes signed bytes.</summary>
internal readonly unsafe struct DotNeon : IDot<Vector128<byte>, Vector128<int>, Vector128<int>, Vector128<float>>
{
    public static int Lanes => 4;

    public static bool Wide => false;

    public static bool Signed => false;

    public static Vector128<int> None => Vector128<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* weights) => Vector128.Load(weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Quad(sbyte* x) => Vector128.Create(*(int*)x).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Low(Vector128<byte> weights) => weights & Vector128.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> High(Vector128<byte> weights) => weights >>> 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Bits(Vector128<byte> weights, int shift, byte mask) => (weights >>> shift) & Vector128.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Step(Vector128<int> sum, Vector128<byte> weights, Vector128<byte> x) => Dp.DotProduct(sum, weights.AsSByte(), x.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Total(Vector128<int> sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Total(Vector128<int> sum, int* offset) => Total(sum) + Vector128.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Combine(Vector128<int> a, Vector128<int> b) => Total(a) + (b << 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Combine(Vector128<int> a, Vector128<int> b, int* offset) => Combine(a, b) + Vector128.Create(*offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Float(Vector128<int> value) => Vector128.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Halves(byte* values)
    {
        Vector128<int> bits = Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)values).AsUInt16()).AsInt32();
        Vector128<int> magnitude = ((bits & Vector128.Create(0x7FFF)) << 13) + Vector128.Create(112 << 23); // see Dot256
        Vector128<float> small = (magnitude + Vector128.Create(1 << 23)).AsSingle() - Vector128.Create(DotPowers.LeastNormalHalf);
        magnitude = Vector128.ConditionalSelect(Vector128.Equals(bits & Vector128.Create(0x7C00), Vector128<int>.Zero), small.AsInt32(), magnitude);
        return (magnitude | ((bits & Vector128.Create(0x8000)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Bytes(byte* values) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(uint*)values).AsByte())).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SignedBytes(byte* values) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(uint*)values).AsSByte())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> All(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Read(float* values) => Vector128.Load(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fma(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> value, float* y) => value.Store(y);
}
