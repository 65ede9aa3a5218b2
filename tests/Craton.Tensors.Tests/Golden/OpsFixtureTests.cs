using System.Text.Json;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Golden;

/// <summary>Every operation gives the results and gradients of the golden cases, on the fast F32 kernels and on the F64 ones.</summary>
public sealed class OpsFixtureTests(ITestOutputHelper output)
{
    public static TheoryData<string> Groups() => new(OpsGroup.Listed());

    // Groups whose functions belong elsewhere.
    private static readonly Dictionary<string, string> s_elsewhere = new(StringComparer.Ordinal)
    {
        ["optimizer"] = "run by the tests of Craton.Training",
        ["schedule"] = "run by the tests of Craton.Training",
        ["random"] = "run by RandomFixtureTests",
    };

    [Theory]
    [Trait("Category", "Golden")]
    [MemberData(nameof(Groups))]
    public void Group_agrees(string group)
    {
        int passed = 0;
        var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var wrong = new List<string>();
        using OpsGroup cases = OpsGroup.Open(group);
        foreach ((string id, JsonElement? json) in OpsGroup.ListedCases(cases, group))
        {
            (string? skip, string? difference) = json is null ? (null, $"is not in {group}.json")
                : s_elsewhere.TryGetValue(group, out string? elsewhere) ? (elsewhere, null)
                : Run(new OpsCase(cases, json.Value));
            if (skip is not null) skipped[skip] = skipped.GetValueOrDefault(skip) + 1;
            else if (difference is not null) wrong.Add($"{id}: {difference}");
            else passed++;
        }
        output.WriteLine($"ops/{group}: {passed} passed, {skipped.Values.Sum()} skipped, {wrong.Count} failed");
        foreach ((string reason, int count) in skipped) output.WriteLine($"  skipped {count}: {reason}");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    private static (string? Skip, string? Wrong) Run(OpsCase @case)
    {
        if (OpsFunctions.Find(@case.Op) is not { } function) return ($"{@case.Op} is not built", null);
        try
        {
            return (null, @case.Run(function, DType.F32) ?? (@case.Run(function, DType.F64) is { } wrong ? "in F64: " + wrong : null));
        }
        catch (SkippedCaseException skip)
        {
            return (skip.Message, null);
        }
#pragma warning disable CA1031 // whatever a case throws is its failure, and the others still run
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return (null, $"{failure.GetType().Name}: {failure.Message}");
        }
    }
}
