using System.Runtime.InteropServices;
using System.Text.Json;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Finds fixtures and reads their formats.</summary>
internal static class Fixtures
{
    /// <summary>A folder of fixtures: under CRATON_FIXTURES when set, else the small copy in the repository.</summary>
    public static string Folder(string area) => Path.Combine(
        Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root ? root : Path.Combine(RepositoryRoot(), "tests", "fixtures"), area);

    /// <summary>The cases of an area's manifest that are of one kind.</summary>
    public static IEnumerable<JsonElement> Cases(string area, string kind) =>
        Json(Path.Combine(Folder(area), "manifest.json")).GetProperty("cases").EnumerateArray().Where(c => c.Text("kind") == kind);

    public static JsonElement Json(string path) => JsonElement.Parse(File.ReadAllBytes(path));

    public static IEnumerable<JsonElement> Lines(string path) => File.ReadLines(path).Where(line => line.Length > 0).Select(line => JsonElement.Parse(line));

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static double Number(this JsonElement element, string name) => element.GetProperty(name).GetDouble();

    public static int[] Ints(this JsonElement element) => [.. element.EnumerateArray().Select(e => e.GetInt32())];

    public static float[] Floats(this SafetensorsFile file, string name)
    {
        float[] values = new float[file[name].Count];
        file.ReadFloats(name, values);
        return values;
    }

    public static int[] Longs(this SafetensorsFile file, string name)
    {
        long[] values = new long[file[name].Count];
        file.Read(name, MemoryMarshal.AsBytes(values.AsSpan()));
        return Array.ConvertAll(values, value => checked((int)value));
    }

    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The tests run outside a checkout; set CRATON_FIXTURES.");
    }
}

/// <summary>A folder that disappears with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("craton-").FullName;

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Counts checks and keeps the first failures of a golden test.</summary>
internal sealed class Tally(ITestOutputHelper output)
{
    private readonly List<string> _failures = [];
    private int _run, _failed, _cases, _skipped;

    public int Cases => _cases;

    public void Case() => _cases++;

    public void Skip(string name, string reason)
    {
        _skipped++;
        output.WriteLine($"skipped {name}: {reason}");
    }

    public void That(bool holds, Func<string> failure)
    {
        _run++;
        if (!holds && _failed++ < 12) _failures.Add(failure());
    }

    public void Same<T>(string name, IEnumerable<T> expected, IEnumerable<T> actual) =>
        That(expected.SequenceEqual(actual), () => $"{name}\n  expected [{string.Join(' ', expected)}]\n  actual   [{string.Join(' ', actual)}]");

    /// <summary>Compares values up to an absolute difference and a share of the expected one; infinities must be in the same places.</summary>
    public void Close(string name, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, double relative = 0)
    {
        (double worst, int place) = (expected.Length == actual.Length ? 0 : double.PositiveInfinity, -1);
        for (int i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            double difference = expected[i] == actual[i] ? 0 : Math.Abs((double)expected[i] - actual[i]) - relative * Math.Abs(expected[i]);
            if (!(difference <= worst)) (worst, place) = (difference, i); // NaN as well
        }
        int lengths = expected.Length, length = actual.Length;
        That(worst <= tolerance, () => $"{name}: {length} values for {lengths}, the greatest difference {worst:g4} at {place}, tolerance {tolerance:g4}");
    }

    public void Relative(string name, double expected, double actual, double tolerance) =>
        That(Math.Abs(actual - expected) <= tolerance * Math.Abs(expected), () => $"{name}: expected {expected:g9}, got {actual:g9}, relative tolerance {tolerance:g4}");

    public void Finish(string area)
    {
        output.WriteLine($"{area}: {_cases} cases, {_run} checks, {_skipped} cases skipped");
        Assert.True(_run > 0, $"{area}: nothing was checked");
        Assert.True(_failed == 0, $"{_failed} of {_run} differ\n{string.Join('\n', _failures)}");
    }
}
