using Craton.Models;
using Craton.Models.Encoders;
using Craton.Models.Hub;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Craton.Inference;

/// <summary>Craton in a container of services.</summary>
public static class CratonServices
{
    /// <summary>Adds a model as an <see cref="IChatClient"/>, with its <see cref="InferenceEngine"/> and <see cref="TextModel"/>. It is read when one of
    /// them is first asked for, and serves all callers.</summary>
    /// <param name="services">The services.</param>
    /// <param name="model">A model directory, a GGUF file, or the name of a model that was pulled.</param>
    /// <param name="options">How much the engine does at once; defaults when null.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddCraton(this IServiceCollection services, string model, EngineOptions? options = null)
    {
        services.AddSingleton(_ => TextModel.LoadForInference(ModelHub.Resolve(model)));
        services.AddSingleton(provider => new InferenceEngine(provider.GetRequiredService<TextModel>(), options));
        services.AddSingleton<IChatClient>(provider => new CratonChatClient(provider.GetRequiredService<InferenceEngine>(), model));
        return services;
    }

    /// <summary>Adds a sentence encoder as an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>, with its <see cref="SentenceEncoder"/>. It is read
    /// when one of them is first asked for, and serves all callers.</summary>
    /// <param name="services">The services.</param>
    /// <param name="model">The model's directory, or the name of a model that was pulled.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddCratonEmbeddings(this IServiceCollection services, string model)
    {
        services.AddSingleton(_ =>
        {
            SentenceEncoder encoder = SentenceEncoder.Load(ModelHub.Resolve(model));
            encoder.PackWeights();
            return encoder;
        });
        services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider => new CratonEmbeddingGenerator(provider.GetRequiredService<SentenceEncoder>(), model));
        return services;
    }
}
