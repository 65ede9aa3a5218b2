using System.Xml.Linq;

namespace Craton.Cli.Tests;

/// <summary>The layers: a project refers only to projects below it.</summary>
public sealed class StructureTests
{
    private static readonly string[] Order =
        ["Tensors", "Nn", "Tokenizers", "Data", "Models", "Training", "Inference", "Retrieval", "Evaluation", "Operations", "Server", "Cli"];

    private static readonly string Source = FindSource();

    public static TheoryData<string> Projects => [.. Directory.GetFiles(Source, "*.csproj", SearchOption.AllDirectories).Select(p => Path.GetFileNameWithoutExtension(p)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void References_GoStrictlyDownward(string project)
    {
        int place = Place(project);
        Assert.All(Values(project, "ProjectReference"), reference => Assert.True(
            Place(Path.GetFileNameWithoutExtension(reference)) < place, $"{project} refers to {reference}, which is not below it"));
    }

    [Theory]
    [InlineData("Craton.Tensors")]
    [InlineData("Craton.Tokenizers")]
    public void Foundations_NeedNoOtherPackage(string project) =>
        Assert.All(Values(project, "PackageReference"), package => Assert.Equal("System.Numerics.Tensors", package));

    private static int Place(string project)
    {
        int place = Array.IndexOf(Order, project["Craton.".Length..]);
        Assert.True(place >= 0, $"{project} has no place in the order of projects");
        return place;
    }

    private static IEnumerable<string> Values(string project, string element) =>
        XDocument.Load(Path.Combine(Source, project, $"{project}.csproj")).Descendants(element).Select(e => ((string)e.Attribute("Include")!).Replace('\\', '/'));

    private static string FindSource()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props"))) return Path.Combine(folder.FullName, "src");
        throw new DirectoryNotFoundException("the tests do not run in a checkout");
    }
}
