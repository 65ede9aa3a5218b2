using System.Globalization;
using Craton.Tensors.Memory;
using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>What rows of the catalogue take once they are warm: prints a line for each.</summary>
internal static class CatalogMemory
{
    /// <summary>The word that makes the test program do this.</summary>
    public const string Verb = "catalog-memory";

    private const int WarmUp = 3, Measured = 3;

    public static void Print()
    {
        WorkerPool.SetThreads(1);   // all work on this thread, whose allocations are counted
        TensorScope.Checks = false; // checks never recycle a tensor object
        foreach (OpRow row in OpCatalog.Rows)
        {
            Tensor[] inputs = row.Make(OpSize.Odd);
            Tensor dy = Tensor.Persistent(DType.F32, 1);
            for (int run = 0; run < WarmUp; run++) dy = Run(row, inputs, dy);
            long misses = MemoryPool.Misses, leased = MemoryPool.LeasedBytes, bytes = GC.GetAllocatedBytesForCurrentThread();
            for (int run = 0; run < Measured; run++) Run(row, inputs, dy);
            (bytes, misses, leased) = (GC.GetAllocatedBytesForCurrentThread() - bytes, MemoryPool.Misses - misses, MemoryPool.LeasedBytes - leased);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Name}\t{misses} misses, {leased} leased, {bytes} bytes"));
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
