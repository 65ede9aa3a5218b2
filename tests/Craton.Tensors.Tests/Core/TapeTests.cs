using Craton.Tensors.Memory;

namespace Craton.Tensors.Tests.Core;

/// <summary>How gradients flow, whatever the operations. Not beside other tests: the pool's figures are those of the whole process.</summary>
[Collection("worker pool")]
public sealed class TapeTests
{
    private static Tensor Leaf(params float[] values) => Tensor.From(values, values.Length).RequireGrad();

    [Fact]
    public void Several_consumers_add_up()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(2, 3);
        using Tape tape = Tape.Start();
        Tensor y = Ops.Exp(Ops.Affine(x, 0)); // exp 0 = 1, slope 0
        tape.Backward(Ops.Sum(x * x + x + y));
        Assert.Equal([5f, 7], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void The_same_tensor_twice_in_one_operation_counts_twice()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(2, 3);
        using Tape tape = Tape.Start();
        tape.Backward(Ops.Sum(x * x));
        Assert.Equal([4f, 6], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Overlapping_slices_accumulate_and_the_rest_is_zero()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2, 3, 4, 5);
        using Tape tape = Tape.Start();
        tape.Backward(Ops.Sum(x.Slice(0, 0, 3)) + Ops.Sum(x.Slice(0, 2, 4) * 10));
        Assert.Equal([1f, 1, 11, 10, 0], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void A_slice_before_a_use_of_the_whole_keeps_both_shares()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2, 3);
        using Tape tape = Tape.Start();
        Tensor h = x * 2;
        Tensor part = h.Slice(0, 1, 2), all = Ops.Square(h);
        tape.Backward(Ops.Sum(part) + Ops.Sum(all));
        Assert.Equal([8f, 18, 24], x.Grad!.ToArray<float>()); // 2 · (2 · 2x) and 2 more in the middle
    }

    [Fact]
    public void Views_of_views_of_a_result()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.From(Enumerable.Range(0, 12).Select(i => (float)i).ToArray(), 3, 4).RequireGrad();
        using Tape tape = Tape.Start();
        Tensor view = (x * 3).Transpose().Slice(0, 1, 3).View(2, 3, 1).Permute(2, 1, 0); // columns 1 and 2
        tape.Backward(Ops.Sum(view * view));
        Assert.Equal([0f, 18, 36, 0, 0, 90, 108, 0, 0, 162, 180, 0], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void A_strided_leaf_gets_the_gradient_of_its_own_elements()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.From([1f, 2, 3, 4, 5, 6], 2, 3).Transpose().Slice(0, 0, 3, 2).RequireGrad(); // [[1, 4], [3, 6]]
        using Tape tape = Tape.Start();
        tape.Backward(Ops.Sum(Ops.Square(x.View(4))));
        Assert.Equal([2f, 8, 6, 12], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Several_outputs_each_with_a_gradient_of_its_own()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2);
        using Tape tape = Tape.Start();
        Tensor a = x * 2, b = Ops.Square(a), unused = Ops.Exp(x);
        tape.Backward([a, b], [Tensor.From([1f, 10], 2), Tensor.From([100f, 1000], 2)]);
        Assert.Equal([2 + 800f, 20 + 16000], x.Grad!.ToArray<float>()); // 2 · g_a + 8x · g_b
        Assert.Equal([2f, 4], a.ToArray<float>()); // roots stay readable
        Assert.Equal([4f, 16], b.ToArray<float>());
        Assert.True(unused.IsReleased);
    }

    [Fact]
    public void All_parts_of_a_concatenation_get_their_share()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor a = Leaf(1, 2), b = Leaf(3), frozen = Tensor.From([9f, 9], 2);
        using Tape tape = Tape.Start();
        Tensor y = Ops.Concat(0, a, frozen, b, a);
        tape.Backward(Ops.Sum(y * Tensor.From([1f, 2, 3, 4, 5, 6, 7], 7)));
        Assert.Equal([1f + 6, 2 + 7], a.Grad!.ToArray<float>());
        Assert.Equal([5f], b.Grad!.ToArray<float>());
        Assert.Null(frozen.Grad);
    }

    [Fact]
    public void Gradients_of_leaves_add_up_until_they_are_cleared()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2);
        Accumulate(3);
        Accumulate(4);
        Assert.Equal([7f, 7], x.Grad!.ToArray<float>());
        x.ClearGrad();
        Assert.Null(x.Grad);
        Accumulate(5);
        Assert.Equal([5f, 5], x.Grad!.ToArray<float>());

        void Accumulate(double factor)
        {
            using Tape tape = Tape.Start();
            tape.Backward(Ops.Sum(x * factor));
        }
    }

    [Fact]
    public void Nothing_is_recorded_without_a_tape_or_through_Detach()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2);
        Assert.False((x * 2).RequiresGrad);
        using Tape tape = Tape.Start();
        Assert.True(Tape.IsRecording);
        Assert.False((x.Detach() * 2).RequiresGrad);
        tape.Backward(Ops.Sum(x * x.Detach()));
        Assert.Equal([1f, 2], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Backward_gives_memory_back_as_it_goes()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.Full(0.5f, 1000).RequireGrad();
        using Tape tape = Tape.Start();
        long before = MemoryPool.LeasedBytes;
        Tensor y = x;
        for (int i = 0; i < 20; i++) y = Ops.Softmax(Ops.Exp(y));
        Tensor loss = Ops.Sum(y);
        long recorded = MemoryPool.LeasedBytes - before;
        Assert.True(recorded >= 40 * 4000, $"{recorded} bytes recorded");
        MemoryPool.ResetPeak();
        tape.Backward(loss);
        long left = MemoryPool.LeasedBytes - before, peak = MemoryPool.PeakBytes - before - recorded;
        Assert.True(left < 3 * 5120, $"{left} bytes are left"); // the gradient of x, and the loss
        Assert.True(peak < 4 * 5120, $"backward took {peak} bytes more than forward"); // a few gradients at a time, not all
        Assert.NotNull(x.Grad);
    }

    [Fact]
    public void An_abandoned_tape_gives_its_buffers_back()
    {
        long before = MemoryPool.LeasedBytes;
        using (TensorScope.Open("test"))
        {
            Tensor x = Leaf(1, 2, 3);
            using Tape tape = Tape.Start();
            Ops.Sum(Ops.RmsNorm(x)); // keeps statistics for its backward step
        }
        Assert.Equal(before, MemoryPool.LeasedBytes);
    }

    [Fact]
    public void One_tape_at_a_time()
    {
        using Tape tape = Tape.Start();
        Assert.Throws<InvalidOperationException>(Tape.Start);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_gradient_that_two_share_is_copied_before_one_changes(bool changesFirst)
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2);
        using Tape tape = Tape.Start();
        Tensor a = x * 2, b = x * 3;
        Tensor before = Ops.Sum(changesFirst ? a : b); // its backward step comes after that of the sum, and adds to one of the two
        tape.Backward(before + Ops.Sum(a + b));
        Assert.Equal(changesFirst ? [7f, 7] : [8f, 8], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void A_result_added_to_itself_counts_twice()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Leaf(1, 2);
        using Tape tape = Tape.Start();
        Tensor a = x * 5;
        tape.Backward(Ops.Sum(a + a));
        Assert.Equal([10f, 10], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void A_residual_copies_no_gradient()
    {
        using TensorScope scope = TensorScope.Open("test");
        Tensor x = Tensor.Zeros(DType.F32, 1000).RequireGrad();
        using Tape tape = Tape.Start();
        Tensor stream = x * 2, sum = stream + Ops.Exp(stream);
        Tensor y = Ops.Sum(sum);
        MemoryPool.ResetPeak();
        long leased = MemoryPool.LeasedBytes;
        tape.Backward(y);
        // The gradient of the sum is also that of the stream and of exp: only those of x and of the product's share come to it.
        Assert.InRange(MemoryPool.PeakBytes - leased, 4000, 2 * 4096 + 1024);
        Assert.Equal(4f, x.Grad!.ToArray<float>()[0]);
    }

    [Fact]
    public void A_failed_backward_leaves_no_operation_to_two_recordings()
    {
        using TensorScope scope = TensorScope.Open("test");
        using (Tape tape = Tape.Start())
        {
            Tensor hidden = Ops.Exp(Leaf(1, 2)), sum = Ops.Sum(hidden);
            hidden.Release();
            Assert.Throws<ObjectDisposedException>(() => tape.Backward(sum));
        }
        Tensor a = Leaf(1, 2, 3), b = Leaf(4, 5);
        using (Tape tape = Tape.Start())
            tape.Backward(Ops.Sum(a) + Ops.Sum(b) * 2);
        Assert.Equal([1f, 1, 1], a.Grad!.ToArray<float>());
        Assert.Equal([2f, 2], b.Grad!.ToArray<float>());
    }

    [Fact]
    public void A_tensor_released_too_early_is_named()
    {
        bool checks = TensorScope.Checks;
        TensorScope.Checks = true;
        try
        {
            using TensorScope scope = TensorScope.Open("test");
            Tensor x = Leaf(1, 2);
            using Tape tape = Tape.Start();
            Tensor hidden = Ops.Exp(x), y = Ops.Sum(hidden);
            hidden.Release();
            Assert.Contains("[exp]", Assert.Throws<ObjectDisposedException>(() => tape.Backward(y)).Message, StringComparison.Ordinal);
        }
        finally
        {
            TensorScope.Checks = checks;
        }
    }
}
