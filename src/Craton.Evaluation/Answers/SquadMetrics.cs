using System.Text;
using System.Text.RegularExpressions;

namespace Craton.Evaluation;

/// <summary>
/// Exact match and token F1 as SQuAD defines them (Rajpurkar et al. 2016; 2018 for questions without an answer): both sides are
/// lower-cased, stripped of ASCII punctuation and of the articles a, an, the, and their white space made single.
/// </summary>
public static partial class SquadMetrics
{
    /// <summary>The form in which answers are compared.</summary>
    public static string Normalise(string answer)
    {
        var text = new StringBuilder(answer.Length);
        foreach (char c in answer.ToLowerInvariant())
        {
            if (!(char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c)))) text.Append(c);
        }
        return string.Join(' ', Words(Article().Replace(text.ToString(), " ")));
    }

    /// <summary>1 when both sides normalise to the same text, else 0.</summary>
    public static double ExactMatch(string prediction, string answer) => Normalise(prediction) == Normalise(answer) ? 1 : 0;

    /// <summary>
    /// Harmonic mean of precision and recall of the words, each counted as often as it occurs. Nothing against nothing is
    /// <paramref name="bothEmpty"/>: 1 in version 2.0 of the definition, 0 in 1.1.
    /// </summary>
    public static double F1(string prediction, string answer, double bothEmpty = 1)
    {
        string[] predicted = Words(Normalise(prediction)), expected = Words(Normalise(answer));
        if (predicted.Length == 0 && expected.Length == 0) return bothEmpty;
        return new Overlap(Multiset.Common(predicted, expected), predicted.Length, expected.Length).F;
    }

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    // Words are bounded as in the original's regular expressions: by anything but a letter, a number or an underscore.
    [GeneratedRegex(@"(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])", RegexOptions.CultureInvariant)]
    private static partial Regex Article();
}
