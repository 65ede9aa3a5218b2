namespace Craton.Tokenizers.Splitting;

/// <summary>Finds the end of the piece that starts at a place: the hand-written form of one split pattern.</summary>
internal interface IScanner
{
    /// <summary>The end of the piece that starts at <paramref name="start"/>; always beyond it.</summary>
    /// <param name="text">Valid UTF-8; its end is the end of the text.</param>
    /// <param name="start">Start of a piece, below the length of the text.</param>
    static abstract int Next(ReadOnlySpan<byte> text, int start);
}

/// <summary>Cuts text into the pieces that a vocabulary merges within.</summary>
internal abstract class Splitter
{
    /// <summary>
    /// Writes the ends of the pieces from <paramref name="start"/> on until the text or <paramref name="ends"/> is used up, and
    /// returns their number. A batch at a time keeps the virtual call out of the loop over pieces.
    /// </summary>
    public abstract int Split(ReadOnlySpan<byte> text, int start, Span<int> ends);
}

/// <summary>A splitter that runs one scanner, compiled for it.</summary>
internal sealed class Splitter<TScanner> : Splitter
    where TScanner : struct, IScanner
{
    public override int Split(ReadOnlySpan<byte> text, int start, Span<int> ends)
    {
        int count = 0;
        while (start < text.Length && count < ends.Length)
        {
            start = TScanner.Next(text, start);
            ends[count++] = start;
        }

        return count;
    }
}
