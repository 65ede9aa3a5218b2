using System.Diagnostics;

namespace Craton.Tensors.Diagnostics;

/// <summary>One line of a profile: an operation on tensors of one shape, forward or backward.</summary>
public sealed class OpTime
{
    /// <summary>The operation and what distinguishes it: <c>linear 768→3072 gelu</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>forward</c>, <c>backward</c>, or <c>update</c> for what is no operation of a tape.</summary>
    public required string Pass { get; init; }

    /// <summary>How often it ran.</summary>
    public long Calls { get; internal set; }

    /// <summary>Seconds of all calls.</summary>
    public double Seconds { get; internal set; }

    /// <summary>Floating-point operations of all calls; 0 where memory is the limit.</summary>
    public double Flops { get; internal set; }

    /// <summary>Bytes that all calls must at least read and write.</summary>
    public double Bytes { get; internal set; }
}

/// <summary>
/// Where the time of a training step goes. An eager operation is recorded at its end, so the time from one recording to the next is that
/// of the operation; backward steps are timed one by one. A tape without a profile pays one test for null per operation.
/// </summary>
/// <remarks>What is not recorded, such as copies that make a tensor contiguous, counts for the operation that needed it.</remarks>
public sealed class OpProfile
{
    private readonly Dictionary<(string Name, string Pass), OpTime> _times = [];
    private long _begin = Stopwatch.GetTimestamp();

    /// <summary>What was measured so far, the longest first.</summary>
    public IReadOnlyList<OpTime> Times => [.. _times.Values.OrderByDescending(time => time.Seconds)];

    /// <summary>Measures the operations of a tape until it is disposed.</summary>
    public void Watch(Tape tape)
    {
        tape.Profile = this;
        Skip();
    }

    /// <summary>Measures something that is no operation of a tape, such as the optimizer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">Bytes that it must read and write.</param>
    /// <param name="work">What to measure.</param>
    public void Measure(string name, double bytes, Action work)
    {
        Skip();
        work();
        Add(name, "update", Elapsed, new OpWork(0, bytes));
    }

    internal void Skip() => _begin = Stopwatch.GetTimestamp();

    internal void Recorded(Op op, Tensor output)
    {
        double seconds = Elapsed;
        Add(OpWork.Label(op, output), "forward", seconds, OpWork.Forward(op, output));
    }

    internal void RanBackward(Op op, Tensor output)
    {
        double seconds = Elapsed;
        Add(OpWork.Label(op, output), "backward", seconds, OpWork.Backward(op, output));
    }

    private double Elapsed => Stopwatch.GetElapsedTime(_begin).TotalSeconds;

    // The clock starts anew at the end: making labels and counting work is nobody's time.
    private void Add(string name, string pass, double seconds, OpWork work)
    {
        if (!_times.TryGetValue((name, pass), out OpTime? time)) _times[(name, pass)] = time = new OpTime { Name = name, Pass = pass };
        time.Calls++;
        time.Seconds += seconds;
        time.Flops += work.Flops;
        time.Bytes += work.Bytes;
        Skip();
    }
}
