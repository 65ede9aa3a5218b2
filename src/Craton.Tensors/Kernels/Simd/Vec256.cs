using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>8 floats in a 256-bit register.</summary>
internal readonly unsafe struct Vec256 : IVec<Vec256>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly Vector256<float> value;

    [MethodImpl(Inline)]
    private Vec256(Vector256<float> value) => this.value = value;

    /// <inheritdoc/>
    public static int Lanes
    {
        [MethodImpl(Inline)]
        get => 8;
    }

    /// <inheritdoc/>
    public static int ElementSize
    {
        [MethodImpl(Inline)]
        get => sizeof(float);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Load(void* p, long index = 0) => new(Vector256.Load((float*)p + index));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(void* p, long index, Vec256 v) => v.value.Store((float*)p + index);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Broadcast(double value) => new(Vector256.Create((float)value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 BroadcastAt(void* p) => new(Vector256.Create(*(float*)p));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator +(Vec256 a, Vec256 b) => new(a.value + b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator -(Vec256 a, Vec256 b) => new(a.value - b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator *(Vec256 a, Vec256 b) => new(a.value * b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator /(Vec256 a, Vec256 b) => new(a.value / b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator -(Vec256 a) => new(a.value ^ Vector256.Create(-0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Fma(Vec256 a, Vec256 b, Vec256 c) => new(Vector256.FusedMultiplyAdd(a.value, b.value, c.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddProduct(Vec256 a, Vec256 b, ref Vec256 sum) => Unsafe.AsRef(in sum.value) = Vector256.FusedMultiplyAdd(a.value, b.value, sum.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Sqrt(Vec256 a) => new(Vector256.Sqrt(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Abs(Vec256 a) => new(Vector256.Abs(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Floor(Vec256 a) => new(Vector256.Floor(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 RoundToEven(Vec256 a) => new(Vector256.Round(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Truncate(Vec256 a) => new(Vector256.Truncate(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Min(Vec256 a, Vec256 b) => new(Vector256.Min(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Max(Vec256 a, Vec256 b) => new(Vector256.Max(a.value, b.value));

    /// <inheritdoc/>
    // The native forms return either the NaN or the second operand: both are x when x is NaN.
    [MethodImpl(Inline)]
    public static Vec256 Clamp(Vec256 x, Vec256 low, Vec256 high) =>
        new(Vector256.MaxNative(low.value, Vector256.MinNative(high.value, x.value)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator <(Vec256 a, Vec256 b) => new(Vector256.LessThan(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator >(Vec256 a, Vec256 b) => new(Vector256.GreaterThan(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator <=(Vec256 a, Vec256 b) => new(Vector256.LessThanOrEqual(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator >=(Vec256 a, Vec256 b) => new(Vector256.GreaterThanOrEqual(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Equal(Vec256 a, Vec256 b) => new(Vector256.Equals(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator &(Vec256 a, Vec256 b) => new(a.value & b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator |(Vec256 a, Vec256 b) => new(a.value | b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator ^(Vec256 a, Vec256 b) => new(a.value ^ b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 operator ~(Vec256 a) => new(~a.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 AndNot(Vec256 a, Vec256 b) => new(Vector256.AndNot(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 Select(Vec256 mask, Vec256 a, Vec256 b) => new(Vector256.ConditionalSelect(mask.value, a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Vec256 mask) => Vector256.ExtractMostSignificantBits(mask.value) != 0;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 BroadcastBits(int bits) => new(Vector256.Create(bits).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 AddBits(Vec256 a, Vec256 b) => new((a.value.AsInt32() + b.value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 SubtractBits(Vec256 a, Vec256 b) => new((a.value.AsInt32() - b.value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 ShiftLeftBits(Vec256 a, int count) => new((a.value.AsInt32() << count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 ShiftRightBits(Vec256 a, int count) => new((a.value.AsInt32() >> count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 BitsToNumber(Vec256 a) => new(Vector256.ConvertToSingle(a.value.AsInt32()));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec256 NumberToBits(Vec256 a) => new(Vector256.ConvertToInt32Native(a.value).AsSingle());

    /// <inheritdoc/>
    // Two factors of half the power each: one alone cannot reach the ends of the range, and only the second product rounds.
    [MethodImpl(Inline)]
    public static Vec256 ScaleByPowerOf2(Vec256 x, Vec256 n)
    {
        Vector256<int> power = Vector256.ConvertToInt32Native(n.value);
        Vector256<int> half = power >> 1;
        Vector256<float> first = ((half + Vector256.Create(127)) << 23).AsSingle();
        Vector256<float> second = ((power - half + Vector256.Create(127)) << 23).AsSingle();
        return new(x.value * first * second);
    }
}
