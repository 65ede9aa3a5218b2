namespace Craton.Tensors.Kernels.Simd;

/// <summary>
/// A register of equal lanes. A formula written once, generic over <typeparamref name="V"/>, runs at every width:
/// <see cref="Vec512"/>, <see cref="Vec256"/>, <see cref="Vec128"/> and <see cref="Scalar32"/> hold floats and give equal bits
/// lane by lane (a NaN is a NaN; which NaN is not promised); <see cref="Scalar64"/> holds one double for reference precision.
/// </summary>
/// <remarks>
/// A comparison gives a mask: all bits of a lane set for true, none for false. The operators &amp;, |, ^ and ~ act on bits, so a mask
/// also cuts values: <c>mask &amp; x</c> is x where true and +0 elsewhere.
/// <para>The members named Bits see a lane as a two's complement integer of the lane's size.</para>
/// </remarks>
/// <typeparam name="V">The implementing register itself.</typeparam>
internal unsafe interface IVec<V> where V : struct, IVec<V>
{
    /// <summary>Elements in one register; a constant to the JIT.</summary>
    static abstract int Lanes { get; }

    /// <summary>Bytes of one element: 4 or 8; a constant to the JIT.</summary>
    static abstract int ElementSize { get; }

    /// <summary>Loads the elements [index, index + Lanes) of the array at <paramref name="p"/>; no alignment is needed.</summary>
    static abstract V Load(void* p, long index = 0);

    /// <summary>Stores to the elements [index, index + Lanes) of the array at <paramref name="p"/>; no alignment is needed.</summary>
    static abstract void Store(void* p, long index, V v);

    /// <summary>Every lane holds <paramref name="value"/>, rounded to the lane's type.</summary>
    static abstract V Broadcast(double value);

    /// <summary>Every lane holds the element at <paramref name="p"/>.</summary>
    static abstract V BroadcastAt(void* p);

    /// <summary>Sum.</summary>
    static abstract V operator +(V a, V b);

    /// <summary>Difference.</summary>
    static abstract V operator -(V a, V b);

    /// <summary>Product.</summary>
    static abstract V operator *(V a, V b);

    /// <summary>Quotient, correctly rounded.</summary>
    static abstract V operator /(V a, V b);

    /// <summary>The sign bit flipped, also of a zero.</summary>
    static abstract V operator -(V a);

    /// <summary>a · b + c with a single rounding on all hardware; in (exact) software where there is no instruction.</summary>
    static abstract V Fma(V a, V b, V c);

    /// <summary>sum = a·b + sum, rounded once, which stays in its register: the compiler writes <see cref="Fma"/> over an operand that it
    /// sees for the last time, and so moves what a loop adds up.</summary>
    static abstract void AddProduct(V a, V b, ref V sum);

    /// <summary>Square root, correctly rounded; NaN for negative lanes, −0 for −0.</summary>
    static abstract V Sqrt(V a);

    /// <summary>The sign bit cleared.</summary>
    static abstract V Abs(V a);

    /// <summary>The largest whole number not above a.</summary>
    static abstract V Floor(V a);

    /// <summary>The nearest whole number, ties to even.</summary>
    static abstract V RoundToEven(V a);

    /// <summary>The whole part, toward zero.</summary>
    static abstract V Truncate(V a);

    /// <summary>IEEE 754-2019 minimum: NaN if either is NaN; −0 lies below +0.</summary>
    static abstract V Min(V a, V b);

    /// <summary>IEEE 754-2019 maximum: NaN if either is NaN; −0 lies below +0.</summary>
    static abstract V Max(V a, V b);

    /// <summary>
    /// x moved into [low, high]; a NaN stays one. Cheaper than <see cref="Min"/> and <see cref="Max"/>; the bounds are neither NaN nor zero.
    /// </summary>
    static abstract V Clamp(V x, V low, V high);

    /// <summary>Mask of a &lt; b.</summary>
    static abstract V operator <(V a, V b);

    /// <summary>Mask of a &gt; b.</summary>
    static abstract V operator >(V a, V b);

    /// <summary>Mask of a ≤ b.</summary>
    static abstract V operator <=(V a, V b);

    /// <summary>Mask of a ≥ b.</summary>
    static abstract V operator >=(V a, V b);

    /// <summary>Mask of a = b: false for NaN, true for zeros of either sign.</summary>
    static abstract V Equal(V a, V b);

    /// <summary>Bitwise and.</summary>
    static abstract V operator &(V a, V b);

    /// <summary>Bitwise or.</summary>
    static abstract V operator |(V a, V b);

    /// <summary>Bitwise exclusive or.</summary>
    static abstract V operator ^(V a, V b);

    /// <summary>Bitwise complement.</summary>
    static abstract V operator ~(V a);

    /// <summary>a and not b, bitwise.</summary>
    static abstract V AndNot(V a, V b);

    /// <summary>Lanes of <paramref name="a"/> where the mask is true, of <paramref name="b"/> elsewhere.</summary>
    static abstract V Select(V mask, V a, V b);

    /// <summary>True if any lane of the mask is true.</summary>
    static abstract bool Any(V mask);

    /// <summary>Every lane holds this bit pattern (sign-extended to the lane's size).</summary>
    static abstract V BroadcastBits(int bits);

    /// <summary>Integer sum of the bit patterns, wrapping.</summary>
    static abstract V AddBits(V a, V b);

    /// <summary>Integer difference of the bit patterns, wrapping.</summary>
    static abstract V SubtractBits(V a, V b);

    /// <summary>Bit patterns shifted left.</summary>
    static abstract V ShiftLeftBits(V a, int count);

    /// <summary>Bit patterns shifted right, the sign bit filling in.</summary>
    static abstract V ShiftRightBits(V a, int count);

    /// <summary>The integer bit pattern as a number: the integer 3 becomes 3.0.</summary>
    static abstract V BitsToNumber(V a);

    /// <summary>The number, cut toward zero, as an integer bit pattern: 3.0 becomes the integer 3. NaN and numbers beyond 32 bits give anything.</summary>
    static abstract V NumberToBits(V a);

    /// <summary>
    /// x · 2^n, rounded once also where the result is subnormal or ∞, for |x| in [½, 4] (or NaN) and whole n in [−252, 254]
    /// (double: [−2044, 2046]). For other x an intermediate product could round too.
    /// </summary>
    static abstract V ScaleByPowerOf2(V x, V n);
}
