using System.Diagnostics;
using System.Text.Json;
using Craton.Tokenizers.Templates;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests.Templates;

/// <summary>Damaged templates: they render or fail with a typed error, within their limits.</summary>
public sealed class TemplateMutationTests(ITestOutputHelper output)
{
    private const int Mutations = 100_000, Seed = 20_250_704;

    private static readonly string _folder = Path.Combine(Path.GetDirectoryName(Fixtures.Root)!, "chat");

    private static readonly string[] _pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "|", "(", ")", "[", "]", "{", "}", ",", ":", ".", "'", "\"", "\\", "\n", " ", "~", "*", "**", "//", "%", "=", "==",
        "in", "not", "is", "if", "else", "for", "endfor", "endif", "set", "macro", "endmacro", "call", "loop", "messages", "namespace()", "range(9)", "9", "0", "1e9",
        "|tojson", "|map('upper')", "|sort", "|list", "|join", "|indent(99)", ".items()", "[::-1]", "['x']", "*9999", "{% generation %}", "{% endgeneration %}", "👍", "\0",
        ".split('')", "|groupby('a')", "'%s'", "'{}'.format", "|batch(2)", "|round(9)", "|default({})", "**9", "[0]", ".0", "(messages)", "|format", "|wordwrap(1)",
    ];

    [Fact]
    public void OnlyTypedErrors_InBoundedTime()
    {
        output.WriteLine($"seed {Seed}");
        string[] sources = [.. Sources().Where(s => s.Length < 3000)];
        TemplateVariables variables = Variables();
        var limits = new TemplateLimits { Steps = 20_000, TextLength = 100_000 };
        var random = new Random(Seed);
        int rendered = 0;
        TimeSpan longest = TimeSpan.Zero;
        string slowest = "";
        for (int i = 0; i < Mutations; i++)
        {
            string source = Mutate(random, sources);
            long start = Stopwatch.GetTimestamp();
            try
            {
                _ = JinjaTemplate.Parse(source).Render(variables, DateTime.UnixEpoch, limits);
                rendered++;
            }
            catch (TemplateException e)
            {
                Assert.NotEmpty(e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"{e.GetType().Name}: {e.Message}\n{source}\n{e.StackTrace}");
            }

            TimeSpan taken = Stopwatch.GetElapsedTime(start);
            (longest, slowest) = taken > longest ? (taken, source) : (longest, slowest);
        }

        output.WriteLine($"{Mutations:N0} mutations, {rendered:N0} rendered, the slowest in {longest.TotalMilliseconds:f0} ms");
        Assert.True(longest < TimeSpan.FromSeconds(30), $"{longest.TotalSeconds:f1} s for\n{slowest}");
        Assert.InRange(rendered, Mutations / 20, Mutations);
    }

    private static IEnumerable<string> Sources()
    {
        foreach (string path in Directory.GetFiles(Path.Combine(_folder, "templates"), "*.jinja").Order(StringComparer.Ordinal))
            yield return File.ReadAllText(path);
        foreach (string file in new[] { "language.jsonl", "hostile.jsonl" })
        {
            foreach (JsonElement line in Fixtures.Lines(Path.Combine(_folder, file)))
                yield return line.Text("template");
        }
    }

    private static TemplateVariables Variables()
    {
        var variables = new TemplateVariables();
        foreach (JsonProperty property in JsonElement.Parse(File.ReadAllText(Path.Combine(_folder, "language_context.json"))).EnumerateObject())
            variables.Set(property.Name, property.Value);
        return variables.Set("add_generation_prompt", true).SetTrusted("bos_token", "<s>").Set("messages", JsonElement.Parse(
            """[{"role":"system","content":"Be brief."},{"role":"user","content":"Grüße 👩‍💻"},{"role":"assistant","content":"<think>x</think>4","tool_calls":[{"id":"abc123XYZ","function":{"name":"f","arguments":{"a":[1,2.5,null]}}}]}]"""));
    }

    private static string Mutate(Random random, string[] sources)
    {
        string source = sources[random.Next(sources.Length)];
        for (int edits = random.Next(1, 4); edits > 0; edits--)
        {
            int at = random.Next(source.Length + 1), length = Math.Min(random.Next(1, 12), source.Length - at);
            string piece = _pieces[random.Next(_pieces.Length)];
            source = random.Next(6) switch
            {
                0 => source.Remove(at, length),
                1 => source.Insert(at, piece),
                2 => source.Remove(at, length).Insert(at, piece),
                3 => source.Insert(at, source.Substring(at, length)),
                4 => source[..at] + Tail(random, sources[random.Next(sources.Length)]),
                _ => source[..at] + (char)random.Next(1, 0x250) + source[(at + Math.Min(1, length))..],
            };
        }

        return source;
    }

    private static string Tail(Random random, string source) => source[random.Next(source.Length + 1)..];
}
