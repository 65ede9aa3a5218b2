namespace Craton.Tensors.Kernels;

/// <summary>
/// Chooses the kernels for a tensor: F32 runs on the fast CPU kernels, everything else (F64 gradient checks, integers) on the reference
/// ones. <c>CRATON_KERNELS=reference</c> forces the reference for F32 too.
/// </summary>
internal static class Kernel
{
    private static readonly ReferenceKernels Reference = new();
    private static readonly CpuKernels Cpu = new();

    /// <summary>Set to run F32 on the reference kernels as well (tests).</summary>
    [ThreadStatic] public static bool ForceReference;

    private static readonly bool AlwaysReference = Environment.GetEnvironmentVariable("CRATON_KERNELS") == "reference";

    public static ReferenceKernels For(Tensor tensor) =>
        tensor.DType == DType.F32 && !ForceReference && !AlwaysReference ? Cpu : Reference;
}
