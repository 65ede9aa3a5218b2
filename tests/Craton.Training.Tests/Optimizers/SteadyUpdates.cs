using System.Globalization;
using Craton.Tensors.Kernels;
using Craton.Tensors.Memory;
using Craton.Training.Optimizers;

namespace Craton.Training.Tests.Optimizers;

/// <summary>
/// Runs one kind of update in a process of its own, where nothing else allocates, and prints how many bytes of managed memory, on all
/// threads together, and how many blocks of tensor memory it takes once it is warm.
/// </summary>
internal static class SteadyUpdates
{
    /// <summary>The word that makes the test program do this.</summary>
    public const string Verb = "steady-update";

    /// <summary>What is measured beside the optimizers.</summary>
    public const string Norm = "norm", Average = "average";

    private const int WarmUp = 5, Measured = 5;

    public static void Run(string name)
    {
        TensorScope.Checks = false; // with checks on, released tensors are not recycled, on purpose
        Action step = Step(name, OptimizerTests.Parameters());
        for (int i = 0; i < WarmUp; i++) step();
        _ = GC.GetTotalAllocatedBytes(precise: true);
        (long bytes, long misses) = (GC.GetTotalAllocatedBytes(precise: true), MemoryPool.Misses);
        for (int i = 0; i < Measured; i++) step();
        (bytes, misses) = (GC.GetTotalAllocatedBytes(precise: true) - bytes, MemoryPool.Misses - misses);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes, {misses} misses"));
    }

    private static Action Step(string name, NamedParameter[] parameters)
    {
        if (name == Average) return new Ema(parameters, 0.99).Update;
        if (name == Norm)
        {
            var pass = new ParameterPass(parameters.Select(p => p.Tensor));
            return () => _ = pass.GradientNorm();
        }
        IOptimizer optimizer = OptimizerTests.Optimizers[name](parameters);
        return () => optimizer.Step(1, 0.5);
    }
}
