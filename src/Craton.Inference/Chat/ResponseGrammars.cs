using Craton.Inference.Constraints;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>The grammars of response formats, kept for the next request of the same format.</summary>
internal sealed class ResponseGrammars(InferenceEngine engine)
{
    private const int Most = 64;

    private readonly Dictionary<string, TokenGrammar> _kept = [];

    /// <summary>The grammar of a format; null for plain text.</summary>
    /// <exception cref="GrammarException">Its schema cannot be honoured.</exception>
    public TokenGrammar? Of(ChatResponseFormat? format)
    {
        if (format is not ChatResponseFormatJson json) return null;
        string schema = json.Schema?.GetRawText() ?? "";
        lock (_kept)
            if (_kept.TryGetValue(schema, out TokenGrammar? known)) return known;
        TokenGrammar grammar = (schema.Length > 0 ? Grammar.FromJsonSchema(schema) : Grammar.JsonObject).Bind(engine.Vocabulary);
        lock (_kept)
        {
            if (_kept.Count >= Most) _kept.Clear();
            _kept[schema] = grammar;
        }
        return grammar;
    }
}
