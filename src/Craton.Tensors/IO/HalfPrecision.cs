using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Craton.Tensors.IO;

/// <summary>
/// Conversion between single precision and the two 16-bit formats, by integer arithmetic alone: the same bits on every machine.
/// Widening is exact. Narrowing rounds to nearest, ties to even, as IEEE 754-2019 says; too large becomes infinity; a NaN stays
/// a NaN and keeps its sign and the upper bits of its payload.
/// </summary>
public static class HalfPrecision
{
    /// <summary>Widens to single precision.</summary>
    /// <param name="source">Bits of the 16-bit numbers.</param>
    /// <param name="destination">As many singles.</param>
    /// <param name="type">BF16 or F16.</param>
    public static void Widen(ReadOnlySpan<ushort> source, Span<float> destination, DType type)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination)[..source.Length];
        if (type == DType.BF16)
        {
            for (int i = 0; i < bits.Length; i++) bits[i] = (uint)source[i] << 16;
        }
        else
        {
            RequireHalf(type);
            for (int i = 0; i < bits.Length; i++) bits[i] = WidenHalf(source[i]);
        }
    }

    /// <summary>Rounds single precision to 16 bits.</summary>
    /// <param name="source">The singles.</param>
    /// <param name="destination">Receives as many 16-bit numbers.</param>
    /// <param name="type">BF16 or F16.</param>
    public static void Narrow(ReadOnlySpan<float> source, Span<ushort> destination, DType type)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(source);
        destination = destination[..bits.Length];
        if (type == DType.BF16)
        {
            for (int i = 0; i < bits.Length; i++) destination[i] = NarrowBrain(bits[i]);
        }
        else
        {
            RequireHalf(type);
            for (int i = 0; i < bits.Length; i++) destination[i] = NarrowHalf(bits[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort NarrowBrain(uint x)
    {
        const uint quiet = 1 << 22; // set, so that a NaN whose payload is cut away does not become infinity
        bool isNaN = (x & 0x7FFF_FFFF) > 0x7F80_0000;
        uint rounded = x + 0x7FFF + ((x >> 16) & 1); // half a unit, less one bit when the kept part is even
        return (ushort)((isNaN ? x | quiet : rounded) >> 16);
    }

    /// <summary>F16 is 1 sign, 5 exponent (bias 15), 10 fraction; F32 is 1, 8 (bias 127), 23.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint WidenHalf(uint h)
    {
        uint sign = (h & 0x8000) << 16, exponent = (h >> 10) & 0x1F, fraction = h & 0x3FF;
        if (exponent == 31) return sign | 0x7F80_0000 | (fraction << 13);
        if (exponent != 0) return sign | ((exponent + 127 - 15) << 23) | (fraction << 13);
        if (fraction == 0) return sign;
        int shift = BitOperations.LeadingZeroCount(fraction) - 21; // a subnormal: move its leading one to bit 10
        return sign | ((uint)(127 - 14 - shift) << 23) | (((fraction << shift) & 0x3FF) << 13);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort NarrowHalf(uint x)
    {
        uint sign = (x >> 16) & 0x8000, magnitude = x & 0x7FFF_FFFF;
        if (magnitude > 0x7F80_0000) return (ushort)(sign | 0x7E00 | ((magnitude >> 13) & 0x3FF));
        if (magnitude >= 0x4780_0000) return (ushort)(sign | 0x7C00); // from 2^16: infinity
        if (magnitude >= 0x3880_0000) // from 2^-14: normal; rounding may carry into the exponent, and so to infinity
            return (ushort)(sign | ((magnitude - (112u << 23) + 0xFFF + ((magnitude >> 13) & 1)) >> 13));
        if (magnitude < 0x3300_0000) return (ushort)sign; // below 2^-25: zero
        uint fraction = (magnitude & 0x7F_FFFF) | 0x80_0000;
        int cut = 126 - (int)(magnitude >> 23); // a subnormal: so many bits of the fraction go, 14 to 24
        uint kept = fraction >> cut, rest = fraction & ((1u << cut) - 1), half = 1u << (cut - 1);
        return (ushort)(sign | (kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1u : 0u)));
    }

    private static void RequireHalf(DType type)
    {
        if (type != DType.F16) throw new ArgumentException($"Expected BF16 or F16, got {type}.", nameof(type));
    }
}
