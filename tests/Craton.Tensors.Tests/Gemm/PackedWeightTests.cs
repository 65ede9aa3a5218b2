using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

/// <summary>A weight that is packed for good gives the bits of the plain product.</summary>
[Collection("worker pool")]
public sealed unsafe class PackedWeightTests
{
    private static readonly int[] Widths = [.. new[] { 32, 128, 256, 512 }.Where(bits => bits <= Gemm.RegisterBits)];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Any_size_has_the_bits_of_the_definition(int threads)
    {
        WorkerPool.SetThreads(threads);
        var random = new Random(threads);
        foreach (int m in (int[])[1, 2, 3, 5, 6, 7, 12, 13, 25, 70])
            foreach (int n in (int[])[1, 15, 32, 33, 129, 300])
                foreach (int k in (int[])[1, 7, 16, 33, 401])
                {
                    float[] a = Noise(random, m * k), weight = Noise(random, n * k), expected = new float[m * n], actual = new float[m * n];
                    fixed (float* pa = a, pw = weight, pe = expected, py = actual)
                    {
                        StridedMatrix<float> source = new(pa, k, 1), b = new(pw, 1, k);
                        GemmReference.Multiply(new GemmShape(m, n, k), source, b, new StridedMatrix<float>(pe, n, 1));
                        var packed = new PackedMatrix(b, k, n);
                        foreach (int width in Widths)
                        {
                            actual.AsSpan().Fill(float.NaN);
                            var problem = new GemmProblem(new GemmShape(m, n, k), source, default, new StridedMatrix<float>(py, n, 1), accumulate: false, exchanged: false, packed);
                            Gemm.Multiply(width, problem, new NoEpilogue());
                            Assert.Equal(Bits(expected), Bits(actual));
                        }
                    }
                }
    }

    [Fact]
    public void Linear_has_the_bits_of_the_operation()
    {
        var random = new Random(3);
        Tensor weight = Tensor.Persistent(DType.F32, 75, 40), bias = Tensor.Persistent(DType.F32, 75), x = Tensor.Persistent(DType.F32, 2, 3, 40);
        foreach (Tensor tensor in (Tensor[])[weight, bias, x]) Noise(random, (int)tensor.Count).CopyTo(tensor.AsSpan<float>());
        var packed = new PackedWeight(weight);
        using (TensorScope.Open("test"))
        {
            Tensor y = packed.Linear(x, bias);
            Assert.Equal([2, 3, 75], y.Shape.ToArray());
            Assert.Equal(Bits(Ops.Linear(x, weight, bias).AsSpan<float>()), Bits(y.AsSpan<float>()));
            Assert.Equal(Bits(Ops.Linear(x, weight).AsSpan<float>()), Bits(packed.Linear(x).AsSpan<float>()));
        }
    }

    [Fact]
    public void What_does_not_fit_is_said()
    {
        var packed = new PackedWeight(Tensor.Persistent(DType.F32, 4, 3));
        Assert.Contains("3 features", Assert.Throws<CratonException>(() => packed.Linear(Tensor.Persistent(DType.F32, 2, 4))).Message);
        Assert.Throws<CratonException>(() => new PackedWeight(Tensor.Persistent(DType.F64, 4, 3)));
        Tensor x = Tensor.Parameter(DType.F32, 2, 3);
        using (Tape.Start())
            Assert.Contains("inference", Assert.Throws<CratonException>(() => packed.Linear(x)).Message);
    }

    [Fact]
    public void A_product_allocates_nothing()
    {
        WorkerPool.SetThreads(1);
        float[] a = new float[64], y = new float[96], weight = new float[96 * 64];
        fixed (float* pa = a, py = y, pw = weight)
        {
            var packed = new PackedMatrix(new StridedMatrix<float>(pw, 1, 64), 64, 96);
            long before = 0;
            for (int i = 0; i < 40; i++)
            {
                if (i == 20) before = GC.GetAllocatedBytesForCurrentThread();
                Gemm.Multiply(1, new StridedMatrix<float>(pa, 64, 1), packed, new StridedMatrix<float>(py, 96, 1), new NoEpilogue());
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static float[] Noise(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];

    private static int[] Bits(ReadOnlySpan<float> values) => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(values)];
}
