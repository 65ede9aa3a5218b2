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
    public unsafe void Checks_fill_returned_memory_with_NaN()
    {
        TensorScope.Checks = true;
        Tensor tensor = Tensor.Full(1, 1000);
        float* values = (float*)tensor.Pointer;
        tensor.Release();
        for (int i = 0; i < 1000; i++) Assert.True(float.IsNaN(values[i]));
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
        // On a thread of its own: recycled tensors of others may still be held by those who used them before.
        bool isAlive = true;
        var thread = new Thread(() =>
        {
            WeakReference forgotten = Forget();
            for (int i = 0; i < 10 && forgotten.IsAlive; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            isAlive = forgotten.IsAlive;
        });
        thread.Start();
        thread.Join();
        Assert.False(isAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Forget() => new(Ops.Exp(Tensor.Full(1, 100_000)).Storage);
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 128)]
    [InlineData(4097, 4160)]
    [InlineData(1_000_000, 1_000_000)]
    [InlineData(100_000_001, 100_000_064)]
    public unsafe void A_lease_is_rounded_up_to_whole_cache_lines(long bytes, long block)
    {
        long leased = MemoryPool.LeasedBytes;
        Storage storage = MemoryPool.Lease(bytes);
        Assert.Equal(block, storage.Bytes);
        Assert.Equal(0, (long)storage.Pointer % 64);
        Assert.Equal(leased + block, MemoryPool.LeasedBytes);
        byte* place = storage.Pointer;
        MemoryPool.Return(storage);
        Assert.Equal(leased, MemoryPool.LeasedBytes);
        storage = MemoryPool.Lease(bytes);
        Assert.Equal((nint)place, (nint)storage.Pointer);
        MemoryPool.Return(storage);
        MemoryPool.Trim();
    }

    [Fact]
    public void What_lasts_takes_no_more_than_its_bytes()
    {
        long leased = MemoryPool.LeasedBytes;
        Tensor tensor = Tensor.Persistent(DType.F32, 1_000_001);
        Assert.Equal(leased + 4_000_004, MemoryPool.LeasedBytes);
        tensor.Release();
        Assert.Equal(leased, MemoryPool.LeasedBytes);
    }
}
