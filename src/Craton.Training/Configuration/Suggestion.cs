namespace Craton.Training.Configuration;

/// <summary>Finds what somebody meant who mistyped a word.</summary>
public static class Suggestion
{
    /// <summary>"; did you mean 'x'?" for the nearest word, or the list of words when none is near.</summary>
    public static string For(string word, IEnumerable<string> words) =>
        Nearest(word, words) is { } near ? $"; did you mean '{near}'?"
        : words.Any() ? $"; the keys here are {string.Join(", ", words)}" : "";

    /// <summary>The nearest word; null when none is near.</summary>
    public static string? Nearest(string word, IEnumerable<string> words)
    {
        string? near = words.MinBy(candidate => Distance(word, candidate));
        return near is not null && Distance(word, near) <= Math.Max(1, word.Length / 3) ? near : null;
    }

    /// <summary>Letters to insert, delete, replace or swap with a neighbour (Damerau 1964, optimal string alignment).</summary>
    public static int Distance(string a, string b)
    {
        if (a.Length > 100 || b.Length > 100) return int.MaxValue; // nobody's slip of the finger
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }
                int replace = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                int least = Math.Min(replace, 1 + Math.Min(cost[i - 1, j], cost[i, j - 1]));
                bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                cost[i, j] = swapped ? Math.Min(least, cost[i - 2, j - 2] + 1) : least;
            }
        }
        return cost[a.Length, b.Length];
    }
}
