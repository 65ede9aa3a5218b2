namespace Craton.Cli.Tests;

/// <summary>What a user's mistake must give: exit code 2 and one sentence, nothing on standard output, no stack.</summary>
internal static class Bad
{
    public static void Expect(ToolResult result, params string[] parts)
    {
        Assert.True(result.ExitCode == 2, $"exit code {result.ExitCode}: {result.Error}");
        string[] lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string sentence = Assert.Single(lines, line => line.StartsWith("craton: ", StringComparison.Ordinal));
        Assert.All(parts, part => Assert.Contains(part, result.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.True(sentence.Length > 20, sentence);
    }
}
