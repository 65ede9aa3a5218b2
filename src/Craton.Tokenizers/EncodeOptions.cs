namespace Craton.Tokenizers;

/// <summary>One end of a row of tokens.</summary>
public enum Side
{
    /// <summary>The end.</summary>
    Right,

    /// <summary>The start.</summary>
    Left,
}

/// <summary>Which of two texts is cut when both together are too long.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer one, then both evenly.</summary>
    LongestFirst,

    /// <summary>The first; an error when that is not enough.</summary>
    OnlyFirst,

    /// <summary>The second; an error when that is not enough.</summary>
    OnlySecond,
}

/// <summary>Cuts what is longer than a model takes.</summary>
/// <param name="MaxLength">The most tokens, those of the template included; one that leaves no room for the template cuts nothing.</param>
public sealed record Truncation(int MaxLength)
{
    /// <summary>Which text is cut.</summary>
    public TruncationStrategy Strategy { get; init; }

    /// <summary>From which end.</summary>
    public Side Side { get; init; }

    /// <summary>How many tokens a piece of the overflow repeats of the piece before it.</summary>
    public int Stride { get; init; }
}

/// <summary>Fills rows up to one length.</summary>
/// <param name="Id">The id to fill with.</param>
/// <param name="Token">Its content.</param>
public sealed record Padding(int Id, string Token)
{
    /// <summary>The length to fill up to; null: the longest of the texts. What is longer stays as it is.</summary>
    public int? Length { get; init; }

    /// <summary>Fill up to a multiple of this.</summary>
    public int? MultipleOf { get; init; }

    /// <summary>At which end.</summary>
    public Side Side { get; init; }

    /// <summary>The type of the tokens that fill.</summary>
    public int TypeId { get; init; }
}

/// <summary>How <see cref="Tokenizer.EncodeText(string, string?, EncodeOptions?)"/> encodes.</summary>
public sealed record EncodeOptions
{
    /// <summary>Adds what the model expects around a text (<c>[CLS]</c>, <c>&lt;s&gt;</c>, …).</summary>
    public bool AddSpecialTokens { get; init; } = true;

    /// <summary>Recognise special tokens written in the text (trusted text only).</summary>
    public bool AllowSpecial { get; init; }

    /// <summary>Cuts long texts; null keeps them whole.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>Fills short texts up; null does not.</summary>
    public Padding? Padding { get; init; }
}
