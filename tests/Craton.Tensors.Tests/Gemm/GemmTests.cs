using System.Runtime.InteropServices;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

/// <summary>Every product gives the bits of the naive chain of fused multiply-adds, whatever computes it.</summary>
[Collection("worker pool")]
public sealed unsafe class GemmTests
{
    private static readonly int[] Widths = [.. new[] { 32, 128, 256, 512 }.Where(bits => bits <= Gemm.RegisterBits)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void All_orders_and_small_odd_sizes_have_the_bits_of_the_definition(int threads)
    {
        WorkerPool.SetThreads(threads);
        var random = new Random(threads);
        int[] sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33];
        foreach (int width in Widths)
            foreach (int m in sizes)
                foreach (int n in sizes)
                {
                    int k = 1 + random.Next(33);
                    var shape = new GemmShape(m, n, k);
                    Check(width, shape, (Order)random.Next(3), (Order)random.Next(3), (Order)random.Next(3), random.Next(2) == 1, random);
                }
    }

    [Fact]
    public void Every_combination_of_orders_has_the_bits_of_the_definition()
    {
        WorkerPool.SetThreads(2);
        var random = new Random(5);
        foreach (int width in Widths)
            foreach (Order a in Enum.GetValues<Order>())
                foreach (Order b in Enum.GetValues<Order>())
                    foreach (Order c in Enum.GetValues<Order>())
                        foreach (bool accumulate in new[] { false, true })
                        {
                            Check(width, new GemmShape(37, 75, 401), a, b, c, accumulate, random); // several blocks of k
                            Check(width, new GemmShape(1, 300, 65), a, b, c, accumulate, random);
                            Check(width, new GemmShape(2, 129, 40), a, b, c, accumulate, random);
                            Check(width, new GemmShape(301, 3, 21), a, b, c, accumulate, random); // several blocks of rows
                        }
    }

    [Fact]
    public void Random_sizes_up_to_200_have_the_bits_of_the_definition()
    {
        var random = new Random(7);
        for (int round = 0; round < 60; round++)
        {
            WorkerPool.SetThreads(1 + random.Next(4));
            var shape = new GemmShape(1 + random.Next(200), 1 + random.Next(200), 1 + random.Next(200));
            foreach (int width in Widths)
                Check(width, shape, (Order)random.Next(3), (Order)random.Next(3), (Order)random.Next(3), random.Next(2) == 1, random);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Batches_with_shared_operands_have_the_bits_of_the_definition(int strideA, int strideB)
    {
        var random = new Random(3);
        foreach ((int batch, int m, int n, int k) in new[] { (1, 5, 6, 7), (3, 33, 65, 17), (7, 64, 64, 32), (100, 4, 4, 4), (5, 1, 40, 300) })
            foreach (int threads in new[] { 1, 3 })
                foreach (int width in Widths)
                {
                    WorkerPool.SetThreads(threads);
                    using var a = new Matrices(batch, m, k, Order.RowMajor, random);
                    using var b = new Matrices(batch, k, n, Order.ColumnMajor, random);
                    using var expected = new Matrices(batch, m, n, Order.RowMajor, random);
                    using Matrices actual = expected.Copy();
                    var viewA = new StridedMatrix<float>(a.View.Data, a.View.RowStride, a.View.ColumnStride, strideA * a.View.BatchStride);
                    var viewB = new StridedMatrix<float>(b.View.Data, b.View.RowStride, b.View.ColumnStride, strideB * b.View.BatchStride);
                    var shape = new GemmShape(m, n, k, batch);
                    GemmReference.Multiply(shape, viewA, viewB, expected.View);
                    Gemm.Multiply(width, shape, viewA, viewB, actual.View, accumulate: false, new NoEpilogue());
                    AssertEqualBits(expected, actual, $"{width} {shape}");
                }
    }

    [Fact]
    public void A_row_alone_has_the_bits_it_has_within_a_batch()
    {
        WorkerPool.SetThreads(2);
        var random = new Random(11);
        using var a = new Matrices(1, 50, 333, Order.RowMajor, random);
        using var b = new Matrices(1, 333, 200, Order.ColumnMajor, random);
        using var whole = new Matrices(1, 50, 200, Order.RowMajor, random);
        using var single = new Matrices(1, 1, 200, Order.RowMajor, random);
        Gemm.Multiply(new GemmShape(50, 200, 333), a.View, b.View, whole.View);
        for (int row = 0; row < 50; row++)
        {
            var rowOfA = new StridedMatrix<float>(a.View.At(0, row, 0), a.View.RowStride, a.View.ColumnStride);
            Gemm.Multiply(new GemmShape(1, 200, 333), rowOfA, b.View, single.View);
            Assert.True(
                new ReadOnlySpan<int>(single.View.Data, 200).SequenceEqual(new ReadOnlySpan<int>(whole.View.At(0, row, 0), 200)), $"row {row}");
        }
    }

    [Fact]
    public void An_empty_sum_is_zero_or_what_was_there()
    {
        float[] c = [1, 2, 3, 4];
        fixed (float* p = c)
        {
            var view = new StridedMatrix<float>(p, 2, 1);
            Gemm.Multiply(new GemmShape(2, 2, 0), view, view, view, accumulate: true);
            Assert.Equal([1, 2, 3, 4], c);
            Gemm.Multiply(new GemmShape(2, 2, 0), view, view, view);
            Assert.Equal([0, 0, 0, 0], c);
        }
    }

    [Fact]
    public void Infinities_and_nan_stay_in_their_rows_and_columns()
    {
        var random = new Random(13);
        foreach (int width in Widths)
        {
            using var a = new Matrices(1, 20, 30, Order.RowMajor, random);
            using var b = new Matrices(1, 30, 41, Order.RowMajor, random);
            using var clean = new Matrices(1, 20, 41, Order.RowMajor, random);
            using Matrices actual = clean.Copy();
            var shape = new GemmShape(20, 41, 30);
            Gemm.Multiply(width, shape, a.View, b.View, clean.View, accumulate: false, new NoEpilogue());
            *a.View.At(0, 19, 3) = float.NaN;
            *b.View.At(0, 7, 40) = float.PositiveInfinity;
            Gemm.Multiply(width, shape, a.View, b.View, actual.View, accumulate: false, new NoEpilogue());
            for (int i = 0; i < 20; i++)
                for (int j = 0; j < 41; j++)
                {
                    float value = *actual.View.At(0, i, j);
                    if (i == 19)
                        Assert.True(float.IsNaN(value));
                    else if (j == 40)
                        Assert.True(float.IsInfinity(value));
                    else
                        Assert.Equal(*clean.View.At(0, i, j), value);
                }
        }
    }

    private readonly struct RecordingEpilogue(int* calls, int columns) : IGemmEpilogue
    {
        public void Apply(float* cRow, int n, int row, int column)
        {
            for (int i = 0; i < n; i++)
            {
                _ = Interlocked.Increment(ref calls[(row * columns) + column + i]);
                cRow[i] = (2 * cRow[i]) + row;
            }
        }

        public void Fetch(int n, int row, int column)
        {
        }
    }

    [Theory]
    [InlineData(37, 75, 601)]
    [InlineData(1, 300, 20)]
    [InlineData(300, 5, 20)]
    [InlineData(600, 1, 300)]
    [InlineData(9, 11, 0)]
    public void An_epilogue_meets_every_finished_element_once(int m, int n, int k)
    {
        var random = new Random(17);
        foreach (int width in Widths)
            foreach (int threads in new[] { 1, 3 })
                foreach (bool accumulate in new[] { false, true })
                {
                    WorkerPool.SetThreads(threads);
                    using var a = new Matrices(1, m, k, Order.RowMajor, random);
                    using var b = new Matrices(1, k, n, Order.RowMajor, random);
                    using var expected = new Matrices(1, m, n, Order.RowMajor, random);
                    using Matrices actual = expected.Copy();
                    var shape = new GemmShape(m, n, k);
                    GemmReference.Multiply(shape, a.View, b.View, expected.View, accumulate);
                    for (int i = 0; i < m; i++)
                        for (int j = 0; j < n; j++)
                            *expected.View.At(0, i, j) = (2 * *expected.View.At(0, i, j)) + i;
                    var calls = new int[m * n];
                    fixed (int* p = calls)
                        Gemm.Multiply(width, shape, a.View, b.View, actual.View, accumulate, new RecordingEpilogue(p, n));
                    Assert.All(calls, count => Assert.Equal(1, count));
                    AssertEqualBits(expected, actual, $"{width} {shape} threads {threads}");
                }
    }

    [Fact]
    public void Bias_is_added_once_after_the_whole_sum()
    {
        WorkerPool.SetThreads(2);
        var random = new Random(19);
        using var a = new Matrices(1, 21, 700, Order.RowMajor, random);
        using var b = new Matrices(1, 700, 53, Order.ColumnMajor, random);
        using var bias = new Matrices(1, 1, 53, Order.RowMajor, random);
        using var expected = new Matrices(1, 21, 53, Order.RowMajor, random);
        using Matrices actual = expected.Copy();
        var shape = new GemmShape(21, 53, 700);
        GemmReference.Multiply(shape, a.View, b.View, expected.View);
        for (int i = 0; i < 21; i++)
            for (int j = 0; j < 53; j++)
                *expected.View.At(0, i, j) += *bias.View.At(0, 0, j);
        Gemm.Multiply(shape, a.View, b.View, actual.View, accumulate: false, new BiasEpilogue(bias.View.Data));
        AssertEqualBits(expected, actual, "bias");
    }

    [Fact]
    public void A_product_allocates_nothing()
    {
        WorkerPool.SetThreads(2);
        var random = new Random(23);
        using var a = new Matrices(1, 120, 120, Order.RowMajor, random);
        using var b = new Matrices(1, 120, 120, Order.ColumnMajor, random);
        using var c = new Matrices(1, 120, 120, Order.RowMajor, random);
        var shape = new GemmShape(120, 120, 120);
        for (int i = 0; i < 20; i++)
            Gemm.Multiply(shape, a.View, b.View, c.View);
        // Other threads of the test host allocate now and then: the best of a few rounds is what the product does.
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least > 0; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 20; i++)
                Gemm.Multiply(shape, a.View, b.View, c.View);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void The_reference_in_double_is_the_same_chain()
    {
        double[] a = [1, 2, 3, 4, 5, 6], b = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], c = new double[4];
        fixed (double* pa = a, pb = b, pc = c)
        {
            GemmReference.Multiply(
                new GemmShape(2, 2, 3), new StridedMatrix<double>(pa, 3, 1), new StridedMatrix<double>(pb, 2, 1), new StridedMatrix<double>(pc, 2, 1));
        }
        double Chain(int i, int j) => Math.FusedMultiplyAdd(
            a[(3 * i) + 2], b[4 + j], Math.FusedMultiplyAdd(a[(3 * i) + 1], b[2 + j], Math.FusedMultiplyAdd(a[3 * i], b[j], 0)));
        Assert.Equal([Chain(0, 0), Chain(0, 1), Chain(1, 0), Chain(1, 1)], c);
    }

    private static void Check(int width, GemmShape shape, Order orderA, Order orderB, Order orderC, bool accumulate, Random random)
    {
        using var a = new Matrices(shape.Batch, shape.M, shape.K, orderA, random);
        using var b = new Matrices(shape.Batch, shape.K, shape.N, orderB, random);
        using var expected = new Matrices(shape.Batch, shape.M, shape.N, orderC, random);
        using Matrices actual = expected.Copy();
        GemmReference.Multiply(shape, a.View, b.View, expected.View, accumulate);
        Gemm.Multiply(width, shape, a.View, b.View, actual.View, accumulate, new NoEpilogue());
        AssertEqualBits(expected, actual, $"{width} {shape} A {orderA} B {orderB} C {orderC} accumulate {accumulate}");
    }

    /// <summary>Compares the whole memory, so that a write outside of C shows too.</summary>
    private static void AssertEqualBits(Matrices expected, Matrices actual, string what)
        => Assert.True(MemoryMarshal.Cast<float, int>(expected.Memory).SequenceEqual(MemoryMarshal.Cast<float, int>(actual.Memory)), what);
}
