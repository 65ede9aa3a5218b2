namespace Craton.Tensors;

/// <summary>
/// All operations on tensors. Each lives in its own file: formula and shapes, the public function, and the recorded operation with its
/// backward step. <c>using static Craton.Tensors.Ops;</c> lets formulas read like formulas.
/// </summary>
public static partial class Ops;
