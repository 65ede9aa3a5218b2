using System.Runtime.CompilerServices;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Models.Generation;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>
/// A model as an <see cref="IChatClient"/>. Answers follow a JSON schema where one is given. With tools an
/// answer comes as a whole, as text and calls. Settings that it cannot honour are refused, never ignored. What is not
/// among <see cref="ChatOptions"/> is set by a <see cref="ChatOptions.RawRepresentationFactory"/> that gives <see cref="SamplingOptions"/>, of which the
/// other options then change what they name.
/// </summary>
public sealed class CratonChatClient : IChatClient
{
    private readonly InferenceEngine _engine;
    private readonly string _name;
    private readonly PeftAdapter? _adapter;
    private readonly ChatTemplate _template;
    private readonly ResponseGrammars _grammars;

    /// <summary>Creates the client.</summary>
    /// <param name="engine">The engine; it stays the caller's.</param>
    /// <param name="name">The model's name in responses and errors.</param>
    /// <param name="adapter">What the answers are computed with (<see cref="GenerationRequest.Adapter"/>), or null: many clients may share an engine.</param>
    /// <exception cref="Tensors.CratonException">The model was not tuned to converse, or its chat template is not supported.</exception>
    public CratonChatClient(InferenceEngine engine, string name, PeftAdapter? adapter = null) =>
        (_engine, _name, _adapter, _template, _grammars) = (engine, name, adapter, engine.Model.Template ?? engine.Model.NeedTemplate(name), new ResponseGrammars(engine));

    /// <inheritdoc/>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatInput input = ChatConversation.Input(messages, options);
        GenerationRequest request = ChatRequest.Make(_engine, _template, input, options) with { Adapter = _adapter, Grammar = _grammars.Of(options?.ResponseFormat) };
        ToolAnswer? answer = input.HasTools ? new ToolAnswer(_engine.Model.Tokenizer) : null;
        string id = $"chatcmpl-{Guid.NewGuid():N}";
        DateTimeOffset created = DateTimeOffset.UtcNow;
        await foreach (GenerationUpdate update in _engine.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            answer?.Add(update);
            if (update.Finish is null && (answer is not null || update.Text.Length == 0)) continue;
            var next = new ChatResponseUpdate(ChatRole.Assistant, answer?.Contents() ?? [new TextContent(update.Text)])
            {
                ResponseId = id,
                MessageId = id,
                ModelId = _name,
                CreatedAt = created,
                RawRepresentation = update,
            };
            if (update.Finish is { } finish) Close(next, finish, update.Usage);
            yield return next;
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("craton", defaultModelId: _name)
        : serviceType == typeof(InferenceEngine) ? _engine
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    /// <summary>Nothing: the engine is its owner's.</summary>
    public void Dispose() { }

    private static void Close(ChatResponseUpdate last, FinishReason finish, GenerationUsage usage)
    {
        last.FinishReason = last.Contents.Any(c => c is FunctionCallContent) ? ChatFinishReason.ToolCalls
            : finish == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
        last.Contents.Add(new UsageContent(new UsageDetails
        {
            InputTokenCount = usage.PromptTokens,
            OutputTokenCount = usage.AnswerTokens,
            TotalTokenCount = usage.PromptTokens + usage.AnswerTokens,
            CachedInputTokenCount = usage.CachedTokens,
        }));
    }
}
