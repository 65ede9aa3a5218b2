using Craton.Models.Encoders;
using Craton.Tensors;
using Microsoft.Extensions.AI;

namespace Craton.Inference;

/// <summary>
/// A sentence encoder as an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>. A text gets the same bits alone and among others. What cannot
/// be honoured is refused, never ignored.
/// </summary>
public sealed class CratonEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly SentenceEncoder _encoder;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <summary>Creates the generator.</summary>
    /// <param name="encoder">The encoder; its weights must not change while the generator lives.</param>
    /// <param name="name">The model's name in results.</param>
    public CratonEmbeddingGenerator(SentenceEncoder encoder, string name) =>
        (_encoder, _metadata) = (encoder, new EmbeddingGeneratorMetadata("craton", defaultModelId: name, defaultModelDimensions: encoder.Width));

    /// <inheritdoc/>
    /// <remarks>The work is done on a thread of the pool. Texts longer than <see cref="SentenceEncoder.MaxTokens"/> are cut, as the model was trained.</remarks>
    /// <exception cref="CratonException">Another number of dimensions is asked for than the model has.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.Dimensions is { } wanted && wanted != _encoder.Width)
            throw new CratonException($"embedding options: dimensions is {wanted}, but the model gives {_encoder.Width}; leave it out");
        int[][] texts = [.. values.Select(_encoder.Tokenize)];
        return Task.Run(() => Generate(texts), cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
        : serviceType == typeof(SentenceEncoder) ? _encoder
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    /// <summary>Nothing: the encoder is its owner's.</summary>
    public void Dispose() { }

    private GeneratedEmbeddings<Embedding<float>> Generate(int[][] texts)
    {
        DateTimeOffset created = DateTimeOffset.UtcNow;
        float[][] vectors = _encoder.Encode(texts);
        int tokens = texts.Sum(text => text.Length);
        return new(vectors.Select(vector => new Embedding<float>(vector) { CreatedAt = created, ModelId = _metadata.DefaultModelId }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }
}
