using System.Text;
using System.Text.Json;
using Craton.Inference.Constraints;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Grammars within texts: calls of tools.</summary>
public sealed class CompositionTests
{
    private const string Begin = "<tool_call>", End = "</tool_call>";

    private static Grammar Tools()
    {
        Grammar weather = Grammar.FromJsonSchema("""{"type":"object","properties":{"city":{"$ref":"#/$defs/c"}},"required":["city"],"$defs":{"c":{"enum":["Oslo","Rome"]}}}""");
        Grammar time = Grammar.FromJsonSchema("""{"type":"object","properties":{}}""");
        return Grammar.AnyOf(
            weather.Between("{\"name\":\"weather\",\"arguments\":", "}"), time.Between("{\"name\":\"time\",\"arguments\":", "}"));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("It is 5 < 6.", true)]
    [InlineData("<tool_cal", true)]
    [InlineData("<tool_call>", false)]
    [InlineData("<tool_call>no", false)]
    [InlineData("<tool_call>{\"name\":\"time\",\"arguments\":{}}</tool_call>", true)]
    [InlineData("Let me see. <<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Oslo\"}}</tool_call> and <tool_call>{\"name\":\"time\",\"arguments\":{}}</tool_call>done", true)]
    [InlineData("<tool_call>{\"name\":\"time\",\"arguments\":{\"a\":1}}</tool_call>", false)]
    [InlineData("<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Bonn\"}}</tool_call>", false)]
    public void A_trigger_is_followed_by_a_call_and_the_rest_is_free(string text, bool matches) =>
        Assert.Equal(matches, RegexTests.Matches(Tools().After(Begin, End).Bind(Vocabularies.Bytes), text));

    [Theory]
    [InlineData("ababX!", true)]
    [InlineData("xababX!", true)]
    [InlineData("abababX!", false)]
    [InlineData("aba", true)]
    public void The_first_trigger_counts(string text, bool matches) =>
        Assert.Equal(matches, RegexTests.Matches(Grammar.FromRegex("X").After("abab", "!").Bind(Vocabularies.Bytes), text));

    [Fact]
    public void A_text_is_generated_as_the_document_says()
    {
        Tokenizers.Tokenizer tokenizer = Vocabularies.Train(400);
        string schema = Schemas.All[8];
        int[] logits = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(id => id * 7919 % 401)];
        var text = new List<byte>();

        var vocabulary = new ConstraintVocabulary(tokenizer);              // once for a model
        Grammar grammar = Grammar.FromJsonSchema(schema);                  // once for a schema; immutable
        TokenGrammar bound = grammar.Bind(vocabulary);                     // keep it: it remembers masks; any number of threads

        TokenConstraint constraint = bound.Start();                        // one for each text
        var mask = new uint[(vocabulary.Size + 31) / 32];
        while (!constraint.IsFinished && text.Count < 10_000)
        {
            constraint.Allowed(mask);                                      // bit id: the token may come
            int token = Choose(logits, mask);
            constraint.Accept(token);                                      // end-of-text too, where the text is complete
            if (!tokenizer.IsSpecial(token)) text.AddRange(tokenizer.TokenBytes(token));
        }

        Assert.StartsWith("{", Encoding.UTF8.GetString([.. text]), StringComparison.Ordinal);
    }

    private static int Choose(int[] logits, uint[] mask) =>
        Enumerable.Range(0, logits.Length).Where(id => (mask[id >> 5] >> id & 1) != 0).MaxBy(id => logits[id]);

    [Fact]
    public void Random_choices_call_tools_correctly()
    {
        TokenGrammar bound = Tools().Between(Begin, End).Bind(Vocabularies.Trained);
        var writer = new RandomText(Vocabularies.Trained, 4);
        for (int i = 0; i < 1000; i++)
        {
            string text = Encoding.UTF8.GetString(writer.Write(bound.Start(), 10));
            using JsonDocument call = JsonDocument.Parse(text[Begin.Length..^End.Length]);
            string name = call.RootElement.GetProperty("name").GetString()!;
            JsonElement arguments = call.RootElement.GetProperty("arguments");
            Assert.True(name == "time" ? !arguments.EnumerateObject().Any() : arguments.GetProperty("city").GetString() is "Oslo" or "Rome", text);
        }
    }
}
