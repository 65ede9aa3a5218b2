namespace Craton.Models.Generation;

/// <summary>
/// Lets text through as it comes, but holds back what may be the beginning of a stop text: a stop text is found wherever the borders of
/// tokens lie, and none of it is ever shown.
/// </summary>
public sealed class StopText(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>True once a stop text has come.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes the next piece and gives what is safe to show.</summary>
    public string Feed(string piece)
    {
        if (Found || piece.Length == 0) return "";
        string text = _held + piece;
        int cut = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (cut < 0 || at < cut)) cut = at;
        }
        if (cut >= 0)
        {
            Found = true;
            _held = "";
            return text[..cut];
        }
        int hold = stops.Count == 0 ? 0 : stops.Max(stop => Overlap(text, stop));
        _held = text[^hold..];
        return text[..^hold];
    }

    /// <summary>The rest, at the end of the answer.</summary>
    public string Flush()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    // The longest end of the text that begins the stop text.
    private static int Overlap(string text, string stop)
    {
        for (int length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) return length;
        return 0;
    }
}
