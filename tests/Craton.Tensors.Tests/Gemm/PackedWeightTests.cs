using Craton.Tensors.IO;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

/// <summary>A weight that is packed for good gives the bits of the plain product.</summary>
[Collection("worker pool")]
public sealed unsafe class PackedWeightTests
{
    private static readonly int[] Widths = [.. new[] { 32, 128, 256, 512 }.Where(bits => bits <= Gemm.RegisterBits)];

    [Theory]
    [InlineData(1, DType.F32)]
    [InlineData(3, DType.F32)]
    [InlineData(1, DType.BF16)]
    [InlineData(3, DType.BF16)]
    [InlineData(3, DType.F16)]
    public void Any_size_has_the_bits_of_the_definition(int threads, DType type)
    {
        WorkerPool.SetThreads(threads);
        var random = new Random(threads);
        foreach (int m in (int[])[1, 2, 3, 5, 6, 7, 12, 13, 25, 70])
            foreach (int n in (int[])[1, 15, 32, 33, 129, 300])
                foreach (int k in (int[])[1, 7, 16, 33, 401])
                {
                    float[] a = Noise(random, m * k), weight = Rounded(Noise(random, n * k), type), expected = new float[m * n], actual = new float[m * n];
                    fixed (float* pa = a, pw = weight, pe = expected, py = actual)
                    {
                        StridedMatrix<float> source = new(pa, k, 1), b = new(pw, 1, k);
                        GemmReference.Multiply(new GemmShape(m, n, k), source, b, new StridedMatrix<float>(pe, n, 1));
                        var packed = new PackedMatrix(b, k, n);
                        if (n * k > 15) Assert.Equal(type, packed.Type);
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

    // Zeros and subnormals among them, of BF16 infinities and NaN too; beside one that the other type does not hold.
    [Theory]
    [InlineData(DType.BF16, 0x3F81)]
    [InlineData(DType.F16, 0x3C01)]
    public void Every_number_of_16_bits_is_kept(DType type, ushort own)
    {
        const int Rows = 1 << 11, Columns = 33; // 32 numbers, and one that tells the type
        float[] weight = new float[Rows * Columns], back = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            ushort[] numbers = [.. Enumerable.Range(32 * row, 32).Select(i => Kept((ushort)i)), own];
            HalfPrecision.Widen(numbers, weight.AsSpan(row * Columns, Columns), type);
        }
        fixed (float* pw = weight)
        {
            var packed = new PackedMatrix(new StridedMatrix<float>(pw, 1, Columns), Columns, Rows);
            Assert.Equal(type, packed.Type);
            Assert.InRange(packed.ByteCount, 2 * Rows * Columns, 3 * Rows * Columns);
            int width = PackedMatrix.PanelColumns;
            float* panel = stackalloc float[Columns * width];
            for (int row = 0; row < Rows; row++)
            {
                packed.ReadColumn(row, back);
                Assert.Equal(Bits(weight.AsSpan(row * Columns, Columns)), Bits(back));
                if (row % width != 0) continue;
                HalfPanels.Widen<Vec256>(packed.HalfAt(0, row), width, Columns, panel, type);
                for (int i = 0; i < width; i++)
                    for (int k = 0; k < Columns; k++)
                        Assert.Equal(BitConverter.SingleToUInt32Bits(weight[(row + i) * Columns + k]), BitConverter.SingleToUInt32Bits(panel[k * width + i]));
            }
        }

        // Of BF16 quiet ones instead of signalling NaN, which narrowing does not keep; of F16 neither infinities nor NaN.
        ushort Kept(ushort bits) => type == DType.F16
            ? (bits & 0x7C00) == 0x7C00 ? (ushort)(bits & ~0x4000) : bits
            : (bits & 0x7FFF) > 0x7F80 ? (ushort)(bits | 0x40) : bits;
    }

    [Theory]
    [InlineData(0x7F80_0000)]
    [InlineData(0x7FC0_0000)]
    [InlineData(0x3F80_2001)]
    public void A_number_that_16_bits_do_not_keep_makes_the_weight_F32(int bits)
    {
        float[] weight = [1, 1 + 1f / 1024, BitConverter.Int32BitsToSingle(bits)]; // the second is none of BF16
        fixed (float* pw = weight) Assert.Equal(DType.F32, new PackedMatrix(new StridedMatrix<float>(pw, 1, 3), 3, 1).Type);
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Operations_on_a_packed_weight_have_the_bits_of_those_on_a_plain_one(DType type)
    {
        var random = new Random(3);
        Tensor weight = Tensor.Persistent(DType.F32, 75, 40), packed = Tensor.Persistent(DType.F32, 75, 40), bias = Tensor.Persistent(DType.F32, 75), x = Tensor.Persistent(DType.F32, 2, 3, 40), residual = Tensor.Persistent(DType.F32, 2, 3, 75);
        foreach (Tensor tensor in (Tensor[])[weight, bias, x, residual]) Noise(random, (int)tensor.Count).CopyTo(tensor.AsSpan<float>());
        Rounded(weight.ToArray<float>(), type).CopyTo(weight.AsSpan<float>());
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

    private static float[] Rounded(float[] values, DType type)
    {
        if (type == DType.F32) return values;
        ushort[] half = new ushort[values.Length];
        HalfPrecision.Narrow(values, half, type);
        HalfPrecision.Widen(half, values, type);
        return values;
    }

    private static float[] Noise(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];

    private static int[] Bits(ReadOnlySpan<float> values) => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(values)];
}
