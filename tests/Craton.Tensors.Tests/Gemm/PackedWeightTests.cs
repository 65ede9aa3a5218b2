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
    public void Operations_on_a_packed_weight_have_the_bits_of_those_on_a_plain_one()
    {
        var random = new Random(3);
        Tensor weight = Tensor.Persistent(DType.F32, 75, 40), packed = Tensor.Persistent(DType.F32, 75, 40), bias = Tensor.Persistent(DType.F32, 75), x = Tensor.Persistent(DType.F32, 2, 3, 40), residual = Tensor.Persistent(DType.F32, 2, 3, 75);
        foreach (Tensor tensor in (Tensor[])[weight, bias, x, residual]) Noise(random, (int)tensor.Count).CopyTo(tensor.AsSpan<float>());
        weight.AsSpan<float>().CopyTo(packed.AsSpan<float>());
        packed.Pack();
        Tensor ids = Tensor.From([74, 0, 33, 32], 4), targets = Tensor.From([74, 0, 33, 32, 1, 2], 6);
        foreach (Func<Tensor, Tensor> operation in (Func<Tensor, Tensor>[])
        [
            w => Ops.Linear(x, w),
            w => Ops.Linear(x, w, bias),
            w => Ops.Linear(x, w, bias, Activation.Gelu, residual),
            w => Ops.Linear(x, w, null, Activation.None, residual),
            w => Ops.Embedding(w, ids),
            w => Ops.LinearCrossEntropy(x.View(6, 40), w, bias, targets),
        ])
        {
            using TensorScope scope = TensorScope.Open("test");
            Tensor expected = operation(weight), actual = operation(packed);
            Assert.Equal(expected.Shape.ToArray(), actual.Shape.ToArray());
            Assert.Equal(Bits(expected.AsSpan<float>()), Bits(actual.AsSpan<float>()));
        }
    }

    [Fact]
    public void What_a_packed_weight_is_not_for_is_said()
    {
        Assert.Contains("F32", Assert.Throws<CratonException>(() => Tensor.Persistent(DType.F64, 4, 3).Pack()).Message, StringComparison.Ordinal);
        Tensor weight = Tensor.Parameter(DType.F32, 4, 3), x = Tensor.Parameter(DType.F32, 2, 3);
        weight.Pack();
        Assert.Contains("3 features", Assert.Throws<CratonException>(() => Ops.Linear(Tensor.Persistent(DType.F32, 2, 4), weight)).Message, StringComparison.Ordinal);
        Assert.Contains("packed form", Assert.Throws<CratonException>(() => weight.AsSpan<float>()).Message, StringComparison.Ordinal);
        using (Tape.Start())
            Assert.Contains("packed form", Assert.Throws<CratonException>(() => Ops.Linear(x, weight)).Message, StringComparison.Ordinal);
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
                Gemm.Linear(packed.Problem(1, new StridedMatrix<float>(pa, 64, 1), new StridedMatrix<float>(py, 96, 1)), bias: null, residual: null);
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static float[] Noise(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];

    private static int[] Bits(ReadOnlySpan<float> values) => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(values)];
}
