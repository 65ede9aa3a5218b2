using System.Text.RegularExpressions;

namespace Craton.Cli.Tests.Docs;

/// <summary>What the documents quote is code of this tree, and what they point at exists.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] s_codeFolders = ["src", "samples", "tests"];

    // Every code line without its indentation, file by file: a quotation is a run of such lines.
    private static readonly Lazy<string[]> s_code = new(() =>
    [
        .. s_codeFolders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => Path.GetFileName(Path.GetDirectoryName(file)) != "Docs")
            .Select(file => Flat(File.ReadAllText(file))),
    ]);

    public static TheoryData<string> Documents() => new(Repository.Documents());

    [Theory]
    [MemberData(nameof(Documents))]
    public void Code_is_quoted_from_the_tree(string document)
    {
        foreach (Match block in CSharpBlock().Matches(Read(document)))
        {
            string code = Flat(block.Groups[1].Value);
            Assert.True(code.Trim().Length > 0, $"{document}: an empty csharp block");
            Assert.True(s_code.Value.Any(file => file.Contains(code, StringComparison.Ordinal)),
                $"{document}: this block stands in no file of {string.Join(", ", s_codeFolders)}:\n{block.Groups[1].Value}");
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_and_paths_exist(string document)
    {
        string text = Block().Replace(Read(document), "");
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        foreach (Match link in Link().Matches(text))
        {
            string target = link.Groups[1].Value;
            if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith('#')) continue;
            Assert.True(Exists(Path.Combine(folder, target.Split('#')[0])), $"{document}: the link {target} leads nowhere");
        }
        foreach (Match path in TreePath().Matches(text))
            Assert.True(Exists(Path.Combine(Repository.Root, path.Groups[1].Value)), $"{document}: there is no {path.Groups[1].Value}");
    }

    [Fact]
    public void The_documents_quote_code_and_point_at_files()
    {
        string all = string.Concat(Repository.Documents().Select(Read));
        Assert.True(CSharpBlock().Count(all) >= 10, "fewer csharp blocks than the documents have: the pattern no longer finds them");
        Assert.True(Link().Count(all) >= 20, "fewer links than the documents have: the pattern no longer finds them");
    }

    private static string Read(string document) => File.ReadAllText(Path.Combine(Repository.Root, document)).ReplaceLineEndings("\n");

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    private static string Flat(string code) =>
        "\n" + string.Join('\n', code.ReplaceLineEndings("\n").Trim('\n').Split('\n').Select(line => line.Trim())) + "\n";

    [GeneratedRegex(@"^ *```csharp\n(.*?)^ *```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`((?:src|tests|samples|docs|recipes|eng|\.ci)/[^`*\s…]*)`")]
    private static partial Regex TreePath();
}
