using System.Text.Json;

namespace Craton.Tensors.Tests.Golden;

/// <summary>Where golden cases lie: below the folder that CRATON_FIXTURES names, else below the small copy in tests/fixtures.</summary>
internal static class FixtureFolder
{
    /// <summary>The folder of one area, such as <c>ops</c>.</summary>
    public static string Of(string area) => Path.Combine(Root(), area);

    /// <summary>The cases that an area's manifest lists: their name and their files.</summary>
    public static IEnumerable<(string Id, string[] Files)> Cases(string area)
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Of(area), "manifest.json")));
        foreach (JsonElement entry in manifest.RootElement.GetProperty("cases").EnumerateArray())
            yield return (entry.GetProperty("id").GetString()!, [.. entry.GetProperty("files").EnumerateArray().Select(file => file.GetString()!)]);
    }

    private static string Root()
    {
        if (Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root) return root;
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx"))) folder = Path.GetDirectoryName(folder);
        return Path.Combine(folder ?? throw new DirectoryNotFoundException("the checkout's root, known by Craton.slnx"), "tests", "fixtures");
    }
}
