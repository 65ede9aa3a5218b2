using System.Text;
using Craton.Inference.Constraints;
using Xunit.Abstractions;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Damaged schemas, expressions and grammars end in a grammar or in a <see cref="GrammarException"/>, never in anything else.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int Mutations = 40_000;
    private const string Marks = "{}[]()*+?|\\\"^$-,.:#09ud\ud83d\ude00\n";

    private static readonly string[] Expressions =
        ["^[A-Z]{2}-\\d{3,5}$", "(?:a|b)*c{2,}[^\\]x-z]?", "\\p{Lu}\\u00e9\\u{1F600}(?<n>x|)+?", "^(a|b$)|\\.\\x41\\cA[\\w\\-\\b]"];

    private static readonly string[] Grammars =
    [
        "root ::= expr \"\\n\"\nexpr ::= term ([-+*/] term)* # sums\nterm ::= [a-z0-9_]+ | \"(\" expr \")\"",
        "root ::= (\"\\x41\" | \"\\u00e9\" |\n [^\\]] ){2,3} ws .?\nws ::= [ \\t]* | \"\\U0001F600\"",
    ];

    [Fact]
    public void Mutated_schemas() => Mutate([.. Schemas.All], schema => Grammar.FromJsonSchema(schema));

    [Fact]
    public void Mutated_expressions() => Mutate(Expressions, pattern => Grammar.FromRegex(pattern));

    [Fact]
    public void Mutated_grammars() => Mutate(Grammars, grammar => Grammar.FromGbnf(grammar));

    private void Mutate(string[] sources, Func<string, Grammar> compile)
    {
        var random = new Random(20);
        int refused = 0;
        for (int i = 0; i < Mutations; i++)
        {
            string mutated = Mutation(sources[i % sources.Length], sources[random.Next(sources.Length)], random);
            try
            {
                _ = compile(mutated);
            }
            catch (GrammarException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"{mutated}\n{e}");
            }
        }

        output.WriteLine($"{Mutations} mutations (seed 20): {refused} refused, {Mutations - refused} compiled");
    }

    private static string Mutation(string text, string other, Random random)
    {
        var builder = new StringBuilder(text);
        for (int changes = random.Next(1, 4); changes > 0 && builder.Length > 0; changes--)
        {
            int at = random.Next(builder.Length), length = Math.Min(random.Next(1, 6), builder.Length - at);
            _ = random.Next(6) switch
            {
                0 => builder.Remove(at, length),
                1 => builder.Insert(at, builder.ToString(at, length)),
                2 => builder.Insert(at, other.AsSpan(random.Next(other.Length)).Slice(0, 1)),
                3 => builder.Replace(builder[at], Marks[random.Next(Marks.Length)], at, 1),
                4 => builder.Insert(at, random.Next(1000)),
                _ => builder.Insert(at, (char)random.Next(0x10000)),
            };
        }

        return builder.ToString();
    }
}
