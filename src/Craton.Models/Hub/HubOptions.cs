using Craton.Data;

namespace Craton.Models.Hub;

/// <summary>Where models are pulled from and kept.</summary>
public sealed record HubOptions
{
    /// <summary>The Hub, or a mirror of it: the environment variable <c>HF_ENDPOINT</c>, else <c>https://huggingface.co</c>.</summary>
    public string Endpoint { get; init; } = (Variable("HF_ENDPOINT") ?? "https://huggingface.co").TrimEnd('/');

    /// <summary>The access token for models that need one: the environment variable <c>HF_TOKEN</c>. It is sent to <see cref="Endpoint"/> alone.</summary>
    public string? Token { get; init; } = Variable("HF_TOKEN");

    /// <summary>Never use the network: the environment variable <c>HF_HUB_OFFLINE</c> is 1.</summary>
    public bool Offline { get; init; } = Variable("HF_HUB_OFFLINE") is "1" or "true" or "TRUE" or "yes" or "on";

    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; init; } = "main";

    /// <summary>The folder that pulled models lie in, as <c>owner/name</c>: <c>models</c> in <c>CRATON_CACHE</c>, else in <c>~/.cache/craton</c>.</summary>
    public string Folder { get; init; } = Path.Combine(CacheFolder.Root, "models");

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

/// <summary>How far a pull is.</summary>
/// <param name="File">The file under way.</param>
/// <param name="Bytes">Bytes of all files that are here.</param>
/// <param name="Total">Bytes of all files.</param>
public sealed record HubProgress(string File, long Bytes, long Total);
