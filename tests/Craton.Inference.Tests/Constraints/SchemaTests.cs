using System.Text;
using System.Text.Json;
using Craton.Inference.Constraints;
using Xunit.Abstractions;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Whatever a model chooses among the allowed tokens, the text is JSON and satisfies the schema.</summary>
public sealed class SchemaTests(ITestOutputHelper output)
{
    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Schemas.All.Count)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void Random_choices_among_allowed_tokens_satisfy_the_schema(int index)
    {
        int texts = CheckTexts(Schemas.All[index], Vocabularies.Trained, 1000);
        output.WriteLine($"{texts} of {texts} texts satisfy {Schemas.All[index]}");
    }

    [Theory]
    [MemberData(nameof(Indices))]
    public void A_mask_holds_exactly_the_tokens_that_can_be_taken(int index)
    {
        ConstraintVocabulary vocabulary = Vocabularies.Trained;
        TokenGrammar bound = Grammar.FromJsonSchema(Schemas.All[index]).Bind(vocabulary);
        var random = new Random(index);
        var writer = new RandomText(vocabulary, index);
        for (int text = 0; text < 3; text++)
        {
            TokenConstraint constraint = bound.Start();
            // The last text begins as deep as a value may nest, where the schema allows it.
            for (int depth = 0; text == 2 && depth < 61 && writer.Allowed(constraint).Contains(Open(vocabulary)); depth++)
                constraint.Accept(Open(vocabulary));
            for (int step = 0; step < 12 && !constraint.IsFinished; step++)
            {
                List<int> allowed = writer.Allowed(constraint);
                Assert.All(allowed, id => Assert.True(CanTake(constraint, id)));
                // What is refused costs an exception, so only some of it is tried.
                Assert.All(Enumerable.Range(0, 20).Select(_ => random.Next(vocabulary.Size)).Except(allowed), id => Assert.False(CanTake(constraint, id)));
                constraint.Accept(allowed[random.Next(allowed.Count)]);
            }
        }
    }

    private static int Open(ConstraintVocabulary vocabulary) => Enumerable.Range(0, vocabulary.Size).First(id => vocabulary.Tokens[id] is [(byte)'[']);

    private static bool CanTake(TokenConstraint constraint, int token)
    {
        try
        {
            constraint.Clone().Accept(token);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    [Fact]
    public void Single_bytes_are_a_vocabulary_too()
    {
        foreach (string schema in Schemas.All)
            _ = CheckTexts(schema, Vocabularies.Bytes, 20);
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void Vocabularies_of_the_fixtures_satisfy_every_schema()
    {
        int run = 0, skipped = 0;
        foreach ((string id, ConstraintVocabulary? vocabulary, string reason) in Vocabularies.FromFixtures())
        {
            if (vocabulary is null)
            {
                skipped++;
                output.WriteLine($"skipped {id}: {reason}");
                continue;
            }

            foreach (string schema in Schemas.All)
                run += TryCheckTexts(schema, vocabulary, id, 5);
        }

        output.WriteLine($"constrained texts: {run} satisfy their schema, {skipped} vocabularies skipped");
        Assert.True(run > 0);
    }

    private int TryCheckTexts(string schema, ConstraintVocabulary vocabulary, string id, int count)
    {
        try
        {
            return CheckTexts(schema, vocabulary, count);
        }
        catch (GrammarException e) when (e.Message.Contains("no text matches", StringComparison.Ordinal))
        {
            output.WriteLine($"skipped {id} with {schema}: its characters cannot be spelt");
            return 0;
        }
    }

    private static int CheckTexts(string schema, ConstraintVocabulary vocabulary, int count)
    {
        TokenGrammar grammar = Grammar.FromJsonSchema(schema).Bind(vocabulary);
        var validator = new SchemaValidator(JsonElement.Parse(schema));
        var writer = new RandomText(vocabulary, seed: schema.Length);
        for (int i = 0; i < count; i++)
        {
            string text = Encoding.UTF8.GetString(writer.Write(grammar.Start(), patience: i % 40));
            using JsonDocument document = JsonDocument.Parse(text);
            string? violation = validator.Check(document.RootElement);
            Assert.True(violation is null, $"{schema}\n{text}\n{violation}");
        }

        return count;
    }
}
