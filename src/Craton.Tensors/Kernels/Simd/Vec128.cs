using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>4 floats in a 128-bit register.</summary>
internal readonly unsafe struct Vec128 : IVec<Vec128>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly Vector128<float> value;

    [MethodImpl(Inline)]
    private Vec128(Vector128<float> value) => this.value = value;

    /// <inheritdoc/>
    public static int Lanes
    {
        [MethodImpl(Inline)]
        get => 4;
    }

    /// <inheritdoc/>
    public static int ElementSize
    {
        [MethodImpl(Inline)]
        get => sizeof(float);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Load(void* p, long index = 0) => new(Vector128.Load((float*)p + index));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(void* p, long index, Vec128 v) => v.value.Store((float*)p + index);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Broadcast(double value) => new(Vector128.Create((float)value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 BroadcastAt(void* p) => new(Vector128.Create(*(float*)p));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator +(Vec128 a, Vec128 b) => new(a.value + b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator -(Vec128 a, Vec128 b) => new(a.value - b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator *(Vec128 a, Vec128 b) => new(a.value * b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator /(Vec128 a, Vec128 b) => new(a.value / b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator -(Vec128 a) => new(a.value ^ Vector128.Create(-0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Fma(Vec128 a, Vec128 b, Vec128 c) => new(Vector128.FusedMultiplyAdd(a.value, b.value, c.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddProduct(Vec128 a, Vec128 b, ref Vec128 sum) => Unsafe.AsRef(in sum.value) = Vector128.FusedMultiplyAdd(a.value, b.value, sum.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Sqrt(Vec128 a) => new(Vector128.Sqrt(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Abs(Vec128 a) => new(Vector128.Abs(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Floor(Vec128 a) => new(Vector128.Floor(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 RoundToEven(Vec128 a) => new(Vector128.Round(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Truncate(Vec128 a) => new(Vector128.Truncate(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Min(Vec128 a, Vec128 b) => new(Vector128.Min(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Max(Vec128 a, Vec128 b) => new(Vector128.Max(a.value, b.value));

    /// <inheritdoc/>
    // The native forms return either the NaN or the second operand: both are x when x is NaN.
    [MethodImpl(Inline)]
    public static Vec128 Clamp(Vec128 x, Vec128 low, Vec128 high) =>
        new(Vector128.MaxNative(low.value, Vector128.MinNative(high.value, x.value)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator <(Vec128 a, Vec128 b) => new(Vector128.LessThan(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator >(Vec128 a, Vec128 b) => new(Vector128.GreaterThan(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator <=(Vec128 a, Vec128 b) => new(Vector128.LessThanOrEqual(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator >=(Vec128 a, Vec128 b) => new(Vector128.GreaterThanOrEqual(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Equal(Vec128 a, Vec128 b) => new(Vector128.Equals(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator &(Vec128 a, Vec128 b) => new(a.value & b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator |(Vec128 a, Vec128 b) => new(a.value | b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator ^(Vec128 a, Vec128 b) => new(a.value ^ b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 operator ~(Vec128 a) => new(~a.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 AndNot(Vec128 a, Vec128 b) => new(Vector128.AndNot(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 Select(Vec128 mask, Vec128 a, Vec128 b) => new(Vector128.ConditionalSelect(mask.value, a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Vec128 mask) => Vector128.ExtractMostSignificantBits(mask.value) != 0;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 BroadcastBits(int bits) => new(Vector128.Create(bits).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 AddBits(Vec128 a, Vec128 b) => new((a.value.AsInt32() + b.value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 SubtractBits(Vec128 a, Vec128 b) => new((a.value.AsInt32() - b.value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 ShiftLeftBits(Vec128 a, int count) => new((a.value.AsInt32() << count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 ShiftRightBits(Vec128 a, int count) => new((a.value.AsInt32() >> count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 BitsToNumber(Vec128 a) => new(Vector128.ConvertToSingle(a.value.AsInt32()));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec128 NumberToBits(Vec128 a) => new(Vector128.ConvertToInt32Native(a.value).AsSingle());

    /// <inheritdoc/>
    // Two factors of half the power each: one alone cannot reach the ends of the range, and only the second product rounds.
    [MethodImpl(Inline)]
    public static Vec128 ScaleByPowerOf2(Vec128 x, Vec128 n)
    {
        Vector128<int> power = Vector128.ConvertToInt32Native(n.value);
        Vector128<int> half = power >> 1;
        Vector128<float> first = ((half + Vector128.Create(127)) << 23).AsSingle();
        Vector128<float> second = ((power - half + Vector128.Create(127)) << 23).AsSingle();
        return new(x.value * first * second);
    }
}
