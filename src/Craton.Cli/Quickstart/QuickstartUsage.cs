using System.Diagnostics;
using System.Text.Json;
using Craton.Tensors.IO;

namespace Craton.Cli.Quickstart;

/// <summary>
/// Time and memory that a quickstart has taken, over all its starts: kept in <c>usage.json</c>, so that a re-run after an interruption
/// reports what the whole took.
/// </summary>
internal sealed class QuickstartUsage
{
    private const string FileName = "usage.json";
    private static readonly TimeSpan BetweenWrites = TimeSpan.FromSeconds(2); // what a killed process may leave uncounted

    private readonly string _file;
    private readonly SortedDictionary<string, double> _seconds;
    private long _peakBefore, _lastWrite;

    /// <summary>Goes on from what earlier starts in this folder have taken.</summary>
    public QuickstartUsage(string folder)
    {
        _file = Path.Combine(folder, FileName);
        QuickstartCost? kept = File.Exists(_file) ? Read(_file) : null;
        (_seconds, _peakBefore) = (kept?.Seconds ?? new(StringComparer.Ordinal), kept?.PeakMegabytes ?? 0);
    }

    private static QuickstartCost? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), QuickstartJson.Default.QuickstartCost);
        }
        catch (JsonException)
        {
            return null; // figures for people: not worth refusing to go on
        }
    }

    /// <summary>Seconds of all stages.</summary>
    public double Seconds => _seconds.Values.Sum();

    /// <summary>The most memory that any of the processes held, in MB.</summary>
    public long PeakMegabytes
    {
        get
        {
            using Process self = Process.GetCurrentProcess();
            return Math.Max(_peakBefore, self.PeakWorkingSet64 >> 20);
        }
    }

    /// <summary>Does a stage that goes on where an earlier start left it: its times add up.</summary>
    /// <param name="stage">Its name.</param>
    /// <param name="work">Is given what to call now and then, so that a killed process has counted.</param>
    public T GoOn<T>(string stage, Func<Action, T> work) => Measure(stage, _seconds.GetValueOrDefault(stage), work);

    /// <summary>Does a stage that begins anew with every start: the last time counts.</summary>
    public T Anew<T>(string stage, Func<T> work) => Measure(stage, 0, _ => work());

    private T Measure<T>(string stage, double before, Func<Action, T> work)
    {
        long begin = Stopwatch.GetTimestamp();
        try
        {
            return work(() =>
            {
                if (Stopwatch.GetElapsedTime(_lastWrite) > BetweenWrites) Save();
            });
        }
        finally
        {
            Save();
        }

        void Save()
        {
            _seconds[stage] = before + Stopwatch.GetElapsedTime(begin).TotalSeconds;
            _peakBefore = PeakMegabytes;
            DurableFile.WriteText(_file, JsonSerializer.Serialize(new QuickstartCost(_seconds, _peakBefore), QuickstartJson.Default.QuickstartCost));
            _lastWrite = Stopwatch.GetTimestamp();
        }
    }
}
