using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>What a chat template is rendered with.</summary>
/// <param name="Messages">A list of messages, each a JSON object with a <c>role</c> and mostly a <c>content</c> (a text or a list of parts).</param>
public sealed record ChatInput(JsonElement Messages)
{
    private static readonly JsonElement s_null = JsonElement.Parse("null");

    /// <summary>The tools that the model may call, as JSON schemas; null for none.</summary>
    public JsonElement Tools { get; init; } = s_null;

    /// <summary>The documents that the model may cite; null for none.</summary>
    public JsonElement Documents { get; init; } = s_null;

    /// <summary>Further variables of the template, such as <c>enable_thinking</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Whether the text ends where the assistant is to speak.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Whether the last message is left open, for the model to go on with it.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>What <c>strftime_now</c> shows; null: the present.</summary>
    public DateTime? Now { get; init; }

    /// <summary>Whether there are tools.</summary>
    public bool HasTools => Tools.ValueKind == JsonValueKind.Array && Tools.GetArrayLength() > 0;

    /// <summary>The turns of a conversation as messages.</summary>
    /// <exception cref="CratonException">A role is no single word.</exception>
    public static ChatInput Of(IEnumerable<ChatTurn> turns)
    {
        var messages = new JsonArray();
        foreach (ChatTurn turn in turns)
        {
            if (turn.Role.Length == 0 || !turn.Role.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
                throw new CratonException($"chat role '{turn.Role}' is no role; expected one word such as system, user, assistant or tool");
            messages.Add((JsonNode)new JsonObject { ["role"] = turn.Role, ["content"] = turn.Content });
        }
        return new ChatInput(JsonElement.Parse(messages.ToJsonString()));
    }

    /// <summary>The same with the first messages alone.</summary>
    internal ChatInput First(int count, bool addGenerationPrompt) => this with
    {
        Messages = JsonElement.Parse($"[{string.Join(',', Messages.EnumerateArray().Take(count).Select(m => m.GetRawText()))}]"),
        AddGenerationPrompt = addGenerationPrompt,
    };
}
