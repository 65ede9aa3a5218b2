using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Simd;

/// <summary>Work written once for every register; fields carry its operands and its result.</summary>
internal interface IVecJob
{
    /// <summary>Does the work with registers of type <typeparamref name="V"/>.</summary>
    void Run<V>() where V : struct, IVec<V>;
}

/// <summary>The one place where the width of the float registers is chosen.</summary>
internal static class SimdWidth
{
    /// <summary>The environment variable that asks for a narrower width than the hardware has: 512, 256, 128 or scalar.</summary>
    public const string Variable = "CRATON_SIMD";

    private const int ScalarBits = 32;

    // A constant to the JIT once the class is initialised: the branches of Run cost nothing. 0 when the variable is misspelt, so that
    // the error reaches the caller as itself and not wrapped by a failed type initialiser.
    private static readonly int Width = Math.Min(Hardware(), Requested());

    /// <summary>Bits of the registers in use: 512, 256, 128, or 32 for one float at a time. Results do not depend on it.</summary>
    /// <exception cref="CratonException"><see cref="Variable"/> holds none of the four widths.</exception>
    public static int Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Width != 0 ? Width : throw Misspelt();
    }

    /// <summary>Runs <paramref name="job"/> on floats with the chosen registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TJob>(ref TJob job) where TJob : struct, IVecJob
    {
        if (Current == 512)
            job.Run<Vec512>();
        else if (Current == 256)
            job.Run<Vec256>();
        else if (Current == 128)
            job.Run<Vec128>();
        else
            job.Run<Scalar32>();
    }

    // The runtime does not call vectors of 512 bits accelerated on the first Intel processors that have them (Skylake to Cascade Lake), which lower their
    // clock for them. Products gain far more than that costs: a Cascade Lake multiplies and adds 1.8 times as fast as with 256 bits.
    private static int Hardware() =>
        Avx512F.IsSupported ? 512
        : Vector256.IsHardwareAccelerated ? 256
        : Vector128.IsHardwareAccelerated ? 128
        : ScalarBits;

    private static int Requested() => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or "512" => 512,
        "256" => 256,
        "128" => 128,
        "scalar" => ScalarBits,
        _ => 0,
    };

    private static CratonException Misspelt() => new(
        $"{Variable}: expected 512, 256, 128 or scalar, got '{Environment.GetEnvironmentVariable(Variable)}'; "
        + "unset it to use the widest registers of this machine");
}
