using Craton.Tensors;

namespace Craton.Inference;

/// <summary>How much an <see cref="InferenceEngine"/> does at once, and what it keeps. Only <see cref="CacheType"/> changes an answer.</summary>
public sealed record EngineOptions
{
    /// <summary>Most requests that are answered at the same time; others wait.</summary>
    public int MaxBatch { get; init; } = 32;

    /// <summary>Most tokens of one pass through the model. Long prompts are read in pieces between the tokens of others.</summary>
    public int MaxStepTokens { get; init; } = 256;

    /// <summary>Most requests that wait; more are refused.</summary>
    public int MaxQueue { get; init; } = 1024;

    /// <summary>Tokens whose keys and values are kept, of all requests together; null for eight contexts,
    /// but 32768 at most when that is more than one, and what fits a quarter of the memory.</summary>
    public int? CacheTokens { get; init; }

    /// <summary>What keys and values are rounded to where they are kept. F32 keeps all of them. F16, with 11 digits, and BF16, with 8, take half the
    /// memory, for twice the tokens; F16 ends at 65504, and a model whose keys go beyond it needs BF16.</summary>
    public DType CacheType { get; init; } = DType.F32;

    /// <summary>Tokens of a page: what prompts have in common is shared in whole pages.</summary>
    public int PageSize { get; init; } = 16;

    /// <summary>Keep pages that nobody uses for requests that begin with the same tokens.</summary>
    public bool ReusePrefixes { get; init; } = true;

    /// <summary>Guesses the next tokens, which are then read in one pass; null for none.</summary>
    public Drafter? Drafter { get; init; }

    /// <summary>Most tokens of a guess.</summary>
    public int DraftTokens { get; init; } = 4;

    /// <summary>Refuses values that mean nothing.</summary>
    /// <exception cref="CratonException">A value is out of its range.</exception>
    public void Validate()
    {
        Check(MaxBatch, 1, 4096, nameof(MaxBatch));
        Check(MaxStepTokens, MaxBatch, 1 << 16, nameof(MaxStepTokens));
        Check(MaxQueue, 1, 1 << 20, nameof(MaxQueue));
        Check(CacheTokens ?? 1, 1, int.MaxValue, nameof(CacheTokens));
        Check(PageSize, 1, 1024, nameof(PageSize));
        Check(DraftTokens, 1, 64, nameof(DraftTokens));
        if (CacheType is not (DType.F32 or DType.F16 or DType.BF16)) throw new CratonException($"engine: {nameof(CacheType)} is {CacheType}, expected F32, F16 or BF16");

        static void Check(int value, int least, int most, string name)
        {
            if (value < least || value > most) throw new CratonException($"engine: {name} is {value}, expected {least} to {most}");
        }
    }
}
