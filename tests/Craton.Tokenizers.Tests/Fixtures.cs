using System.IO.Compression;
using System.Text.Json;

namespace Craton.Tokenizers.Tests;

/// <summary>Finds fixtures and data, and reads their formats.</summary>
internal static class Fixtures
{
    /// <summary>The folder of tokenizer fixtures: under CRATON_FIXTURES when set, else the small copy in the repository.</summary>
    public static string Root { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } root ? root : Path.Combine(RepositoryRoot(), "tests", "fixtures"),
        "tokenizers");

    /// <summary>A folder of real data under CRATON_DATA, or null with a line that says why it is absent.</summary>
    public static string? Data(Xunit.Abstractions.ITestOutputHelper output, string folder)
    {
        string? root = Environment.GetEnvironmentVariable("CRATON_DATA");
        string? path = root is { Length: > 0 } ? Path.Combine(root, folder) : null;
        if (path is not null && Directory.Exists(path))
            return path;
        output.WriteLine(path is null ? $"skipped: CRATON_DATA is not set ({folder})" : $"skipped: {path} does not exist");
        return null;
    }

    /// <summary>The cases of the manifest.</summary>
    public static IEnumerable<JsonElement> Cases()
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, "manifest.json")));
        return [.. manifest.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.Clone())];
    }

    public static string Id(this JsonElement element) => element.GetProperty("id").GetString()!;

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static bool Has(this JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    public static int[] Ints(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(i => i.GetInt32())];

    /// <summary>Reads JSON lines, packed or not.</summary>
    public static IEnumerable<JsonElement> Lines(string path)
    {
        foreach (string line in System.Text.Encoding.UTF8.GetString(Read(path)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            yield return JsonElement.Parse(line);
    }

    /// <summary>Reads a file, unpacked.</summary>
    public static byte[] Read(string path)
    {
        using Stream file = File.OpenRead(path);
        using Stream stream = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    /// <summary>Unpacks a file next to others in a temporary folder and gives its path.</summary>
    public static string Unpack(string path, TemporaryFolder folder)
    {
        string target = Path.Combine(folder.Path, Path.GetFileNameWithoutExtension(path));
        File.WriteAllBytes(target, Read(path));
        return target;
    }

    /// <summary>A text given as parts that repeat.</summary>
    public static string Repeat(JsonElement parts) =>
        string.Concat(parts.EnumerateArray().SelectMany(p => Enumerable.Repeat(p[0].GetString()!, p[1].GetInt32())));

    /// <summary>Ids given as runs.</summary>
    public static int[] Runs(JsonElement runs) => [.. runs.EnumerateArray().SelectMany(r => Enumerable.Repeat(r[0].GetInt32(), r[1].GetInt32()))];

    /// <summary>Places in UTF-16 units as places in code points.</summary>
    public static int[][] CodePoints(string text, IEnumerable<TokenSpan> spans)
    {
        var places = new int[text.Length + 1];
        for (int i = 0; i < text.Length; i++)
            places[i + 1] = places[i] + (i > 0 && char.IsSurrogatePair(text[i - 1], text[i]) ? 0 : 1);
        return [.. spans.Select(s => new[] { places[s.Start], places[s.End] })];
    }

    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The tests run outside a checkout; set CRATON_FIXTURES.");
    }
}

/// <summary>A folder that disappears with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("craton-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Counts checks and keeps the first failures of a golden test.</summary>
internal sealed class Tally(Xunit.Abstractions.ITestOutputHelper output)
{
    private readonly List<string> _failures = [];
    private int _failed, _skipped;
    private const int Shown = 12;

    public int Failed => _failed;

    public int Run { get; private set; }

    public void Check<T>(string name, IEnumerable<T> expected, IEnumerable<T> actual)
    {
        Run++;
        if (expected.SequenceEqual(actual))
            return;
        if (_failed++ < Shown)
            _failures.Add($"{name}\n  expected [{string.Join(' ', expected)}]\n  actual   [{string.Join(' ', actual)}]");
    }

    public void Check(string name, string expected, string actual)
    {
        Run++;
        if (expected != actual && _failed++ < Shown)
            _failures.Add($"{name}\n  expected {JsonSerializer.Serialize(expected)}\n  actual   {JsonSerializer.Serialize(actual)}");
    }

    public void Skip(string name, string reason)
    {
        _skipped++;
        output.WriteLine($"skipped {name}: {reason}");
    }

    public void Finish(string area)
    {
        output.WriteLine($"{area}: {Run} checks, {_failed} failed, {_skipped} cases skipped");
        Assert.True(Run > 0, $"{area}: nothing was checked");
        Assert.True(_failed == 0, $"{_failed} of {Run} differ\n{string.Join('\n', _failures)}");
    }
}
