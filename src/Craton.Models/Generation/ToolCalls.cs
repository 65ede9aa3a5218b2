using System.Text;
using System.Text.Json;

namespace Craton.Models.Generation;

/// <summary>A call of a tool that a model has written.</summary>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">A JSON object.</param>
/// <param name="Id">The model's name for the call, where its format has one.</param>
public sealed record ToolCall(string Name, JsonElement Arguments, string? Id = null);

/// <summary>
/// Finds tool calls in an answer, in the forms that published chat templates teach: <c>&lt;tool_call&gt;</c> (Hermes, Qwen), bare JSON or behind
/// <c>&lt;|python_tag|&gt;</c> (Llama 3), <c>[TOOL_CALLS]</c> (Mistral), <c>Action: ```json</c> (Cohere), DeepSeek's and Harmony's control tokens. The
/// answer is to be decoded with its control tokens. What is no well-formed call stays text; nothing here fails.
/// </summary>
public static class ToolCalls
{
    private static readonly string[] s_openings = ["<tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "Action: ```json", DeepSeekOpening, HarmonyOpening];
    private static readonly string[] s_closings = ["</tool_call>", "```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>", "<|call|>", "<|end|>"];
    private static readonly string[] s_frames = ["<｜tool▁calls▁begin｜>", "<|channel|>commentary", "<|start|>assistant"];
    private static readonly string[] s_names = ["name", "tool_name"];
    private static readonly string[] s_arguments = ["arguments", "parameters"];

    private const string DeepSeekOpening = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>", HarmonyOpening = " to=functions.", Arguments = "[ARGS]", HarmonyMessage = "<|message|>";

    /// <summary>Splits an answer into its text and its calls.</summary>
    /// <param name="answer">What the model wrote.</param>
    /// <returns>The text without the calls, trimmed where there are any, and the calls in order.</returns>
    public static (string Text, IReadOnlyList<ToolCall> Calls) Parse(string answer)
    {
        var calls = new List<ToolCall>();
        if (IsJson(answer) && ReadCalls(answer, Skip(answer, 0), calls) is { } all && Skip(answer, all) == answer.Length) return ("", calls);
        calls.Clear();
        var text = new StringBuilder();
        int done = 0;
        while (NextOpening(answer, done) is (int at, string opening))
        {
            int body = at + opening.Length, count = calls.Count;
            int end = (opening is DeepSeekOpening or HarmonyOpening ? ReadNamed(answer, body, calls) : null)
                ?? ReadCalls(answer, Skip(answer, body), calls)
                ?? (opening == "[TOOL_CALLS]" ? ReadNamed(answer, body, calls) : null)
                ?? body;
            text.Append(answer, done, (calls.Count > count ? at : end) - done);
            done = calls.Count > count ? AfterClosings(answer, end) : end;
        }
        text.Append(answer, done, answer.Length - done);
        return calls.Count == 0 ? (answer, calls) : (WithoutFrames(text.ToString()), calls);
    }

    private static bool IsJson(string answer) => Skip(answer, 0) is var at && at < answer.Length && answer[at] is '{' or '[';

    private static (int At, string Opening)? NextOpening(string answer, int from)
    {
        (int At, string Opening)? first = null;
        foreach (string opening in s_openings)
            if (answer.IndexOf(opening, from, StringComparison.Ordinal) is >= 0 and int at && (first is null || at < first.Value.At)) first = (at, opening);
        return first;
    }

    // One call, a list of calls, or several with semicolons between them; gives the end of the last.
    private static int? ReadCalls(string answer, int at, List<ToolCall> calls)
    {
        int? end = null;
        while (ReadJson(answer, at) is (JsonElement value, int next))
        {
            JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
            ToolCall?[] read = [.. items.Select(Call)];
            if (read.Length == 0 || read.Contains(null)) break;
            calls.AddRange(read!);
            end = next;
            int separator = Skip(answer, next);
            if (separator >= answer.Length || answer[separator] != ';') break;
            at = Skip(answer, separator + 1);
        }
        return end;
    }

    // The name, then a JSON object behind some marks: name ⏎ ```json ⏎ {…}, name<|channel|>commentary<|message|>{…}, name[ARGS]{…}.
    private static int? ReadNamed(string answer, int at, List<ToolCall> calls)
    {
        int start = Skip(answer, at), end = start;
        while (end < answer.Length && (char.IsAsciiLetterOrDigit(answer[end]) || answer[end] is '_' or '-' or '.')) end++;
        int brace = answer.IndexOf('{', end);
        if (end == start || brace < 0 || ReadJson(answer, brace) is not (JsonElement { ValueKind: JsonValueKind.Object } arguments, int next)) return null;
        string between = answer[end..brace].Trim();
        if (between is not (Arguments or "```json" or "") && !between.EndsWith(HarmonyMessage, StringComparison.Ordinal)) return null;
        calls.Add(new ToolCall(answer[start..end], arguments));
        return next;
    }

    private static ToolCall? Call(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) return null;
        if (value.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object) value = function;
        if (Find(value, s_names) is not { ValueKind: JsonValueKind.String } name || Find(value, s_arguments) is not { } arguments) return null;
        if (arguments.ValueKind == JsonValueKind.String)
            arguments = ReadJson(arguments.GetString()!, 0) is (JsonElement inner, _) ? inner : arguments;
        string? id = value.TryGetProperty("id", out JsonElement given) && given.ValueKind == JsonValueKind.String ? given.GetString() : null;
        return arguments.ValueKind == JsonValueKind.Object ? new ToolCall(name.GetString()!, arguments, id) : null;
    }

    private static JsonElement? Find(JsonElement value, string[] names)
    {
        foreach (string name in names)
            if (value.TryGetProperty(name, out JsonElement found)) return found;
        return null;
    }

    // The JSON value that begins at a place, and where it ends in the text.
    private static (JsonElement Value, int End)? ReadJson(string text, int at)
    {
        if (at >= text.Length || text[at] is not ('{' or '[')) return null;
        byte[] utf8 = Encoding.UTF8.GetBytes(text[at..]);
        var reader = new Utf8JsonReader(utf8);
        try
        {
            var value = JsonElement.ParseValue(ref reader);
            CheckStrings(value);
            return (value, at + Encoding.UTF8.GetCharCount(utf8, 0, (int)reader.BytesConsumed));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // A string may be written as half a surrogate pair, which is no text.
    private static void CheckStrings(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String) _ = value.GetString();
        if (value.ValueKind == JsonValueKind.Array)
            foreach (JsonElement item in value.EnumerateArray()) CheckStrings(item);
        if (value.ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty property in value.EnumerateObject())
        {
            _ = property.Name;
            CheckStrings(property.Value);
        }
    }

    private static int Skip(string text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        return at;
    }

    private static int AfterClosings(string answer, int end)
    {
        while (Array.Find(s_closings, c => string.CompareOrdinal(answer, Skip(answer, end), c, 0, c.Length) == 0) is { } closing)
            end = Skip(answer, end) + closing.Length;
        return end;
    }

    private static string WithoutFrames(string text) => s_frames.Aggregate(text, (t, frame) => t.Replace(frame, "", StringComparison.Ordinal)).Trim();
}
