using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>One float: the end of a row, and the path of machines without vector registers.</summary>
internal readonly unsafe struct Scalar32 : IVec<Scalar32>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly float value;

    /// <summary>One lane that holds <paramref name="value"/>.</summary>
    [MethodImpl(Inline)]
    public Scalar32(float value) => this.value = value;

    /// <summary>The number in the only lane.</summary>
    public float Value
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
        get => sizeof(float);
    }

    private int Bits
    {
        [MethodImpl(Inline)]
        get => BitConverter.SingleToInt32Bits(value);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Load(void* p, long index = 0) => new(((float*)p)[index]);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(void* p, long index, Scalar32 v) => ((float*)p)[index] = v.value;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Broadcast(double value) => new((float)value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 BroadcastAt(void* p) => new(*(float*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator +(Scalar32 a, Scalar32 b) => new(a.value + b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator -(Scalar32 a, Scalar32 b) => new(a.value - b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator *(Scalar32 a, Scalar32 b) => new(a.value * b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator /(Scalar32 a, Scalar32 b) => new(a.value / b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator -(Scalar32 a) => new(-a.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Fma(Scalar32 a, Scalar32 b, Scalar32 c) => new(MathF.FusedMultiplyAdd(a.value, b.value, c.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddProduct(Scalar32 a, Scalar32 b, ref Scalar32 sum) => Unsafe.AsRef(in sum.value) = MathF.FusedMultiplyAdd(a.value, b.value, sum.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Sqrt(Scalar32 a) => new(MathF.Sqrt(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Abs(Scalar32 a) => new(MathF.Abs(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Floor(Scalar32 a) => new(MathF.Floor(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 RoundToEven(Scalar32 a) => new(MathF.Round(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Truncate(Scalar32 a) => new(MathF.Truncate(a.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Min(Scalar32 a, Scalar32 b) => new(MathF.Min(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Max(Scalar32 a, Scalar32 b) => new(MathF.Max(a.value, b.value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Clamp(Scalar32 x, Scalar32 low, Scalar32 high)
    {
        float below = high.value < x.value ? high.value : x.value;
        return new(low.value > below ? low.value : below);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator <(Scalar32 a, Scalar32 b) => Mask(a.value < b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator >(Scalar32 a, Scalar32 b) => Mask(a.value > b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator <=(Scalar32 a, Scalar32 b) => Mask(a.value <= b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator >=(Scalar32 a, Scalar32 b) => Mask(a.value >= b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Equal(Scalar32 a, Scalar32 b) => Mask(a.value == b.value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator &(Scalar32 a, Scalar32 b) => FromBits(a.Bits & b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator |(Scalar32 a, Scalar32 b) => FromBits(a.Bits | b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator ^(Scalar32 a, Scalar32 b) => FromBits(a.Bits ^ b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 operator ~(Scalar32 a) => FromBits(~a.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 AndNot(Scalar32 a, Scalar32 b) => FromBits(a.Bits & ~b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 Select(Scalar32 mask, Scalar32 a, Scalar32 b) => mask.Bits < 0 ? a : b;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Scalar32 mask) => mask.Bits < 0;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 BroadcastBits(int bits) => FromBits(bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 AddBits(Scalar32 a, Scalar32 b) => FromBits(a.Bits + b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 SubtractBits(Scalar32 a, Scalar32 b) => FromBits(a.Bits - b.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 ShiftLeftBits(Scalar32 a, int count) => FromBits(a.Bits << count);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 ShiftRightBits(Scalar32 a, int count) => FromBits(a.Bits >> count);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 BitsToNumber(Scalar32 a) => new(a.Bits);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Scalar32 NumberToBits(Scalar32 a) => FromBits((int)a.value);

    /// <inheritdoc/>
    // Two factors of half the power each: one alone cannot reach the ends of the range, and only the second product rounds.
    [MethodImpl(Inline)]
    public static Scalar32 ScaleByPowerOf2(Scalar32 x, Scalar32 n)
    {
        int power = (int)n.value;
        int half = power >> 1;
        float first = BitConverter.Int32BitsToSingle((half + 127) << 23);
        float second = BitConverter.Int32BitsToSingle((power - half + 127) << 23);
        return new(x.value * first * second);
    }

    [MethodImpl(Inline)]
    private static Scalar32 Mask(bool condition) => FromBits(condition ? -1 : 0);

    [MethodImpl(Inline)]
    private static Scalar32 FromBits(int bits) => new(BitConverter.Int32BitsToSingle(bits));
}
