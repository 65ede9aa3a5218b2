using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Craton.Tensors.Threading;

/// <summary>
/// The one fork-join pool of the process: <see cref="Run{TJob}"/> splits a job into tasks, carries them out on all workers and the calling
/// thread, and returns when all have ended. A run hands work over in well under a microsecond and allocates nothing.
/// </summary>
/// <remarks>
/// Everybody, the caller too, claims the next task by one atomic add, so a core that is held by another process costs its share and no
/// more. Idle workers spin for a short time, then sleep. A run started inside a task is carried out inline by that task; runs of several
/// threads follow one another. Results must not depend on who executes a task: partition by the shape of the data only.
/// </remarks>
public static unsafe class WorkerPool
{
    private const string ThreadsVariable = "CRATON_THREADS";

    // How long an idle thread looks for work before it sleeps: longer than the gap between two operations of a training step, short
    // enough to be invisible to other processes.
    private static readonly long s_spinTicks = Stopwatch.Frequency / 20_000; // 50 µs

    private static readonly Lock s_gate = new(); // held for a whole run, and while the number of threads changes
    private static readonly Parker s_caller = new();
    private static Worker[]? s_workers;          // all but the caller; null until the first run that needs them
    private static int s_threads;                // 0: not yet decided
    private static volatile bool s_stopping;

    // The job in progress. Written by the caller before the claim word; read by others only after a valid claim, which keeps the job
    // from ending and so these fields from changing.
    private static delegate*<void*, int, int, void> s_invoke;
    private static void* s_job;
    private static Exception? s_failure;
    private static int s_failedTask;
    private static PaddedWord s_claim;     // [tasks : 32 | next : 32]; there is work while next < tasks
    private static PaddedWord s_remaining; // tasks that have not ended

    [ThreadStatic] private static int t_depth; // > 0 inside a task

    /// <summary>Number of threads that carry out a run, the calling one included. At first the value of the environment variable
    /// CRATON_THREADS, or else the number of processors.</summary>
    /// <exception cref="CratonException">CRATON_THREADS is not a positive number.</exception>
    public static int Threads => s_threads > 0 ? s_threads : s_threads = DefaultThreads();

    /// <summary>How many runs this thread is inside of: 0 outside any task. Scratch memory is kept apart by this.</summary>
    internal static int Depth => t_depth;

    /// <summary>Sets the number of threads, once runs in progress have ended. More threads than processors are allowed.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a task.</exception>
    public static void SetThreads(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (t_depth > 0)
            throw new InvalidOperationException("[WorkerPool] the number of threads cannot change inside a task; set it between runs");
        lock (s_gate)
        {
            if (threads == Threads)
                return;
            StopWorkers();
            s_threads = threads;
        }
    }

    /// <summary>Carries out tasks 0 .. <paramref name="tasks"/>-1 of a job and returns when all have ended.</summary>
    /// <param name="job">The job. All tasks see this one value; what they write into it is seen by the caller afterwards.</param>
    /// <param name="tasks">Number of tasks; nothing happens for 0.</param>
    /// <remarks>When tasks throw, the others are still carried out, and the exception of the lowest-numbered one that threw is thrown
    /// here: the same for any number of threads.</remarks>
    public static void Run<TJob>(ref TJob job, int tasks)
        where TJob : struct, IJob
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tasks);
        if (tasks == 0)
            return;
        TJob shared = job; // on this stack, where a pointer to it stays valid even when the caller's is a field of a movable object
        delegate*<void*, int, int, void> invoke = &Invoke<TJob>;
        if (tasks == 1 || t_depth > 0 || Threads == 1)
            RunInline(invoke, Unsafe.AsPointer(ref shared), tasks);
        else
            RunShared(invoke, Unsafe.AsPointer(ref shared), tasks);
        job = shared;
    }

    private static void Invoke<TJob>(void* job, int task, int worker)
        where TJob : struct, IJob
        => Unsafe.AsRef<TJob>(job).Run(task, worker);

    private static void RunInline(delegate*<void*, int, int, void> invoke, void* job, int tasks)
    {
        ExceptionDispatchInfo? failure = null;
        t_depth++;
        for (int task = 0; task < tasks; task++)
        {
            try
            {
                invoke(job, task, 0);
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }
        t_depth--;
        failure?.Throw();
    }

    private static void RunShared(delegate*<void*, int, int, void> invoke, void* job, int tasks)
    {
        Exception? failure;
        lock (s_gate)
        {
            Worker[] workers = s_workers ??= StartWorkers();
            s_invoke = invoke;
            s_job = job;
            s_failure = null;
            s_remaining.Value = tasks;
            // Publishes the fields above; the full fence orders it before the look at who sleeps. A late claim of the job before this one
            // either adds to the old word, which is replaced here, or to this one and then is a valid claim of this job.
            _ = Interlocked.Exchange(ref s_claim.Value, (long)tasks << 32);
            int helpers = Math.Min(tasks - 1, workers.Length);
            for (int i = 0; i < helpers; i++)
                workers[i].Parker.Unpark();
            Drain(worker: 0);
            WaitUntil(new AllEnded(), s_caller);
            failure = s_failure;
        }
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Claims and carries out tasks until none is left to claim.</summary>
    private static void Drain(int worker)
    {
        t_depth++;
        int ended = 0;
        while (new WorkPublished().Holds)
        {
            ulong claim = (ulong)Interlocked.Increment(ref s_claim.Value) - 1;
            int task = (int)(uint)claim;
            if (task >= (int)(claim >> 32))
                break;
            try
            {
                s_invoke(s_job, task, worker);
            }
            catch (Exception e)
            {
                RecordFailure(e, task);
            }
            ended++;
        }
        // Said once, not task by task: a word that all threads write costs as much as a small task. Until then the job is not over, so the tasks are all of it.
        if (ended > 0 && Interlocked.Add(ref s_remaining.Value, -ended) == 0)
            s_caller.Unpark();
        t_depth--;
    }

    private static void RecordFailure(Exception exception, int task)
    {
        lock (s_caller)
        {
            if (s_failure is null || task < s_failedTask)
                (s_failure, s_failedTask) = (exception, task);
        }
    }

    /// <summary>Spins for a bounded time, then sleeps, until the condition holds.</summary>
    private static void WaitUntil<TCondition>(TCondition condition, Parker parker)
        where TCondition : struct, IParkCondition
    {
        // With more threads than processors a spinning thread keeps a working one from running.
        long limit = s_threads <= Environment.ProcessorCount ? s_spinTicks : 0;
        long start = Stopwatch.GetTimestamp();
        while (!condition.Holds)
        {
            if (Stopwatch.GetTimestamp() - start < limit)
                Thread.SpinWait(4);
            else
                parker.Park(condition);
        }
    }

    private static Worker[] StartWorkers()
    {
        var workers = new Worker[Threads - 1];
        for (int i = 0; i < workers.Length; i++)
            workers[i] = new Worker(i + 1);
        return workers;
    }

    private static void StopWorkers()
    {
        if (s_workers is null)
            return;
        s_stopping = true;
        Interlocked.MemoryBarrier();
        foreach (Worker worker in s_workers)
            worker.Parker.Unpark();
        foreach (Worker worker in s_workers)
            worker.Thread.Join();
        s_stopping = false;
        s_workers = null;
    }

    private static int DefaultThreads()
    {
        string? text = Environment.GetEnvironmentVariable(ThreadsVariable);
        if (string.IsNullOrEmpty(text))
            return Environment.ProcessorCount;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads) && threads > 0)
            return threads;
        throw new CratonException(
            $"{ThreadsVariable}: expected a number of threads of at least 1, got '{text}'; unset it to use all processors");
    }

    private sealed class Worker
    {
        private readonly int _number;

        public Worker(int number)
        {
            _number = number;
            Thread = new Thread(Loop) { IsBackground = true, Name = $"craton-worker-{number}" };
            Thread.Start();
        }

        public Parker Parker { get; } = new();

        public Thread Thread { get; }

        private void Loop()
        {
            while (!s_stopping)
            {
                Drain(_number);
                WaitUntil(new WorkPublishedOrStopping(), Parker);
            }
        }
    }

    private readonly struct WorkPublished : IParkCondition
    {
        public bool Holds
        {
            get
            {
                long claim = Volatile.Read(ref s_claim.Value);
                return (int)claim < (int)(claim >> 32);
            }
        }
    }

    private readonly struct WorkPublishedOrStopping : IParkCondition
    {
        public bool Holds => new WorkPublished().Holds || s_stopping;
    }

    private readonly struct AllEnded : IParkCondition
    {
        public bool Holds => Volatile.Read(ref s_remaining.Value) == 0;
    }

    /// <summary>A word on cache lines of its own: all threads hammer it, and nothing else should suffer from that.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct PaddedWord
    {
        [FieldOffset(128)]
        public long Value;
    }
}
