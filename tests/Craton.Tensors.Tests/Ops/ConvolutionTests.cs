using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

/// <summary>What the catalogue does not say about convolutions.</summary>
[Collection("worker pool")]
public sealed class ConvolutionTests
{
    // Every settings of a dimension from a small range, against the reference to the bit.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Fast_kernels_give_the_bits_of_the_reference(int stride)
    {
        int seed = 0;
        foreach (int groups in new[] { 1, 2 })
            foreach (int taps in new[] { 1, 2, 3, 5 })
                foreach (int dilation in new[] { 1, 2, 3 })
                    foreach (int padding in new[] { 0, 1, 4 })
                    {
                        if ((taps - 1) * dilation + 1 > 9 + 2 * padding) continue;
                        ConvolutionOptions options = new() { Stride = (stride, 1), Padding = (padding, 2), Dilation = (dilation, 1), Groups = groups };
                        Tensor[] inputs = [Values(++seed, 3, 6, 9, 17), Values(++seed, 14, 6 / groups, taps, 3)];
                        Tensor Call(Tensor[] x) => Ops.Conv2d(x[0], x[1], null, options);
                        SameBitsAsReference(Call, inputs);
                    }
    }

    [Fact]
    public void Wide_and_tall_images_are_cut_without_a_trace()
    {
        foreach (int[] shape in new int[][] { [1, 2, 3, 1500], [2, 3, 700, 2], [40, 2, 3, 3], [1, 400, 6, 6] })
        {
            Tensor[] inputs = [Values(1, shape), Values(2, 5, shape[1], 3, 2)];
            Tensor Call(Tensor[] x) => Ops.Conv2d(x[0], x[1], null, new() { Padding = 1 });
            SameBitsAsReference(Call, inputs);
        }
    }

    // Sizes that are computed by tiles: odd and even ones, tiles that straddle panels, images that share one, rows longer than a vector.
    [Theory]
    [InlineData(3, 33, 9, 11)]
    [InlineData(5, 32, 8, 8)]
    [InlineData(5, 40, 7, 7)]
    [InlineData(2, 34, 10, 28)]
    [InlineData(1, 32, 5, 71)]
    [InlineData(1, 450, 8, 8)]
    public void Tiles_give_the_bits_of_the_reference(int images, int channels, int height, int width)
    {
        for (int padding = 0; padding <= 3; padding++)
        {
            ConvolutionOptions options = new() { Padding = (padding, 3 - padding) };
            Tensor[] inputs = [Values(1, images, channels, height, width), Values(2, 45, channels, 3, 3)];
            Tensor bias = Values(3, 45);
            SameBitsAsReference(Twice(bias, options), inputs);
            if (padding == 1) OpRun.SameBitsForAnyThreads(Twice(bias, options), inputs);
        }
    }

    // Rows that are read at every second pixel, four at a time and the rest alone, to the last pixel and not beyond it.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Strides_along_rows_give_the_bits_of_the_reference(int stride)
    {
        for (int width = 4; width <= 21; width++)
            foreach (int padding in new[] { 0, 1, 3 })
                foreach (int dilation in new[] { 1, 2 })
                {
                    if (3 * dilation + 1 > width + 2 * padding) continue;
                    ConvolutionOptions options = new() { Stride = stride, Padding = padding, Dilation = (1, dilation) };
                    Tensor[] inputs = [Values(1, 2, 3, 6, width), Values(2, 9, 3, 4, 4)];
                    Tensor Call(Tensor[] x) => Ops.Conv2d(x[0], x[1], null, options);
                    SameBitsAsReference(Call, inputs);
                }
    }

    // Up to three filters read patches where they lie, if rows are whole vectors; images of 8 × 64 are cut at whole tiles, of 9 × 32 are not.
    [Theory]
    [InlineData(1, 8, 64)]
    [InlineData(2, 8, 64)]
    [InlineData(3, 8, 64)]
    [InlineData(4, 8, 64)]
    [InlineData(3, 9, 32)]
    [InlineData(3, 32, 32)]
    [InlineData(2, 16, 48)]
    public void Few_filters_give_the_bits_of_the_reference(int filters, int height, int width)
    {
        foreach (int groups in new[] { 1, 2 })
            foreach (int stride in new[] { 1, 2 })
            {
                ConvolutionOptions options = new() { Padding = (1, 2), Stride = (stride, 1), Groups = groups };
                Tensor[] inputs = [Values(1, 5, 90 * groups, height, width), Values(2, filters * groups, 90, 3, 5)];
                Tensor bias = Values(3, filters * groups);
                SameBitsAsReference(Twice(bias, options), inputs);
                if (stride == 1) OpRun.SameBitsForAnyThreads(Twice(bias, options), inputs);
            }
    }

    // One tap: panels are packed from the source where its pixels are a multiple of a tile's width.
    [Theory]
    [InlineData(6, 16, 16, 40)]
    [InlineData(3, 8, 20, 40)]
    [InlineData(2, 7, 9, 40)]
    [InlineData(3, 16, 16, 2)]
    [InlineData(3, 16, 16, 1)]
    public void One_tap_gives_the_bits_of_the_reference(int images, int height, int width, int filters)
    {
        foreach (int groups in new[] { 1, 2 })
        {
            ConvolutionOptions options = new() { Groups = groups };
            Tensor[] inputs = [Values(1, images, 410 * groups, height, width), Values(2, filters * groups, 410, 1, 1)];
            Tensor bias = Values(3, filters * groups);
            SameBitsAsReference(Twice(bias, options), inputs);
            OpRun.SameBitsForAnyThreads(Twice(bias, options), inputs);
        }
    }

    // So many that the threads share what one of them packs.
    [Fact]
    public void Many_filters_give_the_bits_of_the_reference()
    {
        Tensor[] inputs = [Values(1, 1, 2100, 2, 8), Values(2, 2100, 2100, 1, 1)];
        Tensor Call(Tensor[] x) => Ops.Conv2d(x[0], x[1]);
        WorkerPool.SetThreads(4);
        SameBitsAsReference(Call, inputs);
    }

    [Fact]
    public void An_image_has_the_bits_alone_that_it_has_in_a_batch()
    {
        Tensor images = Values(1, 5, 40, 9, 12), weight = Values(2, 33, 40, 3, 3);
        using TensorScope scope = TensorScope.Open("test");
        Tensor Call(Tensor x) => Ops.Conv2d(x, weight, null, new() { Padding = 1 });
        Tensor all = Call(images);
        for (int i = 0; i < 5; i++) Assert.Equal(OpRun.Numbers(all.Slice(0, i, i + 1)), OpRun.Numbers(Call(images.Slice(0, i, i + 1))));
    }

    [Fact]
    public void Bits_are_a_constant()
    {
        Tensor[] inputs = [Values(1, 3, 37, 20, 21), Values(2, 29, 37, 3, 3), Values(3, 29)];
        Tensor Call(Tensor[] x) => Ops.Conv2d(x[0], x[1], x[2], new() { Padding = 1, Stride = (1, 2) });
        OpRun.SameBitsForAnyThreads(Call, inputs);
        Assert.Equal("960365a48b0b15e8", OpRun.Hash(OpRun.Evaluate(Call, inputs)));
    }

    [Fact]
    public void Errors_name_what_is_wrong()
    {
        Tensor x = Values(1, 2, 6, 5, 5);
        Assert.Equal(
            "[conv2d] x: expected 12 channels for weight [4, 6, 3, 3] and 2 groups, got [2, 6, 5, 5]",
            Error(() => Ops.Conv2d(x, Values(2, 4, 6, 3, 3), null, new() { Groups = 2 })));
        Assert.Equal("[conv2d] stride: expected 1 or more, got 0×1", Error(() => Ops.Conv2d(x, Values(2, 4, 6, 3, 3), null, new() { Stride = (0, 1) })));
        Assert.StartsWith("[conv2d] x: expected 7 or more along each dimension", Error(() => Ops.Conv2d(x, Values(2, 4, 6, 7, 7))), StringComparison.Ordinal);
    }

    private static Tensor Values(int seed, params int[] shape) => OpRun.Values(seed, DType.F32, shape);

    private static string Error(Func<Tensor> call)
    {
        using TensorScope scope = TensorScope.Open("test");
        return Assert.Throws<CratonException>(() => call()).Message;
    }

    // The gradients of the second convolution are added to those of the first.
    private static Func<Tensor[], Tensor> Twice(Tensor bias, ConvolutionOptions options) =>
        x => Ops.Add(Ops.Conv2d(x[0], x[1], bias, options), Ops.Conv2d(x[0], x[1], null, options));

    private static void SameBitsAsReference(Func<Tensor[], Tensor> call, Tensor[] inputs) =>
        Assert.Equal(OnReference(() => OpRun.Hash(OpRun.Evaluate(call, inputs))), OpRun.Hash(OpRun.Evaluate(call, inputs)));

    private static string OnReference(Func<string> run)
    {
        Kernels.Kernel.ForceReference = true;
        try
        {
            return run();
        }
        finally
        {
            Kernels.Kernel.ForceReference = false;
        }
    }
}
