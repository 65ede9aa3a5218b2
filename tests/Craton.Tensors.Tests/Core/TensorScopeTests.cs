using System.Runtime.CompilerServices;
using Craton.Tensors.Memory;

namespace Craton.Tensors.Tests.Core;

/// <summary>The lifetimes of tensors. Not beside other tests: the pool's figures are those of the whole process.</summary>
[Collection("worker pool")]
public sealed class TensorScopeTests : IDisposable
{
    private readonly bool _checks = TensorScope.Checks;

    public void Dispose() => TensorScope.Checks = _checks;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_tensor_used_after_its_scope_names_the_scope(bool checks)
    {
        TensorScope.Checks = checks;
        Tensor tensor;
        using (TensorScope.Open("step 7")) tensor = Tensor.Zeros(DType.F32, 2, 3);
        Assert.True(tensor.IsReleased);
        ObjectDisposedException error = Assert.Throws<ObjectDisposedException>(() => tensor.ToArray<float>());
        Assert.Contains("'step 7'", error.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 3]", error.Message, StringComparison.Ordinal);
        Assert.Contains("Keep", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checks_fill_returned_memory_with_NaN()
    {
        TensorScope.Checks = true;
        Tensor view;
        using (TensorScope scope = TensorScope.Open("outer"))
        {
            Tensor tensor = Tensor.Full(1, 1000);
            Storage storage = tensor.Storage;
            tensor.Release();
            view = Tensor.FromStorage(DType.F32, new Layout([1000]), storage);
            Assert.All(view.ToArray<float>(), value => Assert.True(float.IsNaN(value)));
        }
    }

    [Fact]
    public void Without_checks_objects_and_memory_are_used_again()
    {
        TensorScope.Checks = false;
        Tensor first, second;
        using (TensorScope.Open("one")) first = Tensor.Empty(DType.F32, 777);
        long misses = MemoryPool.Misses;
        using (TensorScope.Open("two"))
        {
            second = Tensor.Empty(DType.F32, 777);
            Assert.Same(first, second);
        }
        Assert.Equal(misses, MemoryPool.Misses);
    }

    [Fact]
    public void A_kept_tensor_moves_to_the_scope_outside()
    {
        TensorScope.Checks = true;
        Tensor kept, inner, outermost;
        using (TensorScope outer = TensorScope.Open("outer"))
        {
            using (TensorScope scope = TensorScope.Open("inner"))
            {
                inner = Tensor.Scalar(1);
                kept = scope.Keep(Tensor.Scalar(2));
            }
            Assert.True(inner.IsReleased);
            Assert.Equal(2, kept.Item());
            outermost = outer.Keep(Tensor.Scalar(3));
        }
        Assert.True(kept.IsReleased);
        Assert.Equal(3, outermost.Item()); // now the garbage collector's
    }

    [Fact]
    public void A_kept_view_keeps_its_memory()
    {
        using TensorScope outer = TensorScope.Open("outer");
        Tensor part;
        using (TensorScope scope = TensorScope.Open("inner"))
        {
            Tensor whole = Tensor.From([1f, 2, 3, 4], 2, 2);
            part = scope.Keep(whole.Slice(0, 1));
        }
        using (TensorScope.Open("other")) Tensor.Full(9, 4); // would overwrite the block if it had gone back
        Assert.Equal([3f, 4], part.ToArray<float>());
    }

    [Fact]
    public void Scopes_close_from_the_inside_out()
    {
        TensorScope outer = TensorScope.Open("outer"), inner = TensorScope.Open("inner");
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(outer.Dispose);
        Assert.Contains("'outer'", error.Message, StringComparison.Ordinal);
        inner.Dispose();
        outer.Dispose();
    }

    [Fact]
    public void Parameters_outlive_scopes()
    {
        Tensor weight;
        using (TensorScope.Open("build")) weight = Tensor.Parameter(DType.F32, 3);
        Assert.Equal([0f, 0, 0], weight.ToArray<float>());
        Assert.True(weight.RequiresGrad);
    }

    [Fact]
    public void Forgetting_a_scope_leaks_nothing()
    {
        WeakReference forgotten = Forget();
        for (int i = 0; i < 10 && forgotten.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(forgotten.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Forget() => new(Ops.Exp(Tensor.Full(1, 100_000)).Storage);
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 128)]
    [InlineData(257, 320)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 5120)]
    [InlineData(1_000_000, 1_048_576)]
    public void A_lease_takes_a_block_of_the_fitting_size(long bytes, long block)
    {
        Storage storage = MemoryPool.Lease(bytes);
        Assert.Equal(block, storage.Bytes);
        MemoryPool.Return(storage);
        Assert.Same(storage, MemoryPool.Lease(bytes));
        MemoryPool.Return(storage);
    }

    [Fact]
    public unsafe void At_most_a_quarter_of_a_block_is_unused_and_it_is_aligned()
    {
        for (long bytes = 256; bytes < 5_000_000; bytes = bytes * 9 / 8 + 1)
        {
            Storage storage = MemoryPool.Lease(bytes);
            Assert.InRange(storage.Bytes, bytes, bytes + Math.Max(63, bytes / 4 + 63));
            Assert.Equal(0, (long)storage.Pointer % 64);
            MemoryPool.Return(storage);
        }
        MemoryPool.Trim();
    }
}
