using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>The four operations of a product tile on a register of single-precision lanes. <see cref="Fma"/> rounds once everywhere: where
/// the hardware has no fused multiply-add, the framework computes it exactly in software.</summary>
internal unsafe interface IGemmVector<TSelf>
    where TSelf : struct, IGemmVector<TSelf>
{
    /// <summary>Lanes of the register.</summary>
    static abstract int Lanes { get; }

    /// <summary>Rows of the largest tile of two vectors a row whose sums stay in registers.</summary>
    static abstract int TileRows { get; }

    static abstract TSelf Load(float* source);

    static abstract TSelf Broadcast(float* source);

    static abstract void Store(TSelf value, float* target);

    /// <summary>a·b + sum with a single rounding.</summary>
    static abstract TSelf Fma(TSelf a, TSelf b, TSelf sum);
}

/// <summary>16 lanes: 24 sums, 2 columns vectors and a broadcast of the 32 registers.</summary>
internal readonly unsafe struct GemmVector512(Vector512<float> value) : IGemmVector<GemmVector512>
{
    private readonly Vector512<float> _value = value;

    public static int Lanes => 16;

    public static int TileRows => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector512 Broadcast(float* source) => new(Vector512.Create(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(GemmVector512 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector512 Fma(GemmVector512 a, GemmVector512 b, GemmVector512 sum)
        => new(Vector512.FusedMultiplyAdd(a._value, b._value, sum._value));
}

/// <summary>8 lanes: 12 sums, 2 column vectors and a broadcast of the 16 registers.</summary>
internal readonly unsafe struct GemmVector256(Vector256<float> value) : IGemmVector<GemmVector256>
{
    private readonly Vector256<float> _value = value;

    public static int Lanes => 8;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector256 Broadcast(float* source) => new(Vector256.Create(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(GemmVector256 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector256 Fma(GemmVector256 a, GemmVector256 b, GemmVector256 sum)
        => new(Vector256.FusedMultiplyAdd(a._value, b._value, sum._value));
}

/// <summary>4 lanes: NEON, and x86 without AVX2.</summary>
internal readonly unsafe struct GemmVector128(Vector128<float> value) : IGemmVector<GemmVector128>
{
    private readonly Vector128<float> _value = value;

    public static int Lanes => 4;

    // ARM has 32 registers, x86 of this width 16.
    public static int TileRows => System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported ? 12 : 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector128 Broadcast(float* source) => new(Vector128.Create(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(GemmVector128 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmVector128 Fma(GemmVector128 a, GemmVector128 b, GemmVector128 sum)
        => new(Vector128.FusedMultiplyAdd(a._value, b._value, sum._value));
}

/// <summary>One lane: no vector registers at all.</summary>
internal readonly unsafe struct GemmScalar(float value) : IGemmVector<GemmScalar>
{
    private readonly float _value = value;

    public static int Lanes => 1;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmScalar Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmScalar Broadcast(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(GemmScalar value, float* target) => *target = value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GemmScalar Fma(GemmScalar a, GemmScalar b, GemmScalar sum)
        => new(MathF.FusedMultiplyAdd(a._value, b._value, sum._value));
}
