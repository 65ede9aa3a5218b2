namespace Craton.Tensors.Kernels;

/// <summary>
/// Every kernel in its plainest form: one loop nest that reads like the formula, generic so that it also runs in double for gradient
/// checks. It is the specification; a fast set of kernels overrides methods one at a time and is tested against it for ever.
/// Shapes are checked by the operations, not here. An <c>add</c> argument means <c>y += …</c> instead of <c>y = …</c>.
/// </summary>
internal partial class ReferenceKernels;
