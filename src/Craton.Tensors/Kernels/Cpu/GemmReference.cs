using System.Numerics;

namespace Craton.Tensors.Kernels.Cpu;

/// <summary>The meaning of a matrix product: every element is one chain of fused multiply-adds over k = 0 .. K-1. Used for double
/// precision, and as the oracle of <see cref="Gemm"/>, which gives the same bits.</summary>
internal static unsafe class GemmReference
{
    /// <summary>C = (accumulate ? C : 0) + A·B for each matrix of the batch.</summary>
    public static void Multiply<T>(GemmShape shape, StridedMatrix<T> a, StridedMatrix<T> b, StridedMatrix<T> c, bool accumulate = false)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int batch = 0; batch < shape.Batch; batch++)
            for (int i = 0; i < shape.M; i++)
                for (int j = 0; j < shape.N; j++)
                {
                    T sum = accumulate ? *c.At(batch, i, j) : T.Zero;
                    for (int k = 0; k < shape.K; k++)
                        sum = T.FusedMultiplyAdd(*a.At(batch, i, k), *b.At(batch, k, j), sum);
                    *c.At(batch, i, j) = sum;
                }
    }
}
