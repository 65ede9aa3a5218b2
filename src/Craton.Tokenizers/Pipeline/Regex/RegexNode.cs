namespace Craton.Tokenizers.Pipeline;

/// <summary>A part of a regular expression.</summary>
internal abstract record RegexNode
{
    /// <summary>The number of characters it takes, or null where that is not fixed.</summary>
    public abstract int? Length { get; }
}

/// <summary>One character of a set.</summary>
internal sealed record SetNode(CharSet Set) : RegexNode
{
    public override int? Length => 1;
}

/// <summary>One after the other.</summary>
internal sealed record SequenceNode(IReadOnlyList<RegexNode> Items) : RegexNode
{
    public override int? Length => Items.Aggregate((int?)0, (sum, item) => sum + item.Length);
}

/// <summary>The first that matches.</summary>
internal sealed record AlternativesNode(IReadOnlyList<RegexNode> Items) : RegexNode
{
    public override int? Length => Items.All(i => i.Length == Items[0].Length) ? Items[0].Length : null;
}

/// <summary>The same several times; without a most, without end.</summary>
internal sealed record RepeatNode(RegexNode Item, int Least, int? Most, bool IsLazy, bool IsPossessive) : RegexNode
{
    public override int? Length => Least == Most ? Item.Length * Least : null;
}

/// <summary>A condition on a place.</summary>
internal sealed record AnchorNode(RegexAnchor Anchor) : RegexNode
{
    public override int? Length => 0;
}

/// <summary>What must stand (or not) ahead of a place, or before it.</summary>
internal sealed record LookNode(RegexNode Item, bool IsBehind, bool IsNegated) : RegexNode
{
    public override int? Length => 0;
}

/// <summary>What is not tried another way once it has matched.</summary>
internal sealed record AtomicNode(RegexNode Item) : RegexNode
{
    public override int? Length => Item.Length;
}
