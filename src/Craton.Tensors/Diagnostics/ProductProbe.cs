namespace Craton.Tensors.Diagnostics;

/// <summary>The matrix product alone, into memory that is there, as BLAS libraries offer it: for comparing speeds.</summary>
public static class ProductProbe
{
    /// <summary>y = a · b, or y += a · b.</summary>
    /// <param name="a">[M, K], of any strides.</param>
    /// <param name="b">[K, N], of any strides.</param>
    /// <param name="y">[M, N].</param>
    /// <param name="accumulate">Whether to add to what y holds.</param>
    public static void Multiply(Tensor a, Tensor b, Tensor y, bool accumulate) => Kernel.For(y).MatMul(a, a.Layout, b, b.Layout, y, y.Layout, accumulate);
}
