using System.Text.Json;

namespace Craton.Data;

/// <summary>A row as users of this field write it; text or turns.</summary>
/// <param name="Text">The text for language modelling.</param>
/// <param name="Turns">The turns, where the row is a supervised example.</param>
internal readonly record struct DataRow(string Text, IReadOnlyList<ChatTurn>? Turns);

/// <summary>Understands the row shapes of TRL, MLX, Alpaca and Dolly files.</summary>
internal static class JsonRows
{
    private static readonly string[] s_prompts = ["prompt", "instruction", "question"];
    private static readonly string[] s_answers = ["completion", "response", "output", "answer"];

    /// <summary>Parses one line.</summary>
    /// <returns>Null and the reason when it is no usable row.</returns>
    public static DataRow? Parse(ReadOnlyMemory<byte> utf8, TextFileOptions options, out string problem)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(utf8, DocumentOptions(options));
            return Row(json.RootElement, options.TextColumn, out problem);
        }
        catch (JsonException e)
        {
            problem = $"no valid JSON ({Short(e)})";
            return null;
        }
    }

    /// <summary>Duplicate keys are refused: which of the two counts differs between readers.</summary>
    public static JsonDocumentOptions DocumentOptions(TextFileOptions options) => new() { MaxDepth = options.MaxDepth, AllowDuplicateProperties = false };

    public static string Short(JsonException e) => e.Message.Split(". ")[0].Split(" LineNumber")[0].TrimEnd('.');

    /// <summary>Reads a parsed row: the named field, else <c>messages</c>, a prompt with its answer, <c>text</c> or <c>content</c>.</summary>
    public static DataRow? Row(JsonElement row, string? field, out string problem)
    {
        problem = "";
        if (row.ValueKind != JsonValueKind.Object)
        {
            problem = $"expected a JSON object, got {row.ValueKind.ToString().ToLowerInvariant()}";
            return null;
        }

        try
        {
            if (field is not null) return StringOf(row, field) is { } named ? new DataRow(named, null) : Missing($"the field '{field}' is absent or no string", out problem);
            if (row.TryGetProperty("messages", out JsonElement messages)) return Messages(messages, out problem);
            string? prompt = First(row, s_prompts), answer = First(row, s_answers);
            if (prompt is not null && answer is not null)
            {
                if (StringOf(row, "input") is { Length: > 0 } input) prompt = $"{prompt}\n\n{input}";
                return Turns([new ChatTurn("user", prompt), new ChatTurn("assistant", answer)]);
            }

            return (StringOf(row, "text") ?? StringOf(row, "content")) is { } text
                ? new DataRow(text, null)
                : Missing("expected a field 'text', 'messages', or 'prompt' with 'completion'; rename the field that holds the text, or set TextColumn", out problem);
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate written as \uD800 parses, but is no text.
            return Missing("a string holds an unpaired surrogate", out problem);
        }
    }

    private static DataRow? Messages(JsonElement messages, out string problem)
    {
        problem = "";
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0) return Missing("'messages' is no array of turns", out problem);
        var turns = new List<ChatTurn>();
        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object || StringOf(message, "role") is not { } role || StringOf(message, "content") is not { } content)
                return Missing($"turn {turns.Count + 1} of 'messages' lacks a string 'role' or 'content'", out problem);
            if (role is not ("system" or "developer" or "user" or "assistant" or "tool"))
                return Missing($"turn {turns.Count + 1} of 'messages' has the unknown role '{role}' (system, developer, user, assistant or tool expected)", out problem);
            turns.Add(new ChatTurn(role, content));
        }

        return Turns(turns);
    }

    private static DataRow Turns(List<ChatTurn> turns) => new(string.Join("\n\n", turns.Select(t => t.Content)), turns);

    private static string? First(JsonElement row, string[] names) => names.Select(n => StringOf(row, n)).FirstOrDefault(v => v is not null);

    private static string? StringOf(JsonElement row, string name) =>
        row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static DataRow? Missing(string why, out string problem)
    {
        problem = why;
        return null;
    }
}
