using System.Runtime.Intrinsics.X86;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests;

/// <summary>Tiles of any processor have the same bits, and copy the panel that they read.</summary>
public sealed unsafe class TileTests
{
    private const int Step = 37; // distance of steps where the panel lies

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(75)]
    public void Forms_of_512_bits_agree(int k)
    {
        if (!Avx512F.IsSupported) return;
        (float[] sums, float[] packed) = Run<Vec512>(k, Once, 12);
        (float[] others, float[] copy) = Run<Vec512>(k, Twice, 12);
        Assert.Equal(Bits(sums), Bits(others));
        Assert.Equal(packed, copy);

        static void Once(int rows, nint k, float* a, float* b, float* c, float* to) => GemmTiles512.ManyRows<Rows12, Singles, ReadOnce>(k, a, (byte*)b, Step * sizeof(float), c, 32, c, 32, default, to);
        static void Twice(int rows, nint k, float* a, float* b, float* c, float* to) => GemmTiles512.ManyRows<Rows12, Singles, ReadTwice>(k, a, (byte*)b, Step * sizeof(float), c, 32, c, 32, default, to);
    }

    [Fact]
    public void A_panel_is_copied_while_it_is_read()
    {
        for (int rows = 3; rows <= 6; rows++)
            foreach (int k in new[] { 1, 2, 3, 50 })
            {
                Copies<Scalar32>(rows, k);
                if (Gemm.RegisterBits >= 256) Copies<Vec256>(rows, k);
                if (Gemm.RegisterBits >= 512) Copies<Vec512>(rows, k);
            }
    }

    private static void Copies<V>(int rows, int k) where V : struct, IVec<V>
    {
        int width = 2 * V.Lanes;
        (float[] sums, float[] packed) = Run<V>(k, Tile, rows);
        for (int i = 0; i < k * width; i++) Assert.Equal(Panel(i / width, i % width), packed[i]);
        Assert.All(packed[(k * width)..], value => Assert.Equal(-1, value)); // nothing behind it
        for (int row = 0; row < rows; row++)
            for (int j = 0; j < width; j++)
            {
                float sum = row - j;
                for (int p = 0; p < k; p++) sum = MathF.FusedMultiplyAdd(Rows(p, row), Panel(p, j), sum);
                Assert.Equal(sum, sums[(row * width) + j]);
            }

        static void Tile(int rows, nint k, float* a, float* b, float* c, float* to) => GemmTiles<V>.Run(rows, k, a, b, Step, 2 * V.Lanes, c, 2 * V.Lanes, c, 2 * V.Lanes, default, to);
    }

    private delegate void TileCall(int rows, nint k, float* a, float* b, float* c, float* to);

    private static (float[] Sums, float[] Packed) Run<V>(int k, TileCall tile, int rows) where V : struct, IVec<V>
    {
        int width = 2 * V.Lanes;
        float[] a = [.. Enumerable.Range(0, k * rows).Select(i => Rows(i / rows, i % rows))], b = [.. Enumerable.Range(0, k * Step).Select(i => Panel(i / Step, i % Step))];
        float[] c = [.. Enumerable.Range(0, rows * width).Select(i => (float)((i / width) - (i % width)))], packed = new float[(k * width) + 7];
        packed.AsSpan().Fill(-1);
        fixed (float* pa = a, pb = b, pc = c, pp = packed) tile(rows, k, pa, pb, pc, pp);
        return (c, packed);
    }

    private static float Rows(int step, int row) => MathF.Sin((step * 13) + row);

    private static float Panel(int step, int column) => MathF.Cos((step * 37) + column);

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
