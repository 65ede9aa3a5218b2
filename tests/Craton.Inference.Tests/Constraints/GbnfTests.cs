using Craton.Inference.Constraints;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Grammars in the notation that users of llama.cpp know.</summary>
public sealed class GbnfTests
{
    private const string Arithmetic = """
        # sums, each on a line
        root  ::= (expr "=" ws num "\n")+
        expr  ::= term ([-+*/] term)*
        term  ::= ident | num | "(" ws expr ")" ws
        ident ::= [a-z] [a-z0-9_]* ws   # a name
        num   ::= [0-9]+ ws
        ws    ::= [ \t\n]*
        """;

    private const string Json = """
        root   ::= object
        value  ::= object | array | string | number | ("true" | "false" | "null") ws

        object ::=
          "{" ws (
            string ":" ws value
            ("," ws string ":" ws value)*
          )? "}" ws

        array  ::=
          "[" ws (
            value
            ("," ws value)*
          )? "]" ws

        string ::=
          "\"" (
            [^"\\\x7F\x00-\x1F] |
            "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
          )* "\"" ws

        number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
        ws ::= | " " | "\n" [ \t]{0,20}
        """;

    [Theory]
    [InlineData(Arithmetic, "a=1\n|(x+2) *3 =7\nb=2\n|((((1))))=0\n", "a=1|()=1\n|a+=1\n|A=1\n")]
    [InlineData(Json, "{}|{\"a\": [1, 2.5, {\"b\":null}], \"é\":\"\\u00e9\\\"\"}|{\n  \"x\":true}\n", "[]|{\"a\":}|{a:1}|{\"a\":01}")]
    [InlineData("root ::= \"\\x41\" \"\\u00e9\" \"\\U0001F600\" . | [^\\]\\-a] \"-\"", "Aé😀x|Aé😀é|b-", "Aé|a-|--|]-")]
    [InlineData("root ::= (\"a\" |\n  \"b\"\n) {2,3}", "ab|aba", "a|abab")]
    [InlineData("root ::=\n a |\n b\na ::= \"x\" a | \"x\"\nb-1 ::= \"unused\"\nb ::= \"\"", "|x|xxxx", "y")]
    public void A_grammar_takes_its_sentences(string grammar, string sentences, string others)
    {
        TokenGrammar bound = Grammar.FromGbnf(grammar).Bind(Vocabularies.Bytes);
        Assert.All(sentences.Split('|'), text => Assert.True(RegexTests.Matches(bound, text), text));
        Assert.All(others.Split('|'), text => Assert.False(RegexTests.Matches(bound, text), text));
    }

    [Theory]
    [InlineData("", "rule root is missing")]
    [InlineData("root ::= x", "rule x is missing")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "defined twice")]
    [InlineData("root ::= root \"a\" | \"b\"", "left recursion")]
    [InlineData("root ::= ws a\nws ::= \" \"*\na ::= root \"b\" | \"c\"", "left recursion")]
    [InlineData("root ::= \"a\" root", "no text matches")]
    [InlineData("root ::= \"a\" x\nx ::= \"b\" x \"c\"", "no text matches")]
    [InlineData("root ::= (\"a\"", "expected ')'")]
    [InlineData("root ::= \"a", "ends too early")]
    [InlineData("root ::= [a", "ends too early")]
    [InlineData("root ::= \"\\q\"", "escape is not known")]
    [InlineData("root ::= \"\\ud800\"", "names no character")]
    [InlineData("root ::= \"a\"**", "repeats a repetition")]
    [InlineData("root ::= \"a\" )", "expected the end of the rule root")]
    [InlineData("root = \"a\"", "expected '::='")]
    [InlineData("root ::= [z-a]", "exchange them")]
    [InlineData("root ::= \"a\"{3,1}", "ends before it begins")]
    [InlineData("root ::= <think>", "expected the end of the rule root")]
    public void What_is_wrong_with_a_grammar_is_said(string grammar, string problem)
    {
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.FromGbnf(grammar));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_choices_end_in_sentences()
    {
        foreach (string grammar in new[] { Arithmetic, Json })
        {
            TokenGrammar bound = Grammar.FromGbnf(grammar).Bind(Vocabularies.Trained);
            TokenGrammar bytes = Grammar.FromGbnf(grammar).Bind(Vocabularies.Bytes);
            var writer = new RandomText(Vocabularies.Trained, 3);
            for (int i = 0; i < 200; i++)
                Assert.True(RegexTests.Matches(bytes, System.Text.Encoding.UTF8.GetString(writer.Write(bound.Start(), i % 30))));
        }
    }
}
