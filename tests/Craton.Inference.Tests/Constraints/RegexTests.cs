using System.Text;
using System.Text.RegularExpressions;
using Craton.Inference.Constraints;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Expressions match what the platform's matcher matches; what cannot be matched by an automaton is refused.</summary>
public sealed class RegexTests
{
    public static TheoryData<string> Patterns =>
    [
        "a*b", "(a|b)*c", "a{2,3}", "a{,2}", "(ab|a)(bc|c)?", "[^a]b?", "[a-b]+c", "(?:a|)b", "^a(b|c)$", "^(a|b)c?$", "a??b*?", "(?<x>ab)+", @"\x61\u0062", @"\w{2}", @"[\w]\W?", "a|b|",
        "(a*)*b", "(a|aa)+c", "[]a", ".b", "a{0}b", "a{1}{2}", @"[\]\-a]b", "a.c", "((a{1,2}){1,2}b){1,2}", "[b-]a", "()a()", "x?",
    ];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void A_text_is_complete_when_the_whole_of_it_matches(string pattern)
    {
        if (Bad.Contains(pattern))
        {
            Assert.Throws<GrammarException>(() => Grammar.FromRegex(pattern));
            return;
        }

        TokenGrammar bound = Grammar.FromRegex(pattern).Bind(Vocabularies.Bytes);
        var expected = new Regex($"^(?:{pattern.Replace("{,", "{0,", StringComparison.Ordinal)})\\z", RegexOptions.CultureInvariant);
        foreach (string text in Texts("abc-]", 5))
            Assert.True(expected.IsMatch(text) == Matches(bound, text), $"{pattern} on '{text}'");
    }

    // Means something else, or nothing, where an expression is read as ECMAScript with the u flag reads it.
    private static readonly HashSet<string> Bad = ["[]a", "a{1}{2}"];

    [Theory]
    [InlineData("a", "xax|a", "b")]
    [InlineData("^a", "ab|a", "ba")]
    [InlineData("a$", "ba|a", "ab")]
    [InlineData("^a|b$", "ax|xb", "xa|bx")]
    [InlineData("\\.", "a.b", "ab")]
    [InlineData("^.$", "x|é|😀", "xx|\n")]
    [InlineData("^\\p{Lu}\\P{L}$", "A1|É😀", "a1|AA")]
    [InlineData("^[^\\n]$", "\t|\"|\\", "\n|")]
    [InlineData("^\\s\\S$", "\u00a0x|\tx", "x |  ")]
    public void A_pattern_of_a_schema_matches_anywhere(string pattern, string matching, string other)
    {
        string schema = System.Text.Json.JsonSerializer.Serialize(new { type = "string", pattern });
        TokenGrammar bound = Grammar.FromJsonSchema(schema).Bind(Vocabularies.Bytes);
        Assert.All(matching.Split('|'), text => Assert.True(Matches(bound, Quote(text)), text));
        Assert.All(other.Split('|'), text => Assert.False(Matches(bound, Quote(text)), text));
    }

    [Theory]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("*a")]
    [InlineData("a**")]
    [InlineData("a++")]
    [InlineData("[a")]
    [InlineData("[b-a]")]
    [InlineData("(?=a)")]
    [InlineData("(?!a)b")]
    [InlineData("(?<=a)b")]
    [InlineData("(?i)a")]
    [InlineData("(a)\\1")]
    [InlineData("\\bword\\b")]
    [InlineData("\\k<x>")]
    [InlineData("\\p{Greek}")]
    [InlineData("a^b")]
    [InlineData("(a|b$)c")]
    [InlineData("(^a|^b)c")]
    [InlineData("\\u{110000}")]
    [InlineData("\\ud800")]
    [InlineData("a{3,2}")]
    [InlineData("a{100001}")]
    [InlineData("\\")]
    [InlineData("[\\d-z]")]
    public void What_is_malformed_or_not_regular_is_refused_with_its_position(string pattern)
    {
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.FromRegex(pattern));
        Assert.StartsWith("pattern, position ", error.Message, StringComparison.Ordinal);
    }

    internal static bool Matches(TokenGrammar bound, string text)
    {
        TokenConstraint constraint = bound.Start();
        var writer = new RandomText(bound.Vocabulary, 0);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (!writer.Allowed(constraint).Contains(b))
                return false;
            constraint.Accept(b);
        }

        return constraint.IsComplete;
    }

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\t", "\\t").Replace("\n", "\\n")}\"";

    private static IEnumerable<string> Texts(string alphabet, int longest)
    {
        IEnumerable<string> last = [""];
        for (int length = 0; length <= longest; length++)
        {
            string[] now = [.. last];
            foreach (string text in now)
                yield return text;
            last = now.SelectMany(t => alphabet.Select(c => t + c));
        }
    }
}
