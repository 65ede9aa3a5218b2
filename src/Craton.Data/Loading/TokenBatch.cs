using Craton.Tensors;
using Craton.Tensors.Diagnostics;

namespace Craton.Data;

/// <summary>Rows of tokens as I32 tensors [rows, context], filled again and again.</summary>
public sealed class TokenBatch
{
    /// <summary>Creates an empty batch.</summary>
    public TokenBatch(int rows, int context)
    {
        Ids = Tensor.Persistent(DType.I32, rows, context);
        Targets = Tensor.Persistent(DType.I32, rows, context);
        Documents = Tensor.Persistent(DType.I32, rows, context);
        Positions = Tensor.Persistent(DType.I32, rows, context);
    }

    /// <summary>Ids the model sees.</summary>
    public Tensor Ids { get; }

    /// <summary>The id after each, or <see cref="BatchLoader.Ignore"/>.</summary>
    public Tensor Targets { get; }

    /// <summary>Number of the document within its row.</summary>
    public Tensor Documents { get; }

    /// <summary>Position within the document.</summary>
    public Tensor Positions { get; }

    /// <summary>Fills all rows with the loader's next ones.</summary>
    public TokenBatch Fill(BatchLoader loader)
    {
        using var data = OpProfile.Part("data", "tokens");
        loader.Next(Ids.AsSpan<int>(), Targets.AsSpan<int>(), Documents.AsSpan<int>(), Positions.AsSpan<int>());
        return this;
    }

    /// <summary>Number of targets that count.</summary>
    public int CountTargets()
    {
        ReadOnlySpan<int> targets = Targets.AsSpan<int>();
        return targets.Length - targets.Count(BatchLoader.Ignore);
    }
}
