namespace Craton.Models.Generation;

/// <summary>
/// Lets text through as it comes, but holds back what may be the beginning of a stop text: a stop text is found wherever the borders of
/// tokens lie, and none of it is ever shown. Of several, the one that is complete first counts.
/// </summary>
public sealed class StopText(IReadOnlyList<string> stops)
{
    private readonly string[] _stops = [.. stops]; // an array is walked without an enumerator for every token
    private string _held = "";

    /// <summary>True once a stop text has come.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes the next piece and gives what is safe to show.</summary>
    public string Feed(string piece)
    {
        if (Found || piece.Length == 0) return "";
        string text = _held + piece;
        int start = FirstComplete(text);
        Found = start >= 0;
        if (Found)
        {
            _held = "";
            return text[..start];
        }
        int hold = 0;
        foreach (string stop in _stops) hold = Math.Max(hold, Overlap(text, stop));
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

    // By its end, not by its start, so that the result is the same however the text is cut into pieces; the longest of equal ones.
    private int FirstComplete(string text)
    {
        (int Start, int End) first = (-1, int.MaxValue);
        foreach (string stop in _stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at < 0) continue;
            int end = at + stop.Length;
            if (end < first.End || (end == first.End && at < first.Start)) first = (at, end);
        }
        return first.Start;
    }

    // The longest end of the text that begins the stop text.
    private static int Overlap(string text, string stop)
    {
        for (int length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) return length;
        return 0;
    }
}
