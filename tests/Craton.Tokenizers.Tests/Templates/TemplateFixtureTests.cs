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
        if (!HasArea("language"))
            return;
        var tally = new Tally(output);
        TemplateVariables context = ReadContext(Path.Combine(_folder, "language_context.json"));
        foreach (JsonElement item in Fixtures.Lines(Path.Combine(_folder, "language.jsonl")))
        {
            (string id, string source) = (item.Id(), item.Text("template"));
            string result = Render(source, context);
            if (item.TryGetProperty("output", out JsonElement expected))
                tally.Check($"{id} {source}", expected.GetString()!, result);
            else if (item.TryGetProperty("error", out JsonElement error))
                CheckError(tally, $"{id} {source}", result, error);
            else
                tally.Skip(id, "no defined text; it was rendered or refused");
        }

        tally.Finish("language of templates");
    }

    [Fact]
    public void Hostile()
    {
        if (!HasArea("hostile"))
            return;
        var tally = new Tally(output);
        TemplateVariables variables = new TemplateVariables().Set("messages", JsonElement.Parse("""[{"role":"user","content":"x"}]"""));
        foreach (JsonElement item in Fixtures.Lines(Path.Combine(_folder, "hostile.jsonl")))
        {
            var watch = Stopwatch.StartNew();
            string result = Render(item.Text("template"), variables);
            string time = watch.Elapsed.TotalSeconds < 60 ? "in time" : $"in {watch.Elapsed.TotalSeconds:f0} s";
            bool isError = result.StartsWith("error: ", StringComparison.Ordinal);
            string outcome = item.Text("expect") == "refused"
                ? isError ? "safe" : "not refused: " + result
                : !isError && _internals.Any(word => result.Contains(word, StringComparison.Ordinal)) ? "internals: " + result : "safe";
            tally.Check(item.Id(), "safe in time", $"{outcome} {time}");
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

    private bool HasArea(string id)
    {
        bool has = Manifest.GetProperty("cases").EnumerateArray().Any(c => c.Id() == id);
        if (!has)
            output.WriteLine($"skipped: the manifest has no area {id}");
        return has;
    }
}
