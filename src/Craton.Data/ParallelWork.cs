using System.Runtime.ExceptionServices;
using Craton.Tensors.Threading;

namespace Craton.Data;

/// <summary>Runs independent pieces of work on as many threads as the computations use (CRATON_THREADS). Each piece writes only to its own place, so the result never depends on the number of threads.</summary>
internal static class ParallelWork
{
    /// <summary>Calls <paramref name="body"/> for 0 .. count-1; a failure is thrown as itself, the one of the lowest index first.</summary>
    public static void For(int count, Action<int> body)
    {
        var failures = new Exception?[count];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = WorkerPool.Threads }, i =>
        {
            try { body(i); }
            catch (Exception e) { failures[i] = e; }
        });
        if (Array.Find(failures, f => f is not null) is { } first) ExceptionDispatchInfo.Throw(first);
    }

    /// <summary>Maps a sequence in order, block by block, with bounded look-ahead.</summary>
    public static IEnumerable<(TIn Item, TOut Result)> Map<TIn, TOut>(IEnumerable<TIn> items, Func<TIn, TOut> map, int block = 2048)
    {
        foreach (TIn[] chunk in items.Chunk(block))
        {
            var results = new TOut[chunk.Length];
            For(chunk.Length, i => results[i] = map(chunk[i]));
            for (int i = 0; i < chunk.Length; i++) yield return (chunk[i], results[i]);
        }
    }
}
