namespace Craton.Tokenizers;

/// <summary>
/// A token that is searched for in the text before the model sees it, with the flags of Hugging Face <c>tokenizers</c>.
/// </summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The exact characters.</param>
public sealed record AddedToken(int Id, string Content)
{
    /// <summary>A control token: never recognised in untrusted text, left out by decoding unless asked for.</summary>
    public bool Special { get; init; }

    /// <summary>Matches only where no word character stands on either side.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Swallows the white space on its left.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Swallows the white space on its right.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Is searched for in normalised text (and its content is normalised first).</summary>
    public bool Normalized { get; init; }
}
