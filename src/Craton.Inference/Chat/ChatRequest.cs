using Craton.Data;
using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>Turns messages and options of Microsoft.Extensions.AI into a request.</summary>
internal static class ChatRequest
{
    /// <exception cref="CratonException">Something is asked for that cannot be given.</exception>
    public static GenerationRequest Make(InferenceEngine engine, ChatTemplate template, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        Refuse(options);
        List<ChatTurn> turns = options?.Instructions is { Length: > 0 } instructions ? [new ChatTurn("system", instructions)] : [];
        foreach (ChatMessage message in messages) turns.Add(new ChatTurn(message.Role.Value, TextOf(message)));
        if (turns.Count == 0) throw new CratonException("messages: expected at least one, got none");
        int[] prompt = template.Prompt(turns);
        return new GenerationRequest(prompt) { Sampling = Sampling(engine, prompt.Length, options) };
    }

    private static SamplingOptions Sampling(InferenceEngine engine, int promptLength, ChatOptions? options)
    {
        SamplingOptions start = options?.RawRepresentationFactory?.Invoke(null!) as SamplingOptions ?? engine.Model.Defaults;
        if (options is null) return Fit(start);
        SamplingOptions sampling = start with
        {
            Temperature = options.Temperature ?? start.Temperature,
            TopP = options.TopP ?? start.TopP,
            TopK = options.TopK ?? start.TopK,
            FrequencyPenalty = options.FrequencyPenalty ?? start.FrequencyPenalty,
            PresencePenalty = options.PresencePenalty ?? start.PresencePenalty,
            Seed = options.Seed is { } seed ? unchecked((ulong)seed) : start.Seed,
            Stop = options.StopSequences is { } stops ? [.. stops] : start.Stop,
        };
        return options.MaxOutputTokens is { } most ? sampling with { MaxTokens = most } : Fit(sampling);

        // Who does not say how long the answer may be gets as much as there is room for.
        SamplingOptions Fit(SamplingOptions sampling) => sampling with { MaxTokens = Math.Max(1, Math.Min(sampling.MaxTokens, engine.Context - promptLength)) };
    }

    private static string TextOf(ChatMessage message)
    {
        foreach (AIContent content in message.Contents)
        {
            if (content is not (TextContent or TextReasoningContent or UsageContent))
                throw new CratonException($"messages: {content.GetType().Name} cannot be read by this model, expected text; leave it out, or use a model that takes it");
        }
        return message.Text;
    }

    private static void Refuse(ChatOptions? options)
    {
        if (options is null) return;
        Refuse(options.Tools is { Count: > 0 }, "tools", "call them in your own code");
        Refuse(options.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson), "this response format", "ask for text or JSON");
        Refuse(options.ConversationId is not null, "a conversation kept by the model", "send all messages");
        Refuse(options.ContinuationToken is not null, "a continuation", "send all messages");
        Refuse(options.Reasoning is not null, "reasoning options", "leave them out");

        static void Refuse(bool isSet, string what, string instead)
        {
            if (isSet) throw new CratonException($"chat options: {what} cannot be honoured; {instead}");
        }
    }
}
