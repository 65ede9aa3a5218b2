using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Craton.Inference.Constraints;
using Xunit.Abstractions;

namespace Craton.Inference.Tests.Constraints;

/// <summary>Schemas, expressions and grammars from strangers end within bounded time, in a grammar or in one sentence.</summary>
public sealed class HostileTests(ITestOutputHelper output)
{
    // On the slowest machine that tests run on; ordinary ones need a fraction.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string, string> Hostile => new()
    {
        { "nested quantifiers", "(a+)+$" },
        { "exponential states", "(a|b)*a(a|b){18}" },
        { "more exponential states", "(a|b)*a(a|b){60}" },
        { "huge repeat", "((a{1000}){1000}){1000}" },
        { "huge repeat of nothing", "((){100000}){100000}" },
        { "huge repeat of classes", "(\\p{L}{1000}){1000}" },
        { "many classes", string.Concat(Enumerable.Repeat("[\\p{L}\\p{N}]?", 3000)) },
        { "deep groups", new string('(', 5000) + "a" + new string(')', 5000) },
        { "many alternatives", string.Join('|', Enumerable.Range(0, 20000).Select(i => $"{i}x")) },
        { "long", new string('a', 300_000) },
        { "overlapping stars", string.Concat(Enumerable.Repeat("(a|b|ab)*", 300)) },
        { "optional chain", string.Concat(Enumerable.Repeat("a?", 20000)) },
    };

    public static TheoryData<string, string> HostileSchemas => new()
    {
        { "deep", string.Concat(Enumerable.Repeat("""{"items":""", 1000)) + "{}" + new string('}', 1000) },
        { "many references to references", "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + string.Join(',', Enumerable.Range(0, 40).Select(i => $"\"d{i}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/d{i + 1}\"}},{{\"$ref\":\"#/$defs/d{i + 1}\"}}]}}")) + ",\"d40\":{}}}" },
        { "exponential alternatives", "{\"allOf\":[" + string.Join(',', Enumerable.Range(0, 30).Select(i => $"{{\"anyOf\":[{{\"properties\":{{\"a{i}\":{{}}}}}},{{\"properties\":{{\"b{i}\":{{}}}}}}]}}")) + "]}" },
        { "exponential one-of", "{\"oneOf\":[" + string.Join(',', Enumerable.Range(0, 800).Select(i => $"{{\"properties\":{{\"k\":{{\"const\":{i}}}}},\"required\":[\"k\"]}}")) + "]}" },
        { "reference loop", """{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}}}""" },
        { "exponential conjunctions", """{"$ref":"#/$defs/a","$defs":{"a":{"properties":{"x":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]},"y":{"$ref":"#/$defs/b"}}},"b":{"properties":{"x":{"$ref":"#/$defs/c"},"y":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/c"}]}}},"c":{"properties":{"x":{"$ref":"#/$defs/a"}}}}}""" },
        { "many properties", JsonSerializer.Serialize(new { type = "object", properties = Enumerable.Range(0, 3000).ToDictionary(i => $"property number {i}", _ => new { type = "string" }) }) },
        { "many properties with others", JsonSerializer.Serialize(new { type = "object", properties = Enumerable.Range(0, 1000).ToDictionary(i => $"p{i}", _ => new { type = "string" }), additionalProperties = true }) },
        { "long strings", """{"type":"string","minLength":99999,"maxLength":100000}""" },
        { "long pattern strings", """{"type":"string","pattern":"^[a-z]+$","maxLength":100000}""" },
        { "patterns together", """{"type":"string","allOf":[{"pattern":"^(a|b)*a(a|b){9}$"},{"pattern":"^(a|b)*b(a|b){10}$"},{"pattern":"^(a|b)*a(a|b){11}$"}]}""" },
        { "many items", """{"type":"array","items":{"type":"array","items":{"type":"array","minItems":9999},"minItems":9999},"minItems":9999}""" },
        { "large enum", JsonSerializer.Serialize(new { @enum = Enumerable.Range(0, 20000).Select(i => $"v{i}") }) },
        { "hostile pattern", """{"type":"string","pattern":"(a+)+$"}""" },
    };

    public static TheoryData<string, string> HostileGrammars => new()
    {
        { "indirect left recursion", string.Join('\n', Enumerable.Range(0, 3000).Select(i => $"r{i} ::= r{(i + 1) % 3000} \"x\"").Prepend("root ::= r0")) },
        { "hidden left recursion", "root ::= e e root \"x\" | \"y\"\ne ::= f?\nf ::= \"\" | e" },
        { "doubling rules", string.Join('\n', Enumerable.Range(0, 60).Select(i => $"r{i} ::= r{i + 1} \"x\" | r{i + 1} \"y\" | r{i + 1} r{i + 1}").Prepend("root ::= r0").Append("r60 ::= \"a\"")) },
        { "doubling empty rules", string.Join('\n', Enumerable.Range(0, 60).Select(i => $"r{i} ::= r{i + 1} r{i + 1} | \"b\"").Prepend("root ::= r0").Append("r60 ::= \"a\"?")) },
        { "ambiguous", "root ::= \"a\" root root | \"a\" root | \"a\"" },
        { "deep groups", "root ::= " + new string('(', 5000) + "\"a\"" + new string(')', 5000) },
        { "huge repeat", "root ::= (([a-z]{1000}){1000}){1000}" },
        { "many rules", string.Join('\n', Enumerable.Range(0, 20000).Select(i => $"r{i} ::= \"x\"").Prepend("root ::= r0")) },
        { "long chain", string.Join('\n', Enumerable.Range(0, 9000).Select(i => $"r{i} ::= \"x\" r{i + 1} \"y\"").Prepend("root ::= r0").Append("r9000 ::= \"z\"")) },
        { "long chain of tails", string.Join('\n', Enumerable.Range(0, 9000).Select(i => $"r{i} ::= \"x\" | r{i + 1}").Prepend("root ::= r0").Append("r9000 ::= \"z\"")) },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Expressions(string name, string pattern) => Check(name, () => Grammar.FromRegex(pattern));

    [Theory]
    [MemberData(nameof(HostileSchemas))]
    public void JsonSchemas(string name, string schema) => Check(name, () => Grammar.FromJsonSchema(schema));

    [Theory]
    [MemberData(nameof(HostileGrammars))]
    public void Grammars(string name, string grammar) => Check(name, () => Grammar.FromGbnf(grammar));

    private void Check(string name, Func<Grammar> compile)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        string result;
        try
        {
            TokenGrammar bound = compile().Bind(Vocabularies.Trained);
            TimeSpan compiled = watch.Elapsed;
            TokenConstraint constraint = bound.Start();
            var writer = new RandomText(Vocabularies.Trained, 1);
            for (int i = 0; i < 20; i++)
            {
                List<int> allowed = writer.Allowed(constraint);
                constraint.Accept(allowed[^1]);
                if (constraint.IsFinished)
                    break;
            }

            result = $"compiled in {compiled.TotalMilliseconds:F0} ms, 20 tokens in {(watch.Elapsed - compiled).TotalMilliseconds:F0} ms";
        }
        catch (GrammarException e)
        {
            Assert.True(e.Message.Length < 600, e.Message);
            result = e.Message;
        }

        output.WriteLine($"{name}: {watch.Elapsed.TotalMilliseconds:F0} ms, {(GC.GetAllocatedBytesForCurrentThread() - before) >> 20} MiB: {result}");
        Assert.True(watch.Elapsed < Patience, $"{name} took {watch.Elapsed}");
    }
}
