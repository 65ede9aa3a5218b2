using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>Turns a conversation and options of Microsoft.Extensions.AI into a request.</summary>
internal static class ChatRequest
{
    /// <exception cref="CratonException">Something is asked for that cannot be given.</exception>
    public static GenerationRequest Make(InferenceEngine engine, ChatTemplate template, ChatInput input, ChatOptions? options)
    {
        Refuse(options?.ConversationId is not null, "a conversation kept by the model");
        Refuse(options?.ContinuationToken is not null, "a continuation");
        Refuse(options?.Reasoning is not null, "reasoning options");
        Refuse(options?.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson), "this response format");
        Refuse(input.HasTools && options?.ResponseFormat is ChatResponseFormatJson, "tools together with a response format");
        Refuse(input.HasTools && template.Render(input).Text == template.Render(new ChatInput(input.Messages) { AddGenerationPrompt = true }).Text, "tools, which the model's chat template does not mention,");
        int[] prompt = template.Encode(input);
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

    private static void Refuse(bool isSet, string what)
    {
        if (isSet) throw new CratonException($"chat options: {what} cannot be honoured by this model; leave it out");
    }
}
