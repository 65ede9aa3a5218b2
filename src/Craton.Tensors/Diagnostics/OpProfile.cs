using System.Diagnostics;

namespace Craton.Tensors.Diagnostics;

/// <summary>One line of a profile: an operation on tensors of one shape, forward or backward.</summary>
public sealed class OpTime
{
    /// <summary>The operation and what distinguishes it: <c>linear 768→3072 gelu</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>forward</c>, <c>backward</c>, or what a <see cref="OpProfile.Part"/> belongs to, such as <c>update</c>.</summary>
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
/// Where the time of training steps goes. An eager operation is recorded at its end, so the time from one recording to the next is that
/// of the operation; backward steps are timed one by one. A tape without a profile pays one test for null per operation.
/// </summary>
/// <remarks>What is not recorded, such as copies that make a tensor contiguous, counts for the operation that needed it.</remarks>
public sealed class OpProfile
{
    private readonly Dictionary<(string Name, string Pass), OpTime> _times = [];
    private long _begin = Stopwatch.GetTimestamp();
    private bool _inPart;

    /// <summary>What watches this thread.</summary>
    [field: ThreadStatic]
    internal static OpProfile? Current { get; private set; }

    /// <summary>What was measured so far, the longest first.</summary>
    public IReadOnlyList<OpTime> Times => [.. _times.Values.OrderByDescending(time => time.Seconds)];

    /// <summary>Measures the operations of every tape that this thread starts, and what it names by <see cref="Part"/>, until the result is disposed.</summary>
    public Watching Watch()
    {
        var watching = new Watching(Current);
        Current = this;
        Skip();
        return watching;
    }

    /// <summary>
    /// Where a profile watches this thread: measures something that is no operation of a tape, such as an optimizer, until the result is disposed.
    /// What is a part of it in turn counts for the whole.
    /// </summary>
    /// <param name="pass">What it belongs to, as operations belong to <c>forward</c> and <c>backward</c>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">Bytes that it must at least read and write, where known.</param>
    public static MeasuredPart Part(string pass, string name, double bytes = 0)
    {
        if (Current is not { _inPart: false } profile) return default;
        profile._inPart = true;
        profile.Skip();
        return new MeasuredPart(profile, pass, name, bytes);
    }

    /// <summary>Forgets what was measured.</summary>
    public void Restart()
    {
        _times.Clear();
        Skip();
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

    private void EndPart(string pass, string name, double bytes)
    {
        Add(name, pass, Elapsed, new OpWork(0, bytes));
        _inPart = false;
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

    /// <summary>Ends the watch of a profile.</summary>
    public readonly struct Watching : IDisposable
    {
        private readonly OpProfile? _before;

        internal Watching(OpProfile? before) => _before = before;

        /// <inheritdoc/>
        public void Dispose() => Current = _before;
    }

    /// <summary>Ends what <see cref="Part"/> began.</summary>
    public readonly struct MeasuredPart : IDisposable
    {
        private readonly OpProfile? _profile;
        private readonly string _pass, _name;
        private readonly double _bytes;

        internal MeasuredPart(OpProfile profile, string pass, string name, double bytes) => (_profile, _pass, _name, _bytes) = (profile, pass, name, bytes);

        /// <inheritdoc/>
        public void Dispose() => _profile?.EndPart(_pass, _name, _bytes);
    }
}
