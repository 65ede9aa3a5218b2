using Craton.Tensors.Kernels;

namespace Craton.Tensors.Tests;

/// <summary>Sums of other shapes than those of the catalogue.</summary>
public sealed class ReductionTests
{
    [Theory]
    [InlineData(2, 300, 5)] // more rows than are summed at once
    [InlineData(3, 2, 20000)] // rows that are cut for the threads
    [InlineData(700, 3, 4)] // many matrices a task
    public void Columns_of_many_matrices_are_summed_as_by_the_reference(int matrices, int rows, int columns)
    {
        using var scope = TensorScope.Open("test");
        Tensor x = Tensor.Empty(DType.F32, matrices, rows, columns), want = Tensor.Full(1, matrices, 1, columns), got = Tensor.Full(1, matrices, 1, columns);
        new CounterRandom(3).FillNormal(x.AsSpan<float>());
        new ReferenceKernels().SumTo(x, want, add: true);
        Kernel.For(x).SumTo(x, got, add: true);
        AssertNear(want, got);
        Kernel.For(x).SumTo(x, got);
        AssertNear(want - 1, got);
    }

    private static void AssertNear(Tensor want, Tensor got)
    {
        foreach ((float w, float g) in want.ToArray<float>().Zip(got.ToArray<float>())) Assert.Equal(w, g, 2e-5 * Math.Max(1, Math.Abs(w)));
    }
}
