namespace Craton.Tensors.Kernels;

/// <summary>Constants of the byte products.</summary>
internal static class DotPowers
{
    /// <summary>2⁻¹⁴: half-precision numbers below it are subnormal.</summary>
    public const float LeastNormalHalf = 1f / (1 << 14);
}
