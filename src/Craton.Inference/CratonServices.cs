using Craton.Models;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Craton.Inference;

/// <summary>Craton in a container of services.</summary>
public static class CratonServices
{
    /// <summary>Adds a model as an <see cref="IChatClient"/>, with its <see cref="InferenceEngine"/> and <see cref="TextModel"/>. It is read when one of
    /// them is first asked for, and serves all callers.</summary>
    /// <param name="services">The services.</param>
    /// <param name="model">A model directory, or a GGUF file.</param>
    /// <param name="options">How much the engine does at once; defaults when null.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddCraton(this IServiceCollection services, string model, EngineOptions? options = null)
    {
        services.AddSingleton(_ => TextModel.LoadForInference(model));
        services.AddSingleton(provider => new InferenceEngine(provider.GetRequiredService<TextModel>(), options));
        services.AddSingleton<IChatClient>(provider => new CratonChatClient(provider.GetRequiredService<InferenceEngine>(), model));
        return services;
    }
}
