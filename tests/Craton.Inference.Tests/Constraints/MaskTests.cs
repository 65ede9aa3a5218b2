using System.Text;
using Craton.Inference.Constraints;

namespace Craton.Inference.Tests.Constraints;

/// <summary>
/// A token is allowed exactly when some sentence begins with the text so far and the token: compared with a list of all sentences, at
/// every prefix and for every short token.
/// </summary>
public sealed class MaskTests
{
    public static TheoryData<int, string, string> Languages => new()
    {
        { 6, "ab", """root ::= "a" root "b" | "" """ },
        { 5, "ab", """root ::= "a" root "a" | "b" root "b" | "a" | "b" """ },
        { 2, "ab()", """
            root ::= expr
            expr ::= term ("a" term)*
            term ::= "b" | "(" expr ")"
            """ },
        { 5, "abc", """
            root ::= x "c" | y "b"
            x ::= "a" x "b" | "ab"
            y ::= "a" y "b" "b" | "a"
            """ },
        { 6, "abc", """
            root ::= opt opt "a" opt (opt "b")? opt
            opt ::= "c"? | empty "a"
            empty ::= ""
            """ },
        { 6, "abc", """root ::= ("a" | "ab" | [bc]{2,3}){1,2} "c"? """ },
        { 2, "[],a", """root ::= "[" (root ("," root)*)? "]" | "a" """ },
        { 6, "ab", """
            root ::= a b | b a
            a ::= "a" a | "a"
            b ::= a "b" | "b" "b"
            """ },
    };

    [Theory]
    [MemberData(nameof(Languages))]
    public void A_mask_holds_exactly_the_tokens_that_some_sentence_goes_on_with(int longest, string alphabet, string grammar)
    {
        string[] tokens = [.. Texts(alphabet, 3).Where(t => t.Length > 0)];
        var vocabulary = Vocabularies.Of(tokens);
        // Sentences that are longer than any prefix with its token, so that being a prefix of one is decided among them.
        int known = 2 * (longest + 3) + 1;
        HashSet<string> sentences = [.. new GrammarOracle(grammar).Sentences(known)];
        HashSet<string> prefixes = [.. sentences.SelectMany(s => Enumerable.Range(0, s.Length + 1).Select(n => s[..n]))];
        TokenGrammar bound = Grammar.FromGbnf(grammar).Bind(vocabulary);
        Check(longest, bound.Start(), "", tokens, sentences, prefixes, grammar, known);
    }

    [Fact]
    public void Random_grammars_agree_with_their_sentences()
    {
        const int Grammars = 400, Longest = 8;
        string[] tokens = [.. Texts("ab", 2).Where(t => t.Length > 0)];
        var vocabulary = Vocabularies.Of(tokens);
        var random = new Random(77);
        int refused = 0;
        for (int i = 0; i < Grammars; i++)
        {
            string grammar = $"root ::= {RandomBody(random, 2)}\nx ::= {RandomBody(random, 2)}\ny ::= {RandomBody(random, 1)}";
            HashSet<string> sentences = [.. new GrammarOracle(grammar).Sentences(Longest)];
            HashSet<string> prefixes = [.. sentences.SelectMany(s => Enumerable.Range(0, s.Length + 1).Select(n => s[..n]))];
            TokenGrammar bound;
            try
            {
                bound = Grammar.FromGbnf(grammar).Bind(vocabulary);
            }
            catch (GrammarException e)
            {
                refused++;
                Assert.True(sentences.Count == 0 || e.Message.Contains("left recursion", StringComparison.Ordinal), $"{grammar}\n{e.Message}");
                continue;
            }

            Check(3, bound.Start(), "", tokens, sentences, prefixes, grammar, Longest);
        }

        // Many random grammars are left-recursive.
        Assert.InRange(refused, 1, 3 * Grammars / 4);
    }

    private static string RandomBody(Random random, int depth) => string.Join(" | ", Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
        string.Join(' ', Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomItem(random, depth)))));

    private static string RandomItem(Random random, int depth) => random.Next(12) switch
    {
        0 => "x",
        1 => "y",
        2 => "root",
        3 => "[ab]",
        4 => "\"\"",
        5 or 6 when depth > 0 => $"({RandomBody(random, depth - 1)}){"*+?"[random.Next(3)]}",
        7 => "\"ab\"",
        _ => random.Next(2) == 0 ? "\"a\"" : "\"b\"",
    };

    // Texts longer than 'known' are not among the sentences.
    private static void Check(
        int longest, TokenConstraint constraint, string text, string[] tokens, HashSet<string> sentences, HashSet<string> prefixes, string grammar, int known)
    {
        Assert.True(sentences.Contains(text) == constraint.IsComplete, $"{grammar}\n'{text}' is {(constraint.IsComplete ? "" : "not ")}complete");
        var mask = new uint[(tokens.Length + 32) / 32];
        constraint.Allowed(mask);
        for (int id = 0; id < tokens.Length; id++)
        {
            bool allowed = (mask[id >> 5] >> id & 1) != 0;
            string longer = text + tokens[id];
            Assert.True(
                allowed == prefixes.Contains(longer) || (allowed && !CanEnd(constraint, id, tokens, known - longer.Length)),
                $"{grammar}\n'{text}' + '{tokens[id]}': {(allowed ? "allowed" : "refused")}");
            if (!allowed)
            {
                Assert.Throws<ArgumentException>(() => constraint.Accept(id));
            }
            else if (longer.Length <= longest)
            {
                TokenConstraint next = constraint.Clone();
                next.Accept(id);
                Check(longest, next, longer, tokens, sentences, prefixes, grammar, known);
            }
        }
    }

    // Whether the text can be completed with so many more characters.
    private static bool CanEnd(TokenConstraint constraint, int token, string[] tokens, int characters)
    {
        TokenConstraint next = constraint.Clone();
        next.Accept(token);
        if (next.IsComplete)
            return true;
        var mask = new uint[(tokens.Length + 32) / 32];
        next.Allowed(mask);
        return characters > 0 && Enumerable.Range(0, tokens.Length)
            .Any(id => tokens[id].Length == 1 && (mask[id >> 5] >> id & 1) != 0 && CanEnd(next, id, tokens, characters - 1));
    }

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

    [Fact]
    public void A_character_may_be_spread_over_tokens()
    {
        byte[][] tokens = [[0xF0], [0x9F, 0x98], [0x80], [0xF0, 0x9F], [0x98], [0xC3], [0xA9], .. Enumerable.Range(0, 256).Select(b => new[] { (byte)b }), []];
        var vocabulary = new ConstraintVocabulary(tokens, [tokens.Length - 1]);
        var writer = new RandomText(vocabulary, 1);
        TokenConstraint constraint = Grammar.FromRegex("[é😀]").Bind(vocabulary).Start();
        Assert.Equal([0, 3, 5], writer.Allowed(constraint).Where(id => id < 7));
        constraint.Accept(0);
        Assert.Equal([1], writer.Allowed(constraint).Where(id => id < 7));
        constraint.Accept(1);
        Assert.Equal([2], writer.Allowed(constraint).Where(id => id < 7));
        Assert.False(constraint.IsComplete);
        constraint.Accept(2);
        Assert.True(constraint.IsComplete && constraint.IsFinished);
        Assert.Equal([tokens.Length - 1], writer.Allowed(constraint));
    }

    [Fact]
    public void Special_tokens_are_never_part_of_a_text()
    {
        var vocabulary = new ConstraintVocabulary(Vocabularies.Train(300));
        TokenConstraint constraint = Grammar.FromRegex("(.|\\n)*").Bind(vocabulary).Start();
        int end = vocabulary.EndOfText[0];
        Assert.Equal(Enumerable.Range(0, vocabulary.Size).Count(id => id == end || Starts(vocabulary.Tokens[id])), new RandomText(vocabulary, 1).Allowed(constraint).Count);
        constraint.Accept(end);
        Assert.Equal([end], new RandomText(vocabulary, 1).Allowed(constraint));
    }

    // A byte that can begin a character, and what follows fits.
    private static bool Starts(byte[] token) => token.Length > 0
        && token[0] is < 0x80 or (>= 0xC2 and <= 0xF4) && (token.Length > 1 || token[0] != 0xFF)
        && Encoding.UTF8.GetString(token) is not ['\r', ..] and not ['\u2028', ..];

    [Fact]
    public void A_clone_goes_its_own_way()
    {
        TokenGrammar bound = Grammar.FromGbnf("""root ::= "a" root "b" | "c" """).Bind(Vocabularies.Bytes);
        TokenConstraint first = bound.Start();
        first.Accept('a');
        TokenConstraint second = first.Clone();
        first.Accept('a');
        second.Accept('c');
        second.Accept('b');
        Assert.True(second.IsComplete);
        Assert.False(first.IsComplete);
        Assert.Throws<ArgumentException>(() => first.Accept('b'));
        first.Accept('c');
        first.Accept('b');
        first.Accept('b');
        Assert.True(first.IsComplete);
    }

    [Fact]
    public void Threads_share_a_grammar()
    {
        TokenGrammar bound = Grammar.JsonObject.Bind(Vocabularies.Trained);
        byte[][] texts = new byte[16][];
        Parallel.For(0, texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => texts[i] = new RandomText(Vocabularies.Trained, i / 4).Write(bound.Start(), 30));
        for (int i = 0; i < texts.Length; i++)
            Assert.Equal(texts[i / 4 * 4], texts[i]);
    }

    [Fact]
    public void A_text_nests_as_deep_as_readers_accept()
    {
        TokenConstraint constraint = Grammar.AnyJson.Bind(Vocabularies.Bytes).Start();
        var writer = new RandomText(Vocabularies.Bytes, 1);
        for (int depth = 0; depth < 64; depth++)
            constraint.Accept('[');
        Assert.DoesNotContain('[', writer.Allowed(constraint).Select(id => (char)id));
        for (int depth = 0; depth < 64; depth++)
            constraint.Accept(']');
        Assert.True(constraint.IsFinished);
    }

    [Fact]
    public void Bytes_without_a_token_of_their_own_are_never_needed()
    {
        // 'é' cannot be completed after its first byte, so it is not begun; digits are missing altogether.
        var vocabulary = new ConstraintVocabulary([[(byte)'a'], [(byte)'b'], [0xC3], "ab"u8.ToArray(), "b1"u8.ToArray(), []], [5]);
        TokenConstraint constraint = Grammar.FromRegex("(a|é|ab|b1)+").Bind(vocabulary).Start();
        Assert.Equal([0, 3], new RandomText(vocabulary, 1).Allowed(constraint));
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.FromRegex("[0-9]+").Bind(vocabulary));
        Assert.Contains("no text matches", error.Message, StringComparison.Ordinal);
    }
}
