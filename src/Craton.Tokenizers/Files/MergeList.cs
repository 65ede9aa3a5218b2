using Craton.Tokenizers.Bpe;

namespace Craton.Tokenizers.Files;

/// <summary>Resolves merges one after the other; their parts and their whole must be in the vocabulary, and no pair comes twice.</summary>
/// <param name="ids">The vocabulary.</param>
/// <param name="capacity">About how many merges there are.</param>
/// <param name="prefix">What marks a token that does not begin a word; the right part of a merge loses it.</param>
internal sealed class MergeList(Dictionary<string, int> ids, int capacity, string prefix = "")
{
    private readonly HashSet<(int, int)> _pairs = new(capacity);

    /// <summary>The merges in order of rank.</summary>
    public List<Merge> Merges { get; } = new(capacity);

    /// <summary>Adds a merge, or says what is wrong with it.</summary>
    public string? Add(string left, string right)
    {
        if (!right.StartsWith(prefix, StringComparison.Ordinal))
            return $"joins \"{left}\" and \"{right}\", which does not begin with \"{prefix}\"";
        string whole = left + right[prefix.Length..];
        if (!ids.TryGetValue(left, out int leftId) || !ids.TryGetValue(right, out int rightId) || !ids.TryGetValue(whole, out int id))
        {
            string missing = ids.ContainsKey(left) ? ids.ContainsKey(right) ? whole : right : left;
            return $"joins \"{left}\" and \"{right}\", but \"{missing}\" is not in the vocabulary";
        }

        if (!_pairs.Add((leftId, rightId)))
            return $"repeats the merge of \"{left}\" and \"{right}\"";
        Merges.Add(new Merge(leftId, rightId, id));
        return null;
    }
}
