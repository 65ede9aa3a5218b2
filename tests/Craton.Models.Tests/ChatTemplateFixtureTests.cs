using System.Globalization;
using System.Text.Json;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Tokenizers.Templates;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Texts, ids and masks of the Transformers library for the same templates and conversations.</summary>
[Trait("Category", "Golden")]
public sealed class ChatTemplateFixtureTests(ITestOutputHelper output)
{
    private static readonly string s_folder = Fixtures.Folder("chat");

    private readonly Tokenizer _tokenizer = Tokenizer.Load(Path.Combine(s_folder, "tokenizer.json"));
    private readonly Dictionary<string, string> _sources = [];
    private readonly Dictionary<string, JsonElement> _conversations = Fixtures.Lines(Path.Combine(s_folder, "conversations.jsonl")).ToDictionary(c => c.Text("id"));
    private readonly JsonElement _manifest = Fixtures.Json(Path.Combine(s_folder, "manifest.json")), _index = Fixtures.Json(Path.Combine(s_folder, "templates", "index.json"));

    private bool _trustTokens;

    [Fact]
    public void Texts() => ForEach("cases", (item, tally) =>
    {
        string name = $"{item.Text("template")} {item.Text("conversation")} {item.GetProperty("options").GetRawText()}";
        string result = Text(Template(item), Input(item));
        if (item.TryGetProperty("rendered", out JsonElement rendered)) tally.Same(name, rendered.GetString()!, result);
        else if (item.GetProperty("error").Text("type") == "TemplateError") tally.Same(name, "error: " + item.GetProperty("error").Text("message"), result);
        else tally.That(result.StartsWith("error: ", StringComparison.Ordinal), () => $"{name}: expected an error, got {result}");
    });

    [Fact]
    public void Masks() => ForEach("masks", (item, tally) =>
    {
        string name = $"{item.Text("template")} {item.Text("conversation")} {item.GetProperty("options").GetRawText()}";
        ChatTemplate template = Template(item);
        RenderedText text = template.Render(Input(item));
        tally.Same(name + " spans", item.GetProperty("char_spans").EnumerateArray().SelectMany(s => s.Ints()), text.Generated.SelectMany(r => new[] { Points(text.Text, r.Start), Points(text.Text, r.End) }));
        int[] ids = _tokenizer.Encode(text.Text, allowSpecial: true);
        tally.Same(name + " ids", item.GetProperty("input_ids").Ints(), ids);
        (int[] safe, bool[] learn) = template.Example(Input(item));
        // Where messages spell control tokens, the reference makes them so and Craton does not, on purpose.
        if (ids.SequenceEqual(safe)) tally.Same(name + " mask", item.GetProperty("assistant_masks").Ints(), learn.Select(l => l ? 1 : 0));
        else tally.That(HasControl(item), () => $"{name}: other ids, though no message spells a control token");
    }, trustTokens: true);

    [Fact]
    public void Sanitized() => ForEach("sanitize", (item, tally) =>
    {
        string name = $"{item.Text("template")} {item.Text("conversation")}";
        ChatTemplate template = Template(item);
        bool isSafe = item.GetProperty("sanitize_control_tokens").GetBoolean();
        int[] ids = isSafe ? template.Encode(Input(item)) : _tokenizer.Encode(template.Render(Input(item)).Text, allowSpecial: true);
        tally.Same($"{name} {isSafe}", item.GetProperty("input_ids").Ints(), ids);
    });

    /// <summary>Without generation blocks: what the assistant says is learnt, in every turn, and nothing of what it is asked.</summary>
    [Fact]
    public void Answers()
    {
        var tally = new Tally(output);
        foreach (JsonProperty template in _index.EnumerateObject().Where(t => !t.Value.GetProperty("masks").GetBoolean()))
        {
            tally.Case();
            JsonElement item = JsonElement.Parse($$"""{"template":"{{template.Name}}","conversation":"multi-closed"}""");
            (int[] ids, bool[] learn) = Template(item).Example(Input(item));
            string learnt = _tokenizer.Decode([.. ids.Where((_, i) => learn[i])], skipSpecial: false), rest = _tokenizer.Decode([.. ids.Where((_, i) => !learn[i])], skipSpecial: false);
            tally.That(learnt.Contains("It is 4.", StringComparison.Ordinal) && learnt.Contains("That gives 12.", StringComparison.Ordinal) && rest.Contains("What is 2+2?", StringComparison.Ordinal)
                && rest.Contains("And times 3?", StringComparison.Ordinal), () => $"{template.Name} learns {learnt}\n  of {rest}");
            output.WriteLine($"{template.Name}: {learnt.ReplaceLineEndings("⏎")}");
        }
        tally.Finish("chat answers");
    }

    private void ForEach(string area, Action<JsonElement, Tally> check, bool trustTokens = false)
    {
        if (!_manifest.GetProperty("cases").EnumerateArray().Any(c => c.Text("id") == area))
        {
            output.WriteLine($"skipped: the manifest has no area {area}");
            return;
        }
        var tally = new Tally(output);
        _trustTokens = trustTokens;
        foreach (JsonElement item in Fixtures.Lines(Path.Combine(s_folder, area + ".jsonl")))
        {
            tally.Case();
            JsonElement variables = Variables(item);
            _tokenizer.BosToken = trustTokens && variables.TryGetProperty("bos_token", out JsonElement bos) ? bos.GetString() : null;
            _tokenizer.EosToken = trustTokens && variables.TryGetProperty("eos_token", out JsonElement eos) ? eos.GetString() : null;
            check(item, tally);
        }
        tally.Finish($"chat {area}");
    }

    private JsonElement Variables(JsonElement item) => _index.GetProperty(item.Text("template")).GetProperty("variables");

    private ChatTemplate Template(JsonElement item)
    {
        string name = item.Text("template");
        if (!_sources.TryGetValue(name, out string? source)) _sources[name] = source = File.ReadAllText(Path.Combine(s_folder, "templates", name + ".jinja"));
        return ChatTemplate.Parse(source, _tokenizer);
    }

    private ChatInput Input(JsonElement item)
    {
        JsonElement conversation = _conversations[item.Text("conversation")];
        var variables = new Dictionary<string, JsonElement>();
        // Of the tokenizer they are trusted; as mere variables, as in the reference, they are data.
        if (!_trustTokens)
            foreach (JsonProperty variable in Variables(item).EnumerateObject()) variables[variable.Name] = variable.Value;
        foreach (JsonProperty variable in conversation.GetProperty("kwargs").EnumerateObject()) variables[variable.Name] = variable.Value;
        return new ChatInput(conversation.GetProperty("messages"))
        {
            Tools = conversation.GetProperty("tools"),
            Documents = conversation.GetProperty("documents"),
            Variables = variables,
            AddGenerationPrompt = Option(item, "add_generation_prompt"),
            ContinueFinalMessage = Option(item, "continue_final_message"),
            Now = DateTime.Parse(_manifest.Text("now"), CultureInfo.InvariantCulture),
        };
    }

    private bool HasControl(JsonElement item) =>
        _tokenizer.AddedTokens.Any(t => _conversations[item.Text("conversation")].GetProperty("messages").GetRawText().Contains(t.Content, StringComparison.Ordinal));

    private static string Text(ChatTemplate template, ChatInput input)
    {
        try
        {
            return template.Render(input).Text;
        }
        catch (CratonException e)
        {
            return "error: " + e.Message;
        }
    }

    private static int Points(string text, int place) => text.AsSpan(0, place).ToString().EnumerateRunes().Count();

    private static bool Option(JsonElement item, string name) =>
        item.TryGetProperty("options", out JsonElement options) && options.TryGetProperty(name, out JsonElement value) && value.GetBoolean();
}
