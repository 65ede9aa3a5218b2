using Craton.Tokenizers.Files;

namespace Craton.Tokenizers.Pipeline;

/// <summary>Something that is found in a text.</summary>
internal abstract class TextPattern
{
    /// <summary>All matches from left to right, none overlapping another.</summary>
    /// <param name="text">Code points.</param>
    public abstract List<(int Start, int End)> FindAll(int[] text);

    /// <summary>Reads the <c>pattern</c> of Split or Replace: a literal string, or a regular expression.</summary>
    public static TextPattern Read(JsonFields json)
    {
        if (json.Find("String") is { } literal)
        {
            return literal.Text().Length > 0
                ? new LiteralPattern(AlignedText.CodesOf(literal.Text()))
                : throw literal.Error("is empty, expected characters to look for");
        }

        JsonFields regex = json.Find("Regex") ?? throw json.Error($"is {json.Short()}, expected String or Regex");
        return RegexPattern.Parse(regex.Text(), out string? problem) ?? throw regex.Error($"is {regex.Short()}: {problem}");
    }
}

/// <summary>Single characters.</summary>
internal sealed class CharacterPattern(Func<int, bool> matches) : TextPattern
{
    public override List<(int Start, int End)> FindAll(int[] text)
    {
        var found = new List<(int, int)>();
        for (int i = 0; i < text.Length; i++)
        {
            if (matches(text[i]))
                found.Add((i, i + 1));
        }

        return found;
    }
}

/// <summary>A literal string.</summary>
internal sealed class LiteralPattern(int[] literal) : TextPattern
{
    public override List<(int Start, int End)> FindAll(int[] text)
    {
        var found = new List<(int, int)>();
        for (int start = 0; start + literal.Length <= text.Length;)
        {
            int next = text.AsSpan(start).IndexOf(literal);
            if (next < 0)
                break;
            found.Add((start + next, start + next + literal.Length));
            start += next + literal.Length;
        }

        return found;
    }
}
