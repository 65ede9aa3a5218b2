using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Craton.Tokenizers.Templates;
using Xunit.Abstractions;

namespace Craton.Tokenizers.Tests.Templates;

/// <summary>The language of templates against the reference, and templates that attack.</summary>
[Trait("Category", "Golden")]
public sealed class TemplateFixtureTests(ITestOutputHelper output)
{
    private static readonly string[] _internals = ["Craton", "System.", "object at", "Microsoft", "__globals__", "root:"];

    private static readonly string _folder = Path.Combine(Path.GetDirectoryName(Fixtures.Root)!, "chat");

    [Fact]
    public void Language()
    {
        var tally = new Tally(output);
        if (HasArea("language"))
        {
            TemplateVariables context = ReadContext(Path.Combine(_folder, "language_context.json"));
            foreach (JsonElement item in Fixtures.Lines(Path.Combine(_folder, "language.jsonl")))
            {
                (string id, string source) = (item.Id(), item.Text("template"));
                if (item.TryGetProperty("output", out JsonElement expected))
                    tally.Check($"{id} {source}", expected.GetString()!, Render(source, context));
                else if (item.TryGetProperty("error", out JsonElement error))
                    CheckError(tally, $"{id} {source}", Render(source, context), error);
                else
                    tally.Check(id, "rendered or refused", Render(source, context).Length >= 0 ? "rendered or refused" : "");
            }
        }

        tally.Finish("language of templates");
    }

    [Fact]
    public void Hostile()
    {
        var tally = new Tally(output);
        if (HasArea("hostile"))
        {
            TemplateVariables variables = new TemplateVariables().Set("messages", JsonElement.Parse("""[{"role":"user","content":"x"}]"""));
            foreach (JsonElement item in Fixtures.Lines(Path.Combine(_folder, "hostile.jsonl")))
            {
                var watch = Stopwatch.StartNew();
                string result = Render(item.Text("template"), variables);
                string seconds = watch.Elapsed.TotalSeconds < 20 ? "in time" : $"{watch.Elapsed.TotalSeconds:f0} s";
                string outcome = item.Text("expect") switch
                {
                    "refused" => result.StartsWith("error: ", StringComparison.Ordinal) ? "safe" : "not refused: " + result,
                    _ => _internals.Any(word => result.Contains(word, StringComparison.Ordinal)) && !result.StartsWith("error: ", StringComparison.Ordinal) ? "internals: " + result : "safe",
                };
                tally.Check(item.Id(), "safe in time", $"{outcome} {seconds}");
            }
        }

        tally.Finish("hostile templates");
    }

    private static void CheckError(Tally tally, string name, string result, JsonElement error)
    {
        // The words are the reference's only where the template itself chose them.
        if (error.Text("type") == "TemplateError")
            tally.Check(name, "error: " + error.Text("message"), result);
        else
            tally.Check(name, "error: ", result[..Math.Min(7, result.Length)]);
    }

    private static string Render(string source, TemplateVariables variables)
    {
        try
        {
            return JinjaTemplate.Parse(source).Render(variables, Now).Text;
        }
        catch (TemplateException e)
        {
            return "error: " + e.Message;
        }
    }

    private static TemplateVariables ReadContext(string path)
    {
        var variables = new TemplateVariables();
        foreach (JsonProperty property in JsonElement.Parse(File.ReadAllText(path)).EnumerateObject())
            variables.Set(property.Name, property.Value);
        return variables;
    }

    private static JsonElement Manifest => JsonElement.Parse(File.ReadAllText(Path.Combine(_folder, "manifest.json")));

    private static DateTime Now => DateTime.Parse(Manifest.Text("now"), CultureInfo.InvariantCulture);

    private static bool HasArea(string id) => Manifest.GetProperty("cases").EnumerateArray().Any(c => c.Id() == id);
}
