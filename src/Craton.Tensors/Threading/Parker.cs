namespace Craton.Tensors.Threading;

/// <summary>
/// Lets one thread sleep until another has something for it, at the price of a single read for the waker when the thread is awake.
/// The sleeper announces itself, looks once more for work, and only then sleeps; the waker publishes work, then looks for sleepers.
/// Both sides put a full fence between their two steps, so one of them always sees the other.
/// </summary>
internal sealed class Parker
{
    private readonly object _monitor = new();
    private int _parked;
    private bool _signalled; // guarded by the monitor

    /// <summary>Sleeps until <see cref="Unpark"/>, unless the condition already holds. May return early: the caller tests again.</summary>
    public void Park<TCondition>(TCondition condition)
        where TCondition : struct, IParkCondition
    {
        _ = Interlocked.Exchange(ref _parked, 1);
        if (condition.Holds && Interlocked.Exchange(ref _parked, 0) == 1)
            return;
        // Either nothing to do, or a waker was faster and has signalled (or is about to signal) us.
        lock (_monitor)
        {
            while (!_signalled)
                _ = Monitor.Wait(_monitor);
            _signalled = false;
        }
    }

    /// <summary>Wakes the thread if it sleeps or is about to. The work must be published, with a full fence, before the call.</summary>
    public void Unpark()
    {
        if (Volatile.Read(ref _parked) == 0 || Interlocked.Exchange(ref _parked, 0) == 0)
            return;
        lock (_monitor)
        {
            _signalled = true;
            Monitor.Pulse(_monitor);
        }
    }
}

/// <summary>What a parked thread waits for.</summary>
internal interface IParkCondition
{
    bool Holds { get; }
}
