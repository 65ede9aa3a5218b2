namespace Craton.Tokenizers;

/// <summary>What a piece of a SentencePiece vocabulary is for; the numbers are those of its files, and of GGUF.</summary>
public enum SentencePieceKind
{
    /// <summary>Ordinary text.</summary>
    Normal = 1,

    /// <summary>Stands for text that no piece expresses.</summary>
    Unknown = 2,

    /// <summary>A control token.</summary>
    Control = 3,

    /// <summary>Text that is always one piece and never normalised.</summary>
    UserDefined = 4,

    /// <summary>No longer in use; merges may pass through it.</summary>
    Unused = 5,

    /// <summary>One byte of text that no other piece expresses.</summary>
    Byte = 6,
}

/// <summary>A piece of a SentencePiece vocabulary.</summary>
/// <param name="Text">Its characters; blanks are written as U+2581.</param>
/// <param name="Score">The larger, the sooner it is chosen.</param>
/// <param name="Kind">What it is for.</param>
public readonly record struct SentencePiece(string Text, float Score, SentencePieceKind Kind = SentencePieceKind.Normal);

/// <summary>How pieces are chosen; the numbers are those of the files.</summary>
public enum SentencePieceAlgorithm
{
    /// <summary>The most probable pieces under a unigram language model.</summary>
    Unigram = 1,

    /// <summary>Merges of neighbours, the best score first.</summary>
    Bpe = 2,

    /// <summary>Whole words.</summary>
    Word = 3,

    /// <summary>Single characters.</summary>
    Char = 4,
}

/// <summary>The settings of a SentencePiece tokenizer.</summary>
public sealed record SentencePieceOptions
{
    /// <summary>How pieces are chosen.</summary>
    public SentencePieceAlgorithm Algorithm { get; init; } = SentencePieceAlgorithm.Unigram;

    /// <summary>Puts a blank in front of a text, so that its first word is like any other.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>Leaves blanks at the ends out and joins those that follow each other.</summary>
    public bool RemoveExtraWhitespaces { get; init; } = true;

    /// <summary>Writes blanks as U+2581.</summary>
    public bool EscapeWhitespaces { get; init; } = true;

    /// <summary>The mark of a word ends it instead of beginning it.</summary>
    public bool WhitespaceIsSuffix { get; init; }

    /// <summary>The compiled replacements (<c>precompiled_charsmap</c>); empty for none.</summary>
    public ReadOnlyMemory<byte> Charsmap { get; init; }

    /// <summary>What the unknown piece decodes to.</summary>
    public string UnknownSurface { get; init; } = " \u2047 ";

    /// <summary>The id that the model expects before a text.</summary>
    public int? Begin { get; init; }

    /// <summary>The id that the model expects behind a text.</summary>
    public int? End { get; init; }
}
