using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Craton.Training.Reports;

/// <summary>A number with its name, as <c>loss: 2.31</c>.</summary>
public readonly record struct Metric(string Name, double Value);

/// <summary>One line of a log.</summary>
/// <param name="Step">The optimizer step.</param>
/// <param name="Values">The numbers by name, in the order written.</param>
public sealed record MetricsRecord(long Step, IReadOnlyList<Metric> Values)
{
    /// <summary>The number of that name; null when this line has none.</summary>
    public double? this[string name] => Values.Where(metric => metric.Name == name).Select(metric => (double?)metric.Value).FirstOrDefault();
}

/// <summary>
/// The numbers of a run while it trains: <c>metrics.jsonl</c> holds what the recipe and the seed determine, and is the same
/// byte for byte however often the run was interrupted; <c>timing.jsonl</c> holds what depends on the machine.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    /// <summary>Name of the file of determined numbers.</summary>
    public const string MetricsFile = "metrics.jsonl";

    /// <summary>Name of the file of times, rates and memory.</summary>
    public const string TimingFile = "timing.jsonl";

    private const string LockFile = ".lock";
    private readonly FileStream only;
    private readonly JsonLinesLog metrics;
    private readonly JsonLinesLog timing;
    private readonly ArrayBufferWriter<byte> buffer = new(512);

    /// <summary>Opens the log of a run; what is later than the step of the checkpoint resumed from is cut off and will be written again.</summary>
    /// <param name="runFolder">The folder of the run; created when absent.</param>
    /// <param name="resumeStep">Step of the checkpoint; -1 begins anew.</param>
    /// <exception cref="CratonException">A file is damaged before its last line, or another process writes it.</exception>
    public MetricsLog(string runFolder, long resumeStep)
    {
        only = Lock(runFolder);
        try
        {
            metrics = new JsonLinesLog(Path.Combine(runFolder, MetricsFile), resumeStep);
            timing = new JsonLinesLog(Path.Combine(runFolder, TimingFile), resumeStep);
        }
        catch
        {
            metrics?.Dispose();
            only.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A file of its own is locked, because .NET on Unix has no lock that keeps writers out and lets readers in. The lock ends
    /// with the process, however it ends.
    /// </summary>
    internal static FileStream Lock(string runFolder)
    {
        try
        {
            Directory.CreateDirectory(runFolder);
            return new FileStream(Path.Combine(runFolder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CratonException(
                $"'{runFolder}' cannot be locked ({error.Message}); if another training runs there, wait for it or choose another name", error);
        }
    }

    /// <summary>Writes a line of numbers that depend on recipe and seed alone.</summary>
    public void Write(long step, params ReadOnlySpan<Metric> values)
    {
        metrics.Append(Line(step, values));
        KillPoint.Hit("metrics-written");
    }

    /// <summary>Writes a line of numbers that depend on the machine: seconds, tokens per second, bytes.</summary>
    public void WriteTiming(long step, params ReadOnlySpan<Metric> values) => timing.Append(Line(step, values));

    /// <summary>Returns when all lines are on the disk. Call it before saving a checkpoint, so that none is later than the log.</summary>
    public void Sync()
    {
        metrics.Sync();
        timing.Sync();
        KillPoint.Hit("metrics-synced");
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        metrics.Dispose();
        timing.Dispose();
        only.Dispose();
    }

    /// <summary>Reads a log, also while it is written. Empty when there is no such file.</summary>
    public static IReadOnlyList<MetricsRecord> Read(string runFolder, string file = MetricsFile)
    {
        string path = Path.Combine(runFolder, file);
        return File.Exists(path) ? [.. JsonLinesLog.Read(path).Select(line => new MetricsRecord(line.Step, Values(line.Record)))] : [];
    }

    private ReadOnlySpan<byte> Line(long step, ReadOnlySpan<Metric> values)
    {
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            foreach (Metric metric in values)
            {
                if (double.IsFinite(metric.Value)) json.WriteNumber(metric.Name, metric.Value);
                else json.WriteString(metric.Name, double.IsNaN(metric.Value) ? "NaN" : metric.Value > 0 ? "Infinity" : "-Infinity"); // JSON has no number for these
            }
            json.WriteEndObject();
        }
        return buffer.WrittenSpan;
    }

    private static List<Metric> Values(JsonElement record)
    {
        var values = new List<Metric>();
        foreach (JsonProperty property in record.EnumerateObject())
        {
            if (property.Name == "step") continue;
            double? value = property.Value.ValueKind switch
            {
                JsonValueKind.Number => property.Value.GetDouble(),
                JsonValueKind.String => property.Value.GetString() switch
                {
                    "NaN" => double.NaN,
                    "Infinity" => double.PositiveInfinity,
                    "-Infinity" => double.NegativeInfinity,
                    _ => null,
                },
                _ => null, // somebody else's field
            };
            if (value is { } number) values.Add(new Metric(property.Name, number));
        }
        return values;
    }
}
