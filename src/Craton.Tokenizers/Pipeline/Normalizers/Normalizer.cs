using System.Text;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Changes a text before it is cut into tokens, and keeps track of where each character came from.</summary>
internal abstract class Normalizer
{
    /// <summary>Changes nothing.</summary>
    public static Normalizer None { get; } = new SequenceNormalizer([]);

    /// <summary>The changed text.</summary>
    public abstract AlignedText Apply(AlignedText text);

    /// <summary>True when it is known without applying it that this valid UTF-8 stays as it is.</summary>
    public virtual bool Keeps(ReadOnlySpan<byte> utf8) => false;

    /// <summary>The changed form of a string.</summary>
    public string Apply(string text) => Apply(AlignedText.Of(text)).ToString();

    /// <summary>Enumerates the characters of valid UTF-8.</summary>
    protected static bool All(ReadOnlySpan<byte> utf8, Func<Rune, bool> keeps)
    {
        while (!utf8.IsEmpty)
        {
            _ = Rune.DecodeFromUtf8(utf8, out Rune rune, out int length);
            if (!keeps(rune))
                return false;
            utf8 = utf8[length..];
        }

        return true;
    }
}

/// <summary>One after the other.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<Normalizer> steps) : Normalizer
{
    public override AlignedText Apply(AlignedText text) => steps.Aggregate(text, (t, step) => step.Apply(t));

    public override bool Keeps(ReadOnlySpan<byte> utf8)
    {
        foreach (Normalizer step in steps)
        {
            if (!step.Keeps(utf8))
                return false;
        }

        return true;
    }
}
