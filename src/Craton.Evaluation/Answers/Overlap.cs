namespace Craton.Evaluation;

/// <summary>Overlap of a text with a reference.</summary>
/// <param name="Common">Units that both have.</param>
/// <param name="Predicted">Units of the text.</param>
/// <param name="Expected">Units of the reference.</param>
public readonly record struct Overlap(int Common, int Predicted, int Expected)
{
    /// <summary>Share of the text that is in the reference; 0 for an empty text.</summary>
    public double Precision => Predicted == 0 ? 0 : (double)Common / Predicted;

    /// <summary>Share of the reference that is in the text; 0 for an empty reference.</summary>
    public double Recall => Expected == 0 ? 0 : (double)Common / Expected;

    /// <summary>Harmonic mean of precision and recall.</summary>
    public double F => Common == 0 ? 0 : 2.0 * Common / (Predicted + Expected);
}

internal static class Multiset
{
    /// <summary>Elements in both lists, each as often as in the one that has it less often.</summary>
    public static int Common(IEnumerable<string> first, IEnumerable<string> second)
    {
        Dictionary<string, int> left = second.CountBy(s => s, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        int common = 0;
        foreach (string element in first)
        {
            int count = left.GetValueOrDefault(element);
            if (count == 0) continue;
            left[element] = count - 1;
            common++;
        }
        return common;
    }
}
