using System.Text;
using Craton.Models.Generation;
using Craton.Tokenizers;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>An answer that may call tools: it is read when it is whole, with the control tokens that some models mark calls with.</summary>
internal sealed class ToolAnswer(Tokenizer tokenizer)
{
    private readonly List<int> _tokens = [];
    private readonly StringBuilder _text = new();

    public void Add(GenerationUpdate update)
    {
        _tokens.AddRange(update.Tokens);
        _text.Append(update.Text);
    }

    /// <summary>The text and the calls.</summary>
    public IList<AIContent> Contents()
    {
        (string text, IReadOnlyList<ToolCall> calls) = ToolCalls.Parse(tokenizer.Decode([.. _tokens.Where(id => id < tokenizer.VocabularySize)], skipSpecial: false));
        if (calls.Count == 0) return [new TextContent(_text.ToString())];
        List<AIContent> contents = text.Length > 0 ? [new TextContent(text)] : [];
        foreach (ToolCall call in calls)
        {
            Dictionary<string, object?> arguments = call.Arguments.EnumerateObject().ToDictionary(a => a.Name, a => (object?)a.Value);
            contents.Add(new FunctionCallContent(call.Id ?? $"call_{Guid.NewGuid():N}", call.Name, arguments));
        }
        return contents;
    }
}
