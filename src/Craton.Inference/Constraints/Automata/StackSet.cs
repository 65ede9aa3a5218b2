namespace Craton.Inference.Constraints.Automata;

/// <summary>A state and the stacks that may lie below it.</summary>
internal readonly record struct Frame(int State, StackSet Below);

/// <summary>
/// A set of stacks of states, as a tree by their tops with equal subtrees shared. The stacks on which a text may have ended up are such
/// a set, and so is what lies below a frame. Immutable but for what it remembers; equal sets of one <see cref="Matcher"/> are the same object.
/// </summary>
/// <param name="frames">The tops, sorted by state, each state once.</param>
/// <param name="hasEmpty">The empty stack belongs to the set.</param>
/// <param name="id">The number of the set in its matcher.</param>
internal sealed class StackSet(Frame[] frames, bool hasEmpty, int id)
{
    public Frame[] Frames { get; } = frames;

    /// <summary>The empty stack belongs to the set: the text so far may end here.</summary>
    public bool HasEmpty { get; } = hasEmpty;

    /// <summary>Frames of the deepest stack.</summary>
    public int Depth { get; } = frames.Length == 0 ? 0 : frames.Max(f => f.Below.Depth) + 1;

    public int Id { get; } = id;

    /// <summary>No stack: the text so far begins no sentence.</summary>
    public bool IsDead => Frames.Length == 0 && !HasEmpty;

    /// <summary>The sets behind each byte, as far as they were asked for.</summary>
    public StackSet?[]? Next { get; set; }

    /// <summary>These stacks once their tops go on, where this is what lies below a frame.</summary>
    public StackSet? Resumed { get; set; }

    /// <summary>The tokens that may follow, where they were asked for.</summary>
    public uint[]? Mask { get; set; }
}

/// <summary>Equality by content, where what lies below is already unique.</summary>
internal sealed class SameStacks : IEqualityComparer<StackSet>
{
    public bool Equals(StackSet? x, StackSet? y) =>
        x!.HasEmpty == y!.HasEmpty && x.Frames.AsSpan().SequenceEqual(y.Frames);

    public int GetHashCode(StackSet obj)
    {
        var hash = new HashCode();
        hash.Add(obj.HasEmpty);
        foreach (Frame frame in obj.Frames)
            hash.Add(HashCode.Combine(frame.State, frame.Below.Id));
        return hash.ToHashCode();
    }
}
