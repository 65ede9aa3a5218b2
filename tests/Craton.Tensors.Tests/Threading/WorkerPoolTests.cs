using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

/// <summary>Tests that change the number of threads follow one another.</summary>
[CollectionDefinition("worker pool", DisableParallelization = true)]
public sealed class WorkerPoolCollection;

[Collection("worker pool")]
public sealed unsafe class WorkerPoolTests
{
    private struct CountJob(int[] counts, int[] workers) : IJob
    {
        public readonly void Run(int task, int worker)
        {
            _ = Interlocked.Increment(ref counts[task]);
            workers[task] = worker;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Every_task_runs_once_on_a_worker_of_the_pool(int threads)
    {
        WorkerPool.SetThreads(threads);
        Assert.Equal(threads, WorkerPool.Threads);
        foreach (int tasks in new[] { 0, 1, 2, 3, 7, 8, 100, 5000 })
        {
            var counts = new int[tasks];
            var workers = new int[tasks];
            var job = new CountJob(counts, workers);
            WorkerPool.Run(ref job, tasks);
            Assert.All(counts, count => Assert.Equal(1, count));
            Assert.All(workers, worker => Assert.InRange(worker, 0, threads - 1));
        }
    }

    private struct OwnershipJob(int[] inUse) : IJob
    {
        public int Violations;
        private readonly int[] _inUse = inUse;

        public void Run(int task, int worker)
        {
            if (Interlocked.Exchange(ref _inUse[worker], 1) == 1)
                _ = Interlocked.Increment(ref Violations);
            Thread.SpinWait(50);
            Volatile.Write(ref _inUse[worker], 0);
        }
    }

    [Fact]
    public void No_two_tasks_share_a_worker_number_and_the_job_is_shared_by_reference()
    {
        WorkerPool.SetThreads(4);
        var job = new OwnershipJob(new int[4]);
        WorkerPool.Run(ref job, 2000);
        Assert.Equal(0, job.Violations);
    }

    private struct SumJob(long[] parts) : IJob
    {
        public readonly void Run(int task, int worker) => parts[task] += task + 1;
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Many_short_runs_lose_nothing(int threads)
    {
        WorkerPool.SetThreads(threads);
        var parts = new long[9];
        var job = new SumJob(parts);
        const int Runs = 20_000;
        for (int run = 0; run < Runs; run++)
        {
            WorkerPool.Run(ref job, 1 + (run % 9));
            if (run % 4000 == 0)
                Thread.Sleep(2); // long enough for the workers to go to sleep
        }
        long expected = 0;
        for (int run = 0; run < Runs; run++)
            for (int task = 0; task < 1 + (run % 9); task++)
                expected += task + 1;
        Assert.Equal(expected, parts.Sum());
    }

    private struct OuterJob(int[] counts) : IJob
    {
        public readonly void Run(int task, int worker)
        {
            var inner = new CountJob(counts, new int[counts.Length]);
            WorkerPool.Run(ref inner, counts.Length);
        }
    }

    [Fact]
    public void A_run_inside_a_task_is_carried_out_inline()
    {
        WorkerPool.SetThreads(3);
        var counts = new int[5];
        var job = new OuterJob(counts);
        WorkerPool.Run(ref job, 40);
        Assert.All(counts, count => Assert.Equal(40, count));
    }

    private struct FailingJob(int[] counts) : IJob
    {
        public readonly void Run(int task, int worker)
        {
            _ = Interlocked.Increment(ref counts[task]);
            if (task is 5 or 17)
                throw new InvalidDataException($"task {task}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void The_lowest_failed_task_reaches_the_caller_after_all_have_ended(int threads)
    {
        WorkerPool.SetThreads(threads);
        for (int round = 0; round < 50; round++)
        {
            var counts = new int[30];
            var job = new FailingJob(counts);
            InvalidDataException failure = Assert.Throws<InvalidDataException>(() => WorkerPool.Run(ref job, 30));
            Assert.Equal("task 5", failure.Message);
            Assert.All(counts, count => Assert.Equal(1, count));
        }
        var after = new int[10];
        var next = new CountJob(after, new int[10]);
        WorkerPool.Run(ref next, 10);
        Assert.All(after, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Several_threads_may_run_jobs_at_once()
    {
        WorkerPool.SetThreads(3);
        var totals = new long[4];
        var callers = new Thread[4];
        for (int i = 0; i < callers.Length; i++)
        {
            int caller = i;
            callers[i] = new Thread(() =>
            {
                var parts = new long[16];
                var job = new SumJob(parts);
                for (int run = 0; run < 2000; run++)
                    WorkerPool.Run(ref job, 16);
                totals[caller] = parts.Sum();
            });
            callers[i].Start();
        }
        foreach (Thread caller in callers)
            caller.Join();
        Assert.All(totals, total => Assert.Equal(2000L * 16 * 17 / 2, total));
    }

    [Fact]
    public void The_number_of_threads_may_change_between_runs()
    {
        var parts = new long[8];
        var job = new SumJob(parts);
        for (int round = 0; round < 60; round++)
        {
            WorkerPool.SetThreads(1 + (round % 5));
            WorkerPool.Run(ref job, 8);
        }
        Assert.Equal(60L * 36, parts.Sum());
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => WorkerPool.SetThreads(0));
    }

    private struct ResizingJob : IJob
    {
        public readonly void Run(int task, int worker) => WorkerPool.SetThreads(2);
    }

    [Fact]
    public void The_number_of_threads_cannot_change_inside_a_task()
    {
        WorkerPool.SetThreads(2);
        var job = new ResizingJob();
        _ = Assert.Throws<InvalidOperationException>(() => WorkerPool.Run(ref job, 4));
    }

    private struct ScratchJob(bool nested) : IJob
    {
        public int Faults;
        private readonly bool _nested = nested;

        public void Run(int task, int worker)
        {
            int length = 100 + (task * 37 % 1000);
            var memory = (int*)WorkerScratch.Rent(length * sizeof(int));
            new Span<int>(memory, length).Fill(task);
            if (_nested)
            {
                var inner = new ScratchJob(nested: false);
                WorkerPool.Run(ref inner, 3);
                _ = Interlocked.Add(ref Faults, inner.Faults);
            }
            Thread.SpinWait(20);
            bool intact = !new Span<int>(memory, length).ContainsAnyExcept(task);
            if (!intact || (nuint)memory % 64 != 0)
                _ = Interlocked.Increment(ref Faults);
        }
    }

    [Fact]
    public void Scratch_memory_is_aligned_and_belongs_to_one_task_nested_runs_included()
    {
        WorkerPool.SetThreads(4);
        var job = new ScratchJob(nested: true);
        WorkerPool.Run(ref job, 500);
        Assert.Equal(0, job.Faults);
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        WorkerPool.SetThreads(2);
        var job = new ScratchJob(nested: false);
        for (int i = 0; i < 200; i++)
            WorkerPool.Run(ref job, 64);
        // Other threads of the test host allocate now and then: the best of a few rounds is what the pool does.
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least > 0; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 500; i++)
                WorkerPool.Run(ref job, 64);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.Equal(0, least);
    }
}
