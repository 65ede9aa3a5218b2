namespace Craton.Tensors.Threading;

/// <summary>Work that <see cref="WorkerPool.Run{TJob}"/> splits into numbered tasks. A struct, so that a run allocates nothing.</summary>
public interface IJob
{
    /// <summary>Carries out one task. Called once for every task, from several threads at once, in no promised order.</summary>
    /// <param name="task">Number of the task, 0 .. tasks-1. What a task computes may depend on this, never on <paramref name="worker"/>.</param>
    /// <param name="worker">Number of the executing worker, 0 .. <see cref="WorkerPool.Threads"/>-1: no two tasks of one run that execute
    /// at the same time see the same number.</param>
    void Run(int task, int worker);
}
