namespace Craton.Data;

/// <summary>Where this machine keeps what was fetched or laid out, and can be fetched or laid out again.</summary>
public static class CacheFolder
{
    /// <summary>The environment variable <c>CRATON_CACHE</c>, else <c>~/.cache/craton</c>.</summary>
    public static string Root => Environment.GetEnvironmentVariable("CRATON_CACHE") is { Length: > 0 } cache
        ? cache
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "craton");
}
