using System.Text.Json;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Golden;

/// <summary>Runs the cases that the manifest of a folder of golden values lists.</summary>
internal static class GoldenRunner
{
    /// <summary>The folder of all fixtures: CRATON_FIXTURES when set, else the small copy in the repository.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root ? root : Path.Combine(RepositoryRoot(), "tests", "fixtures");

    private static string Folder { get; } = Path.Combine(Root, "ops");

    /// <summary>The content of a JSON file.</summary>
    public static JsonElement Read(string path) => JsonElement.Parse(File.ReadAllText(path));

    /// <summary>Runs every case of a group; fails when one does not agree, or when none ran.</summary>
    /// <param name="group">First part of the cases' ids.</param>
    /// <param name="ops">What to do for each op. A case of another op is skipped, and said to be.</param>
    /// <param name="output">Receives the counts.</param>
    public static void Run(string group, IReadOnlyDictionary<string, Action<GoldenCase>> ops, ITestOutputHelper output)
    {
        string tensors = Path.Combine(Folder, group + ".safetensors");
        using SafetensorsFile? file = File.Exists(tensors) ? SafetensorsFile.Open(tensors) : null;
        using JsonDocument cases = Parse(group + ".json");
        var byId = cases.RootElement.GetProperty("cases").EnumerateArray().ToDictionary(c => $"{group}/{c.GetProperty("id").GetString()}");

        int ran = 0;
        var failures = new List<string>();
        var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        using JsonDocument manifest = Parse("manifest.json");
        foreach (string id in manifest.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!))
        {
            if (!id.StartsWith(group + "/", StringComparison.Ordinal)) continue;
            if (!byId.TryGetValue(id, out JsonElement json))
            {
                failures.Add($"{id} is not in {group}.json");
                continue;
            }
            var golden = new GoldenCase(json, file);
            if (!ops.TryGetValue(golden.Op, out Action<GoldenCase>? run))
            {
                skipped[golden.Op] = skipped.GetValueOrDefault(golden.Op) + 1;
                continue;
            }
            ran++;
            try
            {
                run(golden);
                golden.Finish();
            }
#pragma warning disable CA1031 // whatever a case throws is its failure, and the others still run
            catch (Exception failure)
#pragma warning restore CA1031
            {
                golden.Failures.Add($"{failure.GetType().Name}: {failure.Message}");
            }
            failures.AddRange(golden.Failures.Select(failure => $"{id} {failure}"));
        }

        output.WriteLine($"ops/{group}: {ran} cases ran, {skipped.Values.Sum()} skipped");
        foreach ((string op, int count) in skipped) output.WriteLine($"  skipped {count}: {op} is not built");
        Assert.True(ran > 0, $"no case of {group} in {Folder}");
        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }

    private static JsonDocument Parse(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, file)));

    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The tests run outside a checkout; set CRATON_FIXTURES.");
    }
}
