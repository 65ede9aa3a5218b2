using Craton.Tensors.Memory;

namespace Craton.Tensors.Tests;

/// <summary>Blocks that are computed again on the way back. Not beside other tests: the pool's figures are those of the whole process.</summary>
[Collection("worker pool")]
public sealed class CheckpointTests
{
    private const int Width = 48, Depth = 6;

    [Fact]
    public void Results_and_gradients_have_the_same_bits()
    {
        float[][] plain = Train(checkpointed: false), again = Train(checkpointed: true);
        for (int i = 0; i < plain.Length; i++) Assert.Equal(plain[i], again[i]);
    }

    // Blocks with a residual, dropout and a shared parameter; a result that is also used further on, and an input that was used before.
    private static float[][] Train(bool checkpointed)
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Noise(1, 8, Width), shared = Noise(2, Width), weight = Noise(3, Width, Width);
        using Tape tape = Tape.Start();
        Tensor h = x * 0.5, first = Ops.Square(h), middle = h;
        for (int i = 0; i < Depth; i++)
        {
            h = checkpointed ? Ops.Checkpoint(h, (weight, shared, i), static (h, s) => Block(h, s.weight, s.shared, s.i)) : Block(h, weight, shared, i);
            if (i == 2) middle = h;
        }
        Tensor loss = Ops.Sum(h * h) + Ops.Sum(middle * 3) + Ops.Sum(first);
        tape.Backward(loss);
        return [[(float)loss.Item()], x.Grad!.ToArray<float>(), shared.Grad!.ToArray<float>(), weight.Grad!.ToArray<float>()];
    }

    private static Tensor Block(Tensor x, Tensor weight, Tensor shared, int place) =>
        x + Ops.Dropout(Ops.MatMul(Ops.Tanh(Ops.RmsNorm(x, shared)), weight), 0.2, new CounterRandom(7, (uint)place));

    [Fact]
    public void Memory_is_that_of_one_block()
    {
        long plain = Peak(checkpointed: false), again = Peak(checkpointed: true), activation = 1000 * Width * sizeof(float);
        Assert.True(plain >= 3 * Depth * activation, $"{plain} bytes without");
        Assert.True(again <= (Depth + 8) * activation, $"{again} bytes with: {Depth} results, and one block");

        static long Peak(bool checkpointed)
        {
            using TensorScope scope = TensorScope.Open("test");
            Tensor x = Noise(1, 1000, Width), shared = Noise(2, Width), weight = Noise(3, Width, Width);
            using Tape tape = Tape.Start();
            long before = MemoryPool.LeasedBytes;
            MemoryPool.ResetPeak();
            Tensor h = x;
            for (int i = 0; i < Depth; i++)
                h = checkpointed ? Ops.Checkpoint(h, (weight, shared, i), static (h, s) => Block(h, s.weight, s.shared, s.i)) : Block(h, weight, shared, i);
            tape.Backward(Ops.Sum(h));
            return MemoryPool.PeakBytes - before;
        }
    }

    [Fact]
    public void Checkpoints_may_lie_in_checkpoints()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.From([1f, 2], 2).RequireGrad();
        using Tape tape = Tape.Start();
        Tensor y = Ops.Checkpoint(x * 1, 2.0, static (x, a) => Ops.Checkpoint(x * a, a, static (x, a) => Ops.Square(x) * a) + x);
        Assert.Equal([2 * 4f + 1, 2 * 16f + 2], y.ToArray<float>());
        tape.Backward(Ops.Sum(y));
        Assert.Equal([16f + 1, 32 + 1], x.Grad!.ToArray<float>()); // 8x² + x
    }

    [Fact]
    public void A_block_may_give_a_view_its_input_or_nothing_that_requires_a_gradient()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.From([1f, 2, 3, 4], 2, 2).RequireGrad();
        using (Tape tape = Tape.Start())
        {
            Tensor same = Ops.Checkpoint(x, 0, static (x, _) => x), turned = Ops.Checkpoint(x, 0, static (x, _) => (x * 2).Transpose());
            Tensor cut = Ops.Checkpoint(x, 0, static (x, _) => x.Detach() * 5);
            Assert.Same(x, same);
            Assert.Equal([2f, 6, 4, 8], turned.ToArray<float>());
            tape.Backward(Ops.Sum(same + turned * Tensor.From([1f, 2, 3, 4], 2, 2) + cut));
        }
        Assert.Equal([1f + 2, 1 + 6, 1 + 4, 1 + 8], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Without_a_tape_it_is_the_block()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor y = Ops.Checkpoint(Tensor.From([3f], 1).RequireGrad(), 2.0, static (x, a) => x * a);
        Assert.Equal(6, y.Item());
        Assert.False(y.RequiresGrad);
    }

    [Fact]
    public void A_block_that_fails_the_second_time_leaves_no_operation_to_two_recordings()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.From([1f, 2], 2).RequireGrad();
        int calls = 0;
        using (Tape tape = Tape.Start())
        {
            Tensor y = Ops.Checkpoint(x, 0, (x, _) => calls++ == 0 ? Ops.Exp(x) : throw new InvalidOperationException("the second time"));
            Assert.True(Tape.IsRecording);
            Assert.Throws<InvalidOperationException>(() => tape.Backward(Ops.Sum(y)));
        }
        using (Tape tape = Tape.Start()) tape.Backward(Ops.Sum(x * 2) + Ops.Sum(x * 3));
        Assert.Equal([5f, 5], x.Grad!.ToArray<float>());
    }

    private static Tensor Noise(uint seed, params int[] shape)
    {
        Tensor tensor = Tensor.Persistent(DType.F32, shape);
        new CounterRandom(seed).FillNormal(tensor.AsSpan<float>());
        return tensor.RequireGrad();
    }
}
