using System.Security.Cryptography;
using Craton.Tensors.Quantization;
using Craton.Tensors.Threading;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Quantization;

/// <summary>Products with quantised weights: the textbook's result to the bit, for every instruction set, batch and number of threads.</summary>
public sealed unsafe class QuantizedMatrixTests(ITestOutputHelper output)
{
    /// <summary>The argument by which a child process is asked for <see cref="Hash"/>.</summary>
    public const string Verb = "quantized-hash";

    private static readonly BlockType[] Types = [BlockType.Q8_0, BlockType.Q4_0, BlockType.Q4_K, BlockType.Q5_K, BlockType.Q6_K];

    public static TheoryData<BlockType> AllTypes => [.. Types];

    [Theory]
    [MemberData(nameof(AllTypes))]
    public void Every_shape_gives_the_bits_of_the_definition(BlockType type)
    {
        foreach ((int rows, int outputs, int blocks) in new[] { (1, 1, 1), (1, 16, 2), (3, 15, 1), (4, 17, 3), (5, 33, 2), (9, 48, 1), (130, 20, 5) })
        {
            int columns = blocks * type.BlockValues();
            float[] x = Values(rows * columns, 3), bias = Values(outputs, 5);
            byte[] weights = RandomBlocks(type, outputs * columns, seed: 11);
            float[] expected = Definition(type, weights, outputs, columns, x, bias);
            Assert.Equal(expected, Product(type, weights, outputs, columns, x, bias));
        }
    }

    [Theory]
    [MemberData(nameof(AllTypes))]
    public void A_row_alone_has_the_bits_it_has_in_a_batch_on_any_number_of_threads(BlockType type)
    {
        const int rows = 67, outputs = 1000, columns = 1024;
        float[] x = Values(rows * columns, 3);
        QuantizedMatrix matrix = Matrix(type, RandomBlocks(type, outputs * columns, seed: 12), outputs, columns);
        float[] batch = Product(matrix, x, null);
        int threads = WorkerPool.Threads;
        try
        {
            foreach (int count in new[] { 1, 2, 3 })
            {
                WorkerPool.SetThreads(count);
                Assert.Equal(batch, Product(matrix, x, null));
                foreach (int row in new[] { 0, 1, 63, 66 })
                    Assert.Equal(batch[(row * outputs)..((row + 1) * outputs)], Product(matrix, x[(row * columns)..((row + 1) * columns)], null));
            }
        }
        finally
        {
            WorkerPool.SetThreads(threads);
        }
    }

    [Theory]
    [MemberData(nameof(AllTypes))]
    public void Blocks_come_back_as_they_were(BlockType type)
    {
        const int outputs = 19;
        int columns = 2 * type.BlockValues(), bytes = (int)type.ByteCount(columns);
        byte[] weights = RandomBlocks(type, outputs * columns, seed: 13);
        QuantizedMatrix matrix = Matrix(type, weights, outputs, columns);
        float[] row = new float[columns], expected = new float[columns];
        for (int i = 0; i < outputs; i++)
        {
            byte[] blocks = new byte[bytes];
            matrix.ReadBlocks(i, blocks);
            Assert.Equal(weights[(i * bytes)..((i + 1) * bytes)], blocks);
            Blocks.Dequantize(type, blocks, expected);
            matrix.ReadRow(i, row);
            Assert.Equal(expected, row);
        }
    }

    [Fact]
    public void The_largest_products_of_8_bits_are_exact()
    {
        const int outputs = 16, columns = 32;
        foreach (byte pattern in new byte[] { 0xFF, 0x80, 0x7F })
            foreach (int sign in new[] { 1, -1 })
                foreach (int rows in new[] { 1, 4 })
                {
                    byte[] weights = RandomBlocks(BlockType.Q8_0, outputs * columns, seed: 15);
                    for (int i = 0; i < weights.Length; i++) weights[i] = i % 34 < 2 ? weights[i] : pattern;
                    float[] x = [.. Enumerable.Repeat(sign * 3f, rows * columns)], bias = new float[outputs]; // integers of ±127
                    Assert.Equal(Definition(BlockType.Q8_0, weights, outputs, columns, x, bias), Product(BlockType.Q8_0, weights, outputs, columns, x, bias));
                }
    }

    [Fact]
    public void Activations_that_are_no_numbers_show_in_the_result()
    {
        byte[] weights = RandomBlocks(BlockType.Q8_0, 16 * 64, seed: 14);
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            float[] x = Values(64, 3);
            x[40] = bad;
            Assert.All(Product(BlockType.Q8_0, weights, 16, 64, x, null), value => Assert.False(float.IsFinite(value)));
        }
        Assert.All(Product(BlockType.Q8_0, weights, 16, 64, new float[64], null), value => Assert.Equal(0, value));
        Assert.All(Product(BlockType.Q8_0, weights, 16, 64, [.. Enumerable.Repeat(1e-40f, 64)], null), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Scales_that_are_not_finite_are_refused()
    {
        byte[] block = new byte[34];
        block[1] = 0x7C; // infinity
        Assert.Contains("not finite", Assert.Throws<CratonException>(() => Matrix(BlockType.Q8_0, block, 1, 32)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CRATON_SIMD=256")]
    [InlineData("CRATON_SIMD=scalar")]
    [InlineData("DOTNET_EnableAVX512=0")]
    [InlineData("DOTNET_EnableAVXVNNI=0")]
    [InlineData("DOTNET_EnableAVXVNNI=0 CRATON_SIMD=256")]
    [InlineData("DOTNET_EnableAVX2=0")]
    [InlineData("DOTNET_EnableHWIntrinsic=0")]
    public void A_process_with_other_instructions_has_the_same_hash(string variables)
    {
        string[] answer = Child.Run([Verb], [.. variables.Split(' ').Select(pair => (pair.Split('=')[0], pair.Split('=')[1]))])[0].Split(' ');
        output.WriteLine($"{variables}: {answer[0]}; here {QuantizedMatrix.Instructions}");
        Assert.Equal(Hash(), answer[1]);
    }

    /// <summary>Kernel in use and a hash of products of all types.</summary>
    public static string Describe() => $"{QuantizedMatrix.Instructions} {Hash()}";

    private static string Hash()
    {
        const int rows = 6, outputs = 37, columns = 512;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        float[] x = Values(rows * columns, 17);
        foreach (BlockType type in Types)
            foreach (float value in Product(type, RandomBlocks(type, outputs * columns, seed: 18), outputs, columns, x, null)) hash.AppendData(BitConverter.GetBytes(value));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // The textbook: integers of each block of 32, then scale times scale, one fused multiply-add a block; minima after it.
    private static float[] Definition(BlockType type, byte[] weights, int outputs, int columns, float[] x, float[] bias)
    {
        int rows = x.Length / columns;
        float[] y = new float[rows * outputs];
        int part = type == BlockType.Q6_K ? 16 : 32;
        for (int row = 0; row < rows; row++)
        {
            (int[] q, float[] d) = Rounded(x.AsSpan(row * columns, columns));
            for (int n = 0; n < outputs; n++)
            {
                float sum = 0;
                for (int k = 0; k < columns; k += part)
                {
                    (float scale, float min, int[] w) = Part(type, weights, (long)n * columns + k, part);
                    int integer = 0, total = 0;
                    for (int i = 0; i < part; i++)
                    {
                        integer += w[i] * q[k + i];
                        total += q[k + i];
                    }
                    sum = MathF.FusedMultiplyAdd(integer, scale * d[k / 32], sum);
                    if (type is BlockType.Q4_K or BlockType.Q5_K) sum = MathF.FusedMultiplyAdd(min, -d[k / 32] * total, sum);
                }
                y[row * outputs + n] = sum + bias[n];
            }
        }
        return y;
    }

    private static (int[], float[]) Rounded(ReadOnlySpan<float> x)
    {
        int[] q = new int[x.Length];
        float[] d = new float[x.Length / 32];
        for (int block = 0; block < d.Length; block++)
        {
            float max = 0;
            foreach (float value in x.Slice(32 * block, 32)) max = Math.Max(max, Math.Abs(value));
            d[block] = max / 127;
            for (int i = 32 * block; i < 32 * block + 32; i++) q[i] = max == 0 ? 0 : (int)MathF.Round(x[i] * (127 / max));
        }
        return (q, d);
    }

    // Scale, minimum and integers of some values, found from what the blocks stand for.
    private static (float Scale, float Min, int[] Integers) Part(BlockType type, byte[] weights, long at, int count)
    {
        int values = type.BlockValues(), size = type.BlockBytes(), inside = (int)(at % values);
        ReadOnlySpan<byte> block = weights.AsSpan((int)(at / values) * size, size);
        float d = Blocks.Half(block, type == BlockType.Q6_K ? 208 : 0), scale = d, min = 0;
        int[] q = new int[count];
        for (int i = 0; i < count; i++)
        {
            int k = inside + i;
            q[i] = type switch
            {
                BlockType.Q8_0 => (sbyte)block[2 + k],
                BlockType.Q4_0 => ((block[2 + k % 16] >> (k / 16 * 4)) & 15) - 8,
                BlockType.Q4_K => BlocksK.Nibble(block[16..], k / 32, k % 32),
                BlockType.Q5_K => BlocksK.Nibble(block[48..], k / 32, k % 32) + ((block[16 + k % 32] >> (k / 32)) & 1) * 16,
                _ => BlocksK.Six(block, k) - 32,
            };
        }
        if (type is BlockType.Q4_K or BlockType.Q5_K)
        {
            (int s, int m) = BlocksK.ScaleAndMin(block[4..], inside / 32);
            (scale, min) = (d * s, Blocks.Half(block, 2) * m);
        }
        else if (type == BlockType.Q6_K)
        {
            scale = d * (sbyte)block[192 + inside / 16];
        }
        return (scale, min, q);
    }

    private static float[] Product(BlockType type, byte[] weights, int outputs, int columns, float[] x, float[]? bias) =>
        Product(Matrix(type, weights, outputs, columns), x, bias);

    private static float[] Product(QuantizedMatrix matrix, float[] x, float[]? bias)
    {
        using var scope = TensorScope.Open("test");
        Tensor y = Tensor.Full(float.NaN, x.Length / matrix.Columns, matrix.Rows);
        matrix.Multiply(Tensor.From(x, x.Length / matrix.Columns, matrix.Columns), bias is null ? null : Tensor.From(bias, bias.Length), y);
        return y.ToArray<float>();
    }

    private static QuantizedMatrix Matrix(BlockType type, byte[] weights, int outputs, int columns)
    {
        int bytes = (int)type.ByteCount(columns);
        return QuantizedMatrix.FromBlocks(type, outputs, columns, (row, blocks) => weights.AsSpan(row * bytes, bytes).CopyTo(blocks));
    }

    private static float[] Values(int count, uint key)
    {
        float[] values = new float[count];
        new CounterRandom(20261126, key).FillNormal(values, 0, 1);
        return values;
    }

    // Any bytes are a block, but scales must be finite: some are subnormal, some negative.
    private static byte[] RandomBlocks(BlockType type, int values, int seed)
    {
        var random = new Random(seed);
        byte[] blocks = new byte[type.ByteCount(values)];
        random.NextBytes(blocks);
        int size = type.BlockBytes();
        for (int at = 0; at < blocks.Length; at += size)
        {
            int scale = at + (type == BlockType.Q6_K ? 208 : 0);
            Blocks.PutHalf(blocks.AsSpan(scale), 0, (random.NextSingle() - 0.5f) * (random.Next(5) == 0 ? 1e-5f : 0.1f));
            if (type is BlockType.Q4_K or BlockType.Q5_K) Blocks.PutHalf(blocks.AsSpan(scale), 2, random.NextSingle() * 0.1f);
        }
        return blocks;
    }
}

/// <summary>Weights that are kept in blocks, in the operations that take them.</summary>
public sealed class QuantizedWeightTests
{
    [Fact]
    public void Operations_compute_with_the_blocks()
    {
        using var scope = TensorScope.Open("test");
        Tensor floats = Tensor.Parameter(DType.F32, 40, 64), weight = Tensor.Parameter(DType.F32, 40, 64);
        new CounterRandom(1, 2).FillNormal(floats.AsSpan<float>(), 0, 1);
        var matrix = QuantizedMatrix.From(BlockType.Q8_0, floats);
        weight.Quantize(matrix);
        Assert.False(weight.RequiresGrad);
        Assert.False(weight.IsReleased);
        for (int row = 0; row < 40; row++) matrix.ReadRow(row, floats.AsSpan<float>().Slice(64 * row, 64)); // now the same values
        Tensor ids = Tensor.From([3, 39, 0], 1, 3);
        Tensor x = Ops.Embedding(weight, ids);
        Assert.Equal(Ops.Embedding(floats.Detach(), ids).ToArray<float>(), x.ToArray<float>());
        float[] expected = Ops.Linear(x, floats.Detach()).ToArray<float>(), got = Ops.Linear(x, weight).ToArray<float>();
        for (int i = 0; i < got.Length; i++) Assert.InRange(got[i], expected[i] - 0.4, expected[i] + 0.4); // activations are rounded
        Tensor rows = x.View(3, 64), targets = Tensor.From([1, 2, 3], 3);
        Assert.Equal(Ops.CrossEntropy(Ops.Linear(rows, weight), targets).Item(), Ops.LinearCrossEntropy(rows, weight, null, targets).Item());
    }

    [Fact]
    public void Everything_else_says_that_it_needs_floats()
    {
        Tensor weight = Tensor.Parameter(DType.F32, 16, 32), x = Tensor.Parameter(DType.F32, 2, 32);
        weight.Quantize(QuantizedMatrix.From(BlockType.Q4_0, weight));
        using var scope = TensorScope.Open("test");
        Assert.Contains("Q4_0 blocks", Assert.Throws<CratonException>(() => weight.ToArray<float>()).Message, StringComparison.Ordinal);
        Assert.Contains("shape", Assert.Throws<CratonException>(() => x.Quantize(weight.Quantized!)).Message, StringComparison.Ordinal);
        using Tape tape = Tape.Start();
        Assert.Contains("gradients are wanted", Assert.Throws<CratonException>(() => Ops.Linear(x, weight)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_that_is_never_touched_has_no_memory()
    {
        Assert.Equal(1L << 40, Tensor.Parameter(DType.F32, 1 << 20, 1 << 20).Count); // 4 TiB, if it had any
        Tensor weight = Tensor.Parameter(DType.F32, 1 << 12, 1 << 12);
        Assert.Equal(0, weight.AsSpan<float>()[^1]);
        weight.Release();
        Assert.True(weight.IsReleased);
    }
}
