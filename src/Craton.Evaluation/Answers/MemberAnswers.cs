using System.Buffers;

namespace Craton.Evaluation;

/// <summary>
/// Reads which API member an answer names, for questions that describe a member and ask for it. The answer has picked one of all
/// members there are, as a retrieval system would; only its first pick counts, so that listing many gains nothing.
/// </summary>
public static class MemberAnswers
{
    private static readonly SearchValues<char> s_ends = SearchValues.Create(" \t\r\n([{,;:`\"'");

    /// <summary>
    /// The first dotted name in a text without its parameters, e.g. <c>System.String.Substring</c> of "It is
    /// `System.String.Substring(int, int)`."; generic arguments belong to the name. Empty when there is none.
    /// </summary>
    public static string NameIn(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsLetter(text[i]) && text[i] != '_') continue;
            int start = i, depth = 0;
            for (; i < text.Length && (depth > 0 || !s_ends.Contains(text[i])); i++)
            {
                if (text[i] == '<') depth++;
                else if (text[i] == '>') depth--;
            }
            string name = text[start..i].TrimEnd('.', '!', '?', ')', ']', '}');
            if (name.Contains('.', StringComparison.Ordinal)) return name;
        }
        return "";
    }

    /// <summary>1 when both texts name the same member, whichever overload, else 0.</summary>
    /// <param name="prediction">The answer that was given.</param>
    /// <param name="answer">The right one; it names a member by its full name.</param>
    public static double SameMember(string prediction, string answer)
    {
        string expected = NameIn(answer);
        return expected.Length > 0 && NameIn(prediction) == expected ? 1 : 0;
    }
}
