namespace Craton.Data;

/// <summary>
/// Where a loader stands. Everything else follows from the seed, so this small record is all that a checkpoint needs to go on with the
/// exact next row.
/// </summary>
public sealed record LoaderState
{
    /// <summary>Rows given so far.</summary>
    public long Rows { get; init; }

    /// <summary>Passes over the data finished.</summary>
    public long Epoch { get; init; }

    /// <summary>Place of the current document, or row, in the order of this pass.</summary>
    public long Place { get; init; }

    /// <summary>Ids of the current document already given.</summary>
    public long Offset { get; init; }

    /// <summary>States of the parts of a mixture.</summary>
    public IReadOnlyList<LoaderState>? Parts { get; init; }
}

/// <summary>Gives rows of tokens for ever, in an order that the seed and the state decide.</summary>
public interface IRowSource
{
    /// <summary>Where it stands; setting it goes there.</summary>
    LoaderState State { get; set; }

    /// <summary>Fills the next row. All spans have the length of the context.</summary>
    void Next(TokenRow row);
}

/// <summary>One row to fill.</summary>
/// <param name="Ids">Ids the model sees.</param>
/// <param name="Targets">The id after each, or <see cref="Ignore"/>.</param>
/// <param name="Documents">Number of the document within the row: a token sees its own document only.</param>
/// <param name="Positions">Position within the document.</param>
public readonly ref struct TokenRow(Span<int> Ids, Span<int> Targets, Span<int> Documents, Span<int> Positions)
{
    /// <summary>A target that does not count.</summary>
    public const int Ignore = -100;

    /// <inheritdoc cref="TokenRow" path="/param[@name='Ids']" />
    public readonly Span<int> Ids = Ids;

    /// <inheritdoc cref="TokenRow" path="/param[@name='Targets']" />
    public readonly Span<int> Targets = Targets;

    /// <inheritdoc cref="TokenRow" path="/param[@name='Documents']" />
    public readonly Span<int> Documents = Documents;

    /// <inheritdoc cref="TokenRow" path="/param[@name='Positions']" />
    public readonly Span<int> Positions = Positions;
}
