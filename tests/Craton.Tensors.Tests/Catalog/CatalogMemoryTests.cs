using Craton.Tensors.Memory;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>In steady state no operation, forward or backward, takes memory from anywhere but the pool.</summary>
[Collection("worker pool")]
public sealed class CatalogMemoryTests
{
    public static TheoryData<string> Rows() => CatalogTests.Rows();

    [Theory]
    [MemberData(nameof(Rows))]
    public void Steady_state_allocates_nothing(string name)
    {
        OpRow row = OpCatalog.Row(name);
        int threads = WorkerPool.Threads;
        bool checks = TensorScope.Checks;
        try
        {
            WorkerPool.SetThreads(1); // all work on this thread, whose allocations are counted
            TensorScope.Checks = false; // checks never recycle a tensor object
            Tensor[] inputs = row.Make(OpSize.Odd);
            Tensor dy = Tensor.Persistent(DType.F32, 1);
            for (int run = 0; run < 3; run++) dy = Run(row, inputs, dy);
            long misses = MemoryPool.Misses, leased = MemoryPool.LeasedBytes, bytes = GC.GetAllocatedBytesForCurrentThread();
            for (int run = 0; run < 3; run++) Run(row, inputs, dy);
            long grown = GC.GetAllocatedBytesForCurrentThread() - bytes; // before the assertions, which allocate
            Assert.Equal(0, MemoryPool.Misses - misses);
            Assert.Equal(0, MemoryPool.LeasedBytes - leased);
            if (row.Allocates is null) Assert.Equal(0, grown);
            else Assert.True(grown > 0, $"{name} does not allocate {row.Allocates} any more: remove the excuse");
        }
        finally
        {
            TensorScope.Checks = checks;
            WorkerPool.SetThreads(threads);
        }
    }

    // Gives a fitting gradient for the next run when the given one has another shape.
    private static Tensor Run(OpRow row, Tensor[] inputs, Tensor dy)
    {
        foreach (Tensor input in inputs) input.ClearGrad();
        using TensorScope scope = TensorScope.Open("step");
        using Tape tape = Tape.Start();
        Tensor y = row.Call(inputs);
        if (!y.RequiresGrad) return dy;
        if (!dy.Shape.SequenceEqual(y.Shape) || dy.DType != y.DType) dy = Tensor.Persistent(y.DType, y.Shape);
        tape.Backward([y], [dy]);
        return dy;
    }
}
