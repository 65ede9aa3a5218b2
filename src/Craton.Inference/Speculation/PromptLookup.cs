namespace Craton.Inference;

/// <summary>
/// Guesses that a text goes on as it did where its last tokens stood before (Saxena 2023): good for summaries, changes of code, and whatever
/// else repeats its prompt. Costs no second model.
/// </summary>
/// <param name="longest">Most tokens that are compared; fewer when so many are not found.</param>
public sealed class PromptLookup(int longest = 3) : Drafter
{
    internal override IDraft Begin(int longestText) => new Lookup(longest);

    private sealed class Lookup(int longest) : IDraft
    {
        public int Propose(ReadOnlySpan<int> text, Span<int> guess)
        {
            for (int length = Math.Min(longest, text.Length - 1); length > 0; length--)
            {
                // The latest place before the end; at least one token follows it.
                int at = text[..^1].LastIndexOf(text[^length..]);
                if (at < 0) continue;
                ReadOnlySpan<int> next = text[(at + length)..];
                int count = Math.Min(next.Length, guess.Length);
                next[..count].CopyTo(guess);
                return count;
            }
            return 0;
        }
    }
}
