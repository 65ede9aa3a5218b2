using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>Messages as chat templates expect them; the same preparation as in the <c>transformers</c> library.</summary>
internal static class ChatMessages
{
    /// <summary>Marks the place where a message is to be continued; the blank shows whether the template trims its text.</summary>
    public const string Tag = "CONTINUE_FINAL_MESSAGE_TAG ";

    private static readonly string[] s_reasoning = ["reasoning_content", "thinking", "reasoning"];

    /// <summary>The messages without null fields and with the reasoning under its usual names.</summary>
    /// <exception cref="CratonException">They are no list of objects.</exception>
    public static JsonArray Prepare(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array)
            throw new CratonException("messages: expected a list of messages");
        var prepared = new JsonArray();
        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object) throw new CratonException("messages: expected objects with a role and a content");
            prepared.Add((JsonNode)Prepare(JsonObject.Create(message)!));
        }
        return prepared;
    }

    /// <summary>Puts the tag behind the text of the last message.</summary>
    /// <returns>That text.</returns>
    /// <exception cref="CratonException">It has none.</exception>
    public static string MarkEnd(JsonArray messages)
    {
        JsonNode? content = messages.Count > 0 ? messages[^1]!["content"] : null;
        (JsonObject? holder, string field) = content is JsonArray parts
            ? (parts.OfType<JsonObject>().LastOrDefault(p => p.ContainsKey("text")), "text")
            : (messages.Count > 0 ? (JsonObject)messages[^1]! : null, "content");
        if (holder?[field] is not JsonValue value || value.GetValueKind() != JsonValueKind.String)
            throw new CratonException("the final message cannot be continued: it has no text");
        string text = value.GetValue<string>();
        holder[field] = text + Tag;
        return text;
    }

    private static JsonObject Prepare(JsonObject message)
    {
        var prepared = new JsonObject();
        JsonNode? reasoning = Array.Find(s_reasoning, name => message[name] is not null) is { } found ? message[found] : null;
        if (reasoning is not null && message["thinking"] is null) prepared["thinking"] = reasoning.DeepClone();
        foreach ((string name, JsonNode? value) in message)
            if (value is not null) prepared[name] = value.DeepClone();
        if (reasoning is not null) prepared["reasoning_content"] = reasoning.DeepClone();
        return prepared;
    }
}
