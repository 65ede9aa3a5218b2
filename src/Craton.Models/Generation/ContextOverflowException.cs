using Craton.Tensors;

namespace Craton.Models.Generation;

/// <summary>Prompt and answer together are longer than the model, or who runs it, can take.</summary>
public sealed class ContextOverflowException : CratonException
{
    /// <summary>Creates the exception with its sentence.</summary>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="maxTokens">Tokens that the answer may have.</param>
    /// <param name="context">Most tokens of both together.</param>
    /// <param name="whose">What sets the limit.</param>
    public ContextOverflowException(int promptTokens, int maxTokens, int context, string whose = "the model's context")
        : base(promptTokens > context
            ? $"the prompt has {promptTokens} tokens, {whose} {context}; shorten the prompt"
            : $"the prompt's {promptTokens} tokens and {maxTokens} new ones are more than {whose} of {context}; shorten the prompt or ask for at most {context - promptTokens} tokens") =>
        (PromptTokens, MaxTokens, Context) = (promptTokens, maxTokens, context);

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <summary>Tokens that the answer may have.</summary>
    public int MaxTokens { get; }

    /// <summary>Most tokens of both together.</summary>
    public int Context { get; }
}
