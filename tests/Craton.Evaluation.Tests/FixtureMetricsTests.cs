using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Craton.Evaluation.Tests;

/// <summary>
/// Values that other libraries computed: every case of the folder's manifest, under CRATON_FIXTURES when set, else the small copy
/// in the repository.
/// </summary>
[Trait("Category", "Golden")]
public sealed class FixtureMetricsTests(ITestOutputHelper output)
{
    private int _checks, _failed;
    private double _atol, _rtol;
    private readonly StringBuilder _failures = new();

    [Fact]
    public void MetricsEqualTheReference()
    {
        string root = Path.Combine(Root(), "metrics");
        JsonElement manifest = JsonElement.Parse(File.ReadAllText(Path.Combine(root, "manifest.json")));
        foreach (JsonElement entry in manifest.GetProperty("cases").EnumerateArray())
        {
            string id = entry.GetProperty("id").GetString()!;
            Action<JsonElement>? check = id switch
            {
                "squad" => Squad,
                "rouge" => RougeScores,
                "language-model" => LanguageModel,
                _ => null,
            };
            if (check is null)
            {
                output.WriteLine($"skipped {id}: no such metric here");
                continue;
            }
            JsonElement tolerance = entry.GetProperty("tolerance");
            (_atol, _rtol) = (tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
            int before = _checks;
            check(JsonElement.Parse(File.ReadAllText(Path.Combine(root, entry.GetProperty("files")[0].GetString()!))));
            output.WriteLine($"{id}: {_checks - before} checks");
        }
        Assert.True(_checks > 0, "nothing was checked");
        Assert.True(_failed == 0, $"{_failed} of {_checks} differ\n{_failures}");
    }

    private void Squad(JsonElement file)
    {
        foreach (JsonElement row in file.GetProperty("normalise").EnumerateArray())
            Check($"normalise '{Text(row, "text")}'", Text(row, "normalised"), SquadMetrics.Normalise(Text(row, "text")));
        foreach (JsonElement row in file.GetProperty("v1").GetProperty("rows").EnumerateArray())
        {
            JsonElement expected = row.GetProperty("v1");
            SquadRow($"v1 {row.GetProperty("id")}", row, Strings(row, "answers"), bothEmpty: 0, Number(expected, "exact"), Number(expected, "f1"));
        }
        foreach (JsonElement row in file.GetProperty("v2").GetProperty("rows").EnumerateArray())
        {
            string[] answers = [.. Strings(row, "answers").Where(a => SquadMetrics.Normalise(a).Length > 0)];
            SquadRow($"v2 {row.GetProperty("id")}", row, answers.Length > 0 ? answers : [""], bothEmpty: 1, Number(row, "exact"), Number(row, "f1"));
        }
        output.WriteLine("skipped squad v2 thresholds: answers here carry no probability of having none");
    }

    private void SquadRow(string name, JsonElement row, string[] answers, double bothEmpty, double exact, double f1)
    {
        string prediction = Text(row, "prediction");
        Check($"{name} exact", exact, answers.Max(a => SquadMetrics.ExactMatch(prediction, a)));
        Check($"{name} f1", f1, answers.Max(a => SquadMetrics.F1(prediction, a, bothEmpty)));
    }

    private void RougeScores(JsonElement file)
    {
        foreach (JsonElement row in file.GetProperty("cases").EnumerateArray())
        {
            string prediction = Text(row, "prediction");
            string[] references = Strings(row, "references");
            for (int i = 0; i < references.Length; i++)
            {
                JsonElement expected = row.GetProperty("plain").GetProperty("per_reference")[i];
                string name = $"rouge {row.GetProperty("id")} reference {i}";
                RougeRow($"{name} 1", expected.GetProperty("rouge1"), Rouge.N(prediction, references[i], 1));
                RougeRow($"{name} 2", expected.GetProperty("rouge2"), Rouge.N(prediction, references[i], 2));
                RougeRow($"{name} L", expected.GetProperty("rougeL"), Rouge.L(prediction, references[i]));
            }
        }
        output.WriteLine("skipped rouge with stemming and rougeLsum: not implemented");
    }

    private void RougeRow(string name, JsonElement expected, Overlap actual)
    {
        Check($"{name} precision", expected[0].GetDouble(), actual.Precision);
        Check($"{name} recall", expected[1].GetDouble(), actual.Recall);
        Check($"{name} F", expected[2].GetDouble(), actual.F);
    }

    private void LanguageModel(JsonElement file)
    {
        JsonElement expected = file.GetProperty("expected");
        double nats = 0;
        long bytes = 0;
        foreach ((JsonElement document, JsonElement value) in file.GetProperty("documents").EnumerateArray().Zip(expected.GetProperty("per_document").EnumerateArray()))
        {
            double own = -document.GetProperty("logprobs").EnumerateArray().Sum(p => p.GetDouble());
            int length = Encoding.UTF8.GetByteCount(Text(document, "text"));
            (nats, bytes) = (nats + own, bytes + length);
            if (length > 0)
                Check($"bits per byte {document.GetProperty("id")}", Number(value, "bits_per_byte"), BitsPerByte.FromNats(own, length).Value);
        }
        Check("bits per byte of the corpus", Number(expected.GetProperty("corpus"), "bits_per_byte"), BitsPerByte.FromNats(nats, bytes).Value);
        output.WriteLine("skipped language-model masks and multiple choice: not implemented");
    }

    private void Check(string name, string expected, string actual)
    {
        _checks++;
        if (expected != actual) Fail($"{name}: expected '{expected}', got '{actual}'");
    }

    private void Check(string name, double expected, double actual)
    {
        _checks++;
        if (!(Math.Abs(expected - actual) <= _atol + _rtol * Math.Abs(expected))) Fail($"{name}: expected {expected}, got {actual}");
    }

    private void Fail(string line)
    {
        if (_failed++ < 12) _failures.AppendLine(line);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();

    private static string[] Strings(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(s => s.GetString()!)];

    internal static string Root() => Environment.GetEnvironmentVariable("CRATON_FIXTURES") is { Length: > 0 } set ? set : Path.Combine(Repository(), "tests", "fixtures");

    private static string Repository()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Craton.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The tests run outside a checkout; set CRATON_FIXTURES.");
    }
}
