using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>16 floats in a 512-bit register.</summary>
internal readonly unsafe struct Vec512 : IVec<Vec512>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly Vector512<float> value;

    [MethodImpl(Inline)]
    private Vec512(Vector512<float> value) => this.value = value;

    /// <inheritdoc/>
    public static int Lanes
    {
        [MethodImpl(Inline)]
        get => 16;
    }

    /// <inheritdoc/>
    public static int ElementSize
    {
        [MethodImpl(Inline)]
        get => sizeof(float);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Load(void* p, long index = 0) => new(Vector512.Load((float*)p + index));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(void* p, long index, Vec512 v) => v.value.Store((float*)p + index);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Broadcast(double value) => new(Vector512.Create((float)value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 BroadcastAt(void* p) => new(Vector512.Create(*(float*)p));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator +(Vec512 a, Vec512 b) => new(a.value + b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator -(Vec512 a, Vec512 b) => new(a.value - b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator *(Vec512 a, Vec512 b) => new(a.value * b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator /(Vec512 a, Vec512 b) => new(a.value / b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator -(Vec512 a) => new(a.value ^ Vector512.Create(-0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Fma(Vec512 a, Vec512 b, Vec512 c) => new(Vector512.FusedMultiplyAdd(a.value, b.value, c.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddProduct(Vec512 a, Vec512 b, ref Vec512 sum) => Unsafe.AsRef(in sum.value) = Vector512.FusedMultiplyAdd(a.value, b.value, sum.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Sqrt(Vec512 a) => new(Vector512.Sqrt(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Abs(Vec512 a) => new(Vector512.Abs(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Floor(Vec512 a) => new(Vector512.Floor(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 RoundToEven(Vec512 a) => new(Vector512.Round(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Truncate(Vec512 a) => new(Vector512.Truncate(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Min(Vec512 a, Vec512 b) => new(Vector512.Min(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Max(Vec512 a, Vec512 b) => new(Vector512.Max(a.value, b.value));

    /// <inheritdoc/>
    // The native forms return either the NaN or the second operand: both are x when x is NaN.
    [MethodImpl(Inline)]
    public static Vec512 Clamp(Vec512 x, Vec512 low, Vec512 high) =>
        new(Vector512.MaxNative(low.value, Vector512.MinNative(high.value, x.value)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator <(Vec512 a, Vec512 b) => new(Vector512.LessThan(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator >(Vec512 a, Vec512 b) => new(Vector512.GreaterThan(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator <=(Vec512 a, Vec512 b) => new(Vector512.LessThanOrEqual(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator >=(Vec512 a, Vec512 b) => new(Vector512.GreaterThanOrEqual(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Equal(Vec512 a, Vec512 b) => new(Vector512.Equals(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator &(Vec512 a, Vec512 b) => new(a.value & b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator |(Vec512 a, Vec512 b) => new(a.value | b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator ^(Vec512 a, Vec512 b) => new(a.value ^ b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 operator ~(Vec512 a) => new(~a.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 AndNot(Vec512 a, Vec512 b) => new(Vector512.AndNot(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 Select(Vec512 mask, Vec512 a, Vec512 b) => new(Vector512.ConditionalSelect(mask.value, a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Vec512 mask) => Vector512.ExtractMostSignificantBits(mask.value) != 0;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 BroadcastBits(int bits) => new(Vector512.Create(bits).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 AddBits(Vec512 a, Vec512 b) => new((a.value.AsInt32() + b.value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 SubtractBits(Vec512 a, Vec512 b) => new((a.value.AsInt32() - b.value.AsInt32()).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 ShiftLeftBits(Vec512 a, int count) => new((a.value.AsInt32() << count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 ShiftRightBits(Vec512 a, int count) => new((a.value.AsInt32() >> count).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 BitsToNumber(Vec512 a) => new(Vector512.ConvertToSingle(a.value.AsInt32()));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Vec512 NumberToBits(Vec512 a) => new(Vector512.ConvertToInt32Native(a.value).AsSingle());

    /// <inheritdoc/>
    // Two factors of half the power each: one alone cannot reach the ends of the range, and only the second product rounds.
    [MethodImpl(Inline)]
    public static Vec512 ScaleByPowerOf2(Vec512 x, Vec512 n)
    {
        if (Avx512F.IsSupported)
            return new(Avx512F.Scale(x.value, n.value));

        Vector512<int> power = Vector512.ConvertToInt32Native(n.value);
        Vector512<int> half = power >> 1;
        Vector512<float> first = ((half + Vector512.Create(127)) << 23).AsSingle();
        Vector512<float> second = ((power - half + Vector512.Create(127)) << 23).AsSingle();
        return new(x.value * first * second);
    }
}
