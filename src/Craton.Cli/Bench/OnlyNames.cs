using Craton.Tensors;

namespace Craton.Cli.Bench;

/// <summary>The names that <c>--only</c> takes.</summary>
internal static class OnlyNames
{
    /// <exception cref="CratonException">One of the names asked for is none of those there are.</exception>
    public static void Expect(string[] only, string[] names)
    {
        foreach (string name in only)
            if (!names.Contains(name)) throw new CratonException($"--only: '{name}' is unknown; expected {string.Join(", ", names)}");
    }
}
