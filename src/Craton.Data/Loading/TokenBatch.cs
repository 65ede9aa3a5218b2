using Craton.Tensors;

namespace Craton.Data;

/// <summary>Rows of tokens as I32 tensors [rows, context], filled again and again.</summary>
public sealed class TokenBatch
{
    /// <summary>Creates an empty batch.</summary>
    public TokenBatch(int rows, int context)
    {
        (Rows, Context) = (rows, context);
        Ids = Tensor.Persistent(DType.I32, rows, context);
        Targets = Tensor.Persistent(DType.I32, rows, context);
        Documents = Tensor.Persistent(DType.I32, rows, context);
        Positions = Tensor.Persistent(DType.I32, rows, context);
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Length of a row.</summary>
    public int Context { get; }

    /// <summary>Ids the model sees.</summary>
    public Tensor Ids { get; }

    /// <summary>The id after each, or <see cref="TokenRow.Ignore"/>.</summary>
    public Tensor Targets { get; }

    /// <summary>Number of the document within the row.</summary>
    public Tensor Documents { get; }

    /// <summary>Position within the document.</summary>
    public Tensor Positions { get; }

    /// <summary>Fills all rows from a source.</summary>
    public TokenBatch Fill(IRowSource source)
    {
        for (int row = 0; row < Rows; row++) source.Next(new TokenRow(Of(Ids, row), Of(Targets, row), Of(Documents, row), Of(Positions, row)));
        return this;
    }

    /// <summary>Number of targets that count.</summary>
    public int CountTargets()
    {
        ReadOnlySpan<int> targets = Targets.AsSpan<int>();
        return targets.Length - targets.Count(TokenRow.Ignore);
    }

    private Span<int> Of(Tensor tensor, int row) => tensor.AsSpan<int>().Slice(row * Context, Context);
}
