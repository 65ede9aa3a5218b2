using System.Text.RegularExpressions;
using Craton.Tensors;

namespace Craton.Models.Hub;

/// <summary>What a model of the Hub is called: <c>owner/name</c>, or <c>owner/name:file</c> for one of several GGUF files.</summary>
/// <param name="Owner">The account.</param>
/// <param name="Name">The repository.</param>
/// <param name="File">The file, or a part of its name such as <c>Q4_K_M</c>; null for the model that the repository holds.</param>
public sealed partial record HubName(string Owner, string Name, string? File)
{
    /// <summary><c>owner/name</c>.</summary>
    public string Repository => $"{Owner}/{Name}";

    /// <summary>Reads a name; null for what is none.</summary>
    public static HubName? TryParse(string text)
    {
        Match match = Pattern().Match(text);
        if (!match.Success || text.Contains("..", StringComparison.Ordinal)) return null;
        return new HubName(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Success ? match.Groups[3].Value : null);
    }

    /// <summary>Reads a name.</summary>
    /// <exception cref="CratonException">It is none.</exception>
    public static HubName Parse(string text) =>
        TryParse(text) ?? throw new CratonException($"'{text}' is no name of a model on the Hub; expected owner/name or owner/name:file");

    /// <summary>The name.</summary>
    public override string ToString() => File is null ? Repository : $"{Repository}:{File}";

    [GeneratedRegex(@"^([A-Za-z0-9][A-Za-z0-9._-]{0,95})/([A-Za-z0-9][A-Za-z0-9._-]{0,95})(?::([A-Za-z0-9][A-Za-z0-9._/ -]{0,199}))?$", RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}
