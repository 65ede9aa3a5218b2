namespace Craton.Tensors.Kernels;

/// <summary>Constants of the byte products.</summary>
internal static class DotPowers
{
    /// <summary>2^112: what the exponents of half and single precision differ by.</summary>
    public const float HalfBias = 5192296858534827628530496329220096f;
}
