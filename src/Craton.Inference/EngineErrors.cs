using Craton.Tensors;

namespace Craton.Inference;

/// <summary>Prompt and answer are longer than the model's context, or than all pages of the engine.</summary>
public sealed class ContextOverflowException : CratonException
{
    internal ContextOverflowException(string limit, int promptTokens, int maxTokens, int context)
        : base($"the prompt's {promptTokens} tokens and {maxTokens} new ones are more than {limit} of {context}; shorten the prompt or ask for {(promptTokens < context ? $"at most {context - promptTokens}" : "no")} new tokens") =>
        (PromptTokens, MaxTokens, Context) = (promptTokens, maxTokens, context);

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <summary>Tokens that the answer may have.</summary>
    public int MaxTokens { get; }

    /// <summary>Most tokens of both together.</summary>
    public int Context { get; }
}

/// <summary>Too many requests wait.</summary>
public sealed class QueueFullException : CratonException
{
    internal QueueFullException(int waiting)
        : base($"the engine's queue is full: {waiting} requests wait already; try again later, or make EngineOptions.MaxQueue larger") { }
}
