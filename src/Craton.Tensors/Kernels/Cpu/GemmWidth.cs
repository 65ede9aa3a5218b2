using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>Register widths in bits that a matrix product can use.</summary>
internal enum GemmWidth
{
    Scalar = 32,
    Vector128 = 128,
    Vector256 = 256,
    Vector512 = 512,
}

internal static class GemmWidths
{
    /// <summary>The width used unless one is asked for: the widest that the hardware has, or less where the environment variable
    /// CRATON_SIMD (512, 256, 128 or scalar) says so.</summary>
    public static GemmWidth Current { get; } = Choose(Environment.GetEnvironmentVariable("CRATON_SIMD"));

    /// <summary>The widest width of the hardware. Vectors without a fused multiply-add instruction would compute it lane by lane, slower
    /// than scalar code.</summary>
    public static GemmWidth Widest =>
        Vector512.IsHardwareAccelerated ? GemmWidth.Vector512
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? GemmWidth.Vector256
        : Fma.IsSupported || AdvSimd.IsSupported ? GemmWidth.Vector128
        : GemmWidth.Scalar;

    private static GemmWidth Choose(string? wish)
    {
        GemmWidth asked = wish switch
        {
            "256" => GemmWidth.Vector256,
            "128" => GemmWidth.Vector128,
            "scalar" => GemmWidth.Scalar,
            _ => GemmWidth.Vector512,
        };
        return asked < Widest ? asked : Widest;
    }
}
