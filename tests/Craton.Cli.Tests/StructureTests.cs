using System.IO.Enumeration;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Craton.Cli.Tests;

/// <summary>The layers: a project refers only to projects below it.</summary>
public sealed partial class StructureTests
{
    private static readonly string[] Order =
        ["Tensors", "Nn", "Tokenizers", "Data", "Evaluation", "Models", "Training", "Inference", "Retrieval", "Operations", "Server", "Cli"];

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
        Assert.DoesNotContain(Values(project, "PackageReference"), package => package != "System.Numerics.Tensors");

    /// <summary>
    /// A platform's logarithm or an estimate of its processor gives other last bits on another machine: what reaches a weight, a loss, a
    /// token or a metric comes from VMath or DeterministicMath.
    /// </summary>
    [Fact]
    public void Mathematics_of_the_platform_stays_out_of_results()
    {
        string[] allowed =
        [
            "Craton.Tensors/Kernels/Simd/VMath*.cs", "Craton.Tensors/Kernels/Simd/DoubleMath.cs", // doubles, the measure of our own functions in tests
            "Craton.Training/Reports/PlotAxis.cs",        // where lines of a drawing stand
            "Craton.Tensors/Diagnostics/MachineLimits.cs", // measures time
        ];
        string[] found = [.. Directory.GetFiles(Source, "*.cs", SearchOption.AllDirectories)
            .Where(file => !allowed.Any(name => FileSystemName.MatchesSimpleExpression(name, Path.GetRelativePath(Source, file).Replace('\\', '/'))))
            .SelectMany(file => File.ReadLines(file).Where(line => PlatformMathematics().IsMatch(line)).Select(line => $"{Path.GetFileName(file)}: {line.Trim()}"))
            .Order(StringComparer.Ordinal)];
        Assert.Empty(found);
    }

    [GeneratedRegex(@"\b(Math|MathF|[Ff]loat|[Dd]ouble|Single|Vector\d*)\.(Exp\d*|ExpM1|Log\d*|LogP1|Pow|Cbrt|Sin|Cos|Tan|SinCos|Sinh|Cosh|Tanh|Asin|Acos|Atan2?|Asinh|Acosh|Atanh|Hypot|RootN|Sum|\w+Estimate|Dot)\(|TensorPrimitives\.(?!IndexOf|Bitwise)")]
    private static partial Regex PlatformMathematics();

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
