using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>One double: reference precision for gradient checks.</summary>
internal readonly unsafe struct Scalar64 : IVec<Scalar64>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly double value;

    /// <summary>One lane that holds <paramref name="value"/>.</summary>
    [MethodImpl(Inline)]
    public Scalar64(double value) => this.value = value;

    /// <summary>The number in the only lane.</summary>
    public double Value
    {
        [MethodImpl(Inline)]
        get => value;
    }

    /// <inheritdoc/>
    public static int Lanes
    {
        [MethodImpl(Inline)]
        get => 1;
    }

    /// <inheritdoc/>
    public static int ElementSize
    {
        [MethodImpl(Inline)]
        get => sizeof(double);
    }

    private long Bits
    {
        [MethodImpl(Inline)]
        get => BitConverter.DoubleToInt64Bits(value);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Load(void* p, long index = 0) => new(((double*)p)[index]);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(void* p, long index, Scalar64 v) => ((double*)p)[index] = v.value;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Broadcast(double value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 BroadcastAt(void* p) => new(*(double*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator +(Scalar64 a, Scalar64 b) => new(a.value + b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator -(Scalar64 a, Scalar64 b) => new(a.value - b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator *(Scalar64 a, Scalar64 b) => new(a.value * b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator /(Scalar64 a, Scalar64 b) => new(a.value / b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator -(Scalar64 a) => new(-a.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Fma(Scalar64 a, Scalar64 b, Scalar64 c) => new(Math.FusedMultiplyAdd(a.value, b.value, c.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddProduct(Scalar64 a, Scalar64 b, ref Scalar64 sum) => Unsafe.AsRef(in sum.value) = Math.FusedMultiplyAdd(a.value, b.value, sum.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Sqrt(Scalar64 a) => new(Math.Sqrt(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Abs(Scalar64 a) => new(Math.Abs(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Floor(Scalar64 a) => new(Math.Floor(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 RoundToEven(Scalar64 a) => new(Math.Round(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Truncate(Scalar64 a) => new(Math.Truncate(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Min(Scalar64 a, Scalar64 b) => new(Math.Min(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Max(Scalar64 a, Scalar64 b) => new(Math.Max(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Clamp(Scalar64 x, Scalar64 low, Scalar64 high)
    {
        double below = high.value < x.value ? high.value : x.value;
        return new(low.value > below ? low.value : below);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator <(Scalar64 a, Scalar64 b) => Mask(a.value < b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator >(Scalar64 a, Scalar64 b) => Mask(a.value > b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator <=(Scalar64 a, Scalar64 b) => Mask(a.value <= b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator >=(Scalar64 a, Scalar64 b) => Mask(a.value >= b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Equal(Scalar64 a, Scalar64 b) => Mask(a.value == b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator &(Scalar64 a, Scalar64 b) => FromBits(a.Bits & b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator |(Scalar64 a, Scalar64 b) => FromBits(a.Bits | b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator ^(Scalar64 a, Scalar64 b) => FromBits(a.Bits ^ b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 operator ~(Scalar64 a) => FromBits(~a.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 AndNot(Scalar64 a, Scalar64 b) => FromBits(a.Bits & ~b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 Select(Scalar64 mask, Scalar64 a, Scalar64 b) => mask.Bits < 0 ? a : b;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Scalar64 mask) => mask.Bits < 0;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 BroadcastBits(int bits) => FromBits(bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 AddBits(Scalar64 a, Scalar64 b) => FromBits(a.Bits + b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 SubtractBits(Scalar64 a, Scalar64 b) => FromBits(a.Bits - b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 ShiftLeftBits(Scalar64 a, int count) => FromBits(a.Bits << count);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 ShiftRightBits(Scalar64 a, int count) => FromBits(a.Bits >> count);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 BitsToNumber(Scalar64 a) => new(a.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar64 NumberToBits(Scalar64 a) => FromBits((long)a.value);

    /// <inheritdoc/>
    // Two factors of half the power each: one alone cannot reach the ends of the range, and only the second product rounds.
    [MethodImpl(Inline)]
    public static Scalar64 ScaleByPowerOf2(Scalar64 x, Scalar64 n)
    {
        long power = (long)n.value;
        long half = power >> 1;
        double first = BitConverter.Int64BitsToDouble((half + 1023) << 52);
        double second = BitConverter.Int64BitsToDouble((power - half + 1023) << 52);
        return new(x.value * first * second);
    }

    [MethodImpl(Inline)]
    private static Scalar64 Mask(bool condition) => FromBits(condition ? -1L : 0);

    [MethodImpl(Inline)]
    private static Scalar64 FromBits(long bits) => new(BitConverter.Int64BitsToDouble(bits));
}
