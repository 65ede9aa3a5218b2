namespace Craton.Tensors.Kernels;

/// <summary>
/// The fast kernels for F32 on a CPU: SIMD of any width, all workers, same bits for any number of them. What is not overridden here runs
/// on the reference.
/// </summary>
internal sealed partial class CpuKernels : ReferenceKernels;
