using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models;
using Craton.Tensors;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>Messages and tools of Microsoft.Extensions.AI as chat templates read them.</summary>
internal static class ChatConversation
{
    /// <summary>What a template is rendered with, up to where the assistant is to speak.</summary>
    /// <exception cref="CratonException">A message or a tool is of a kind that no template of text reads.</exception>
    public static ChatInput Input(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var list = new JsonArray();
        if (options?.Instructions is { Length: > 0 } instructions) list.Add((JsonNode)new JsonObject { ["role"] = "system", ["content"] = instructions });
        var names = new Dictionary<string, string>(); // of the tools that were called, by the calls' ids
        foreach (ChatMessage message in messages) Add(list, message, names);
        if (list.Count == 0) throw new CratonException("messages: expected at least one, got none");
        var input = new ChatInput(Element(list)) { AddGenerationPrompt = true };
        return Tools(options) is { Count: > 0 } tools ? input with { Tools = Element(tools) } : input;
    }

    private static void Add(JsonArray list, ChatMessage message, Dictionary<string, string> names)
    {
        string role = message.Role.Value;
        if (role.Length == 0 || !role.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            throw new CratonException($"chat role '{role}' is no role; expected one word such as system, user, assistant or tool");
        foreach (AIContent content in message.Contents)
        {
            if (content is not (TextContent or TextReasoningContent or UsageContent or FunctionCallContent or FunctionResultContent))
                throw new CratonException($"messages: {content.GetType().Name} cannot be read by this model, expected text; leave it out, or use a model that takes it");
        }
        FunctionResultContent[] results = [.. message.Contents.OfType<FunctionResultContent>()];
        foreach (FunctionResultContent result in results) list.Add((JsonNode)Result(result, names));
        if (results.Length > 0 && message.Text.Length == 0) return;
        var json = new JsonObject { ["role"] = role, ["content"] = message.Text };
        string reasoning = string.Concat(message.Contents.OfType<TextReasoningContent>().Select(r => r.Text));
        if (reasoning.Length > 0) json["reasoning_content"] = reasoning;
        FunctionCallContent[] calls = [.. message.Contents.OfType<FunctionCallContent>()];
        foreach (FunctionCallContent call in calls) names[call.CallId] = call.Name;
        if (calls.Length > 0) json["tool_calls"] = new JsonArray([.. calls.Select(Call)]);
        list.Add((JsonNode)json);
    }

    private static JsonObject Call(FunctionCallContent call) => new()
    {
        ["id"] = call.CallId,
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = call.Name,
            ["arguments"] = JsonSerializer.SerializeToNode(call.Arguments ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>))),
        },
    };

    private static JsonObject Result(FunctionResultContent result, Dictionary<string, string> names)
    {
        string text = result.Result as string ?? JsonSerializer.Serialize(result.Result, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object)));
        var json = new JsonObject { ["role"] = "tool", ["tool_call_id"] = result.CallId, ["content"] = text };
        if (names.TryGetValue(result.CallId, out string? name)) json["name"] = name;
        return json;
    }

    private static JsonArray Tools(ChatOptions? options)
    {
        if (options?.Tools is not { } tools || options.ToolMode is NoneChatToolMode) return [];
        if (options.ToolMode is RequiredChatToolMode) throw new CratonException("chat options: a call cannot be required of this model; let it choose, or take the tools away");
        return new JsonArray([.. tools.Select(Tool)]);
    }

    private static JsonObject Tool(AITool tool) => tool is AIFunctionDeclaration function
        ? new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = function.Name,
                ["description"] = function.Description,
                ["parameters"] = JsonNode.Parse(function.JsonSchema.GetRawText()),
            },
        }
        : throw new CratonException($"chat options: the tool {tool.Name} is a {tool.GetType().Name}, expected a function");

    private static JsonElement Element(JsonNode node) => JsonElement.Parse(node.ToJsonString());
}
