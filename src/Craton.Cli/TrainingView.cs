using Craton.Training;

namespace Craton.Cli;

/// <summary>Shows training to a person: one rewritten line with rate, time left and the course of the loss; plain lines when nobody watches.</summary>
/// <param name="output">Where to show it.</param>
/// <param name="tick">Called now and then while training goes on, or null.</param>
internal sealed class TrainingView(Output output, Action<TrainingProgress>? tick = null) : TrainingListener
{
    private const string Bars = "▁▂▃▄▅▆▇█";
    private const int CurveWidth = 24;
    private static readonly TimeSpan QuietInterval = TimeSpan.FromSeconds(15);

    private readonly List<double> _losses = [];
    private DateTime _lastLine = DateTime.MinValue;

    public override void OnProgress(TrainingProgress progress)
    {
        tick?.Invoke(progress);
        _losses.Add(progress.Loss);
        string line = $"{progress.Phase}  step {progress.Step:N0}/{progress.Steps:N0}  loss {progress.Loss:F3}  {progress.TokensPerSecond:N0} {progress.Unit}/s  {Time(progress.TimeLeft)} left";
        if (output.IsLive) output.Status($"{line}  {Curve()}");
        else if (DateTime.UtcNow - _lastLine > QuietInterval || progress.Step == progress.Steps)
        {
            output.Info(line);
            _lastLine = DateTime.UtcNow;
        }
    }

    public override void OnMessage(string message) => output.Info(message);

    public override void OnSample(long step, string text) => output.Info($"sample at step {step}: {text.ReplaceLineEndings("⏎")}");

    private string Curve()
    {
        double[] points = [.. Enumerable.Range(0, CurveWidth).Select(i => _losses[(int)((long)i * (_losses.Count - 1) / (CurveWidth - 1))])];
        double low = points.Min(), span = Math.Max(1e-9, points.Max() - low);
        return string.Concat(points.Select(p => Bars[(int)((p - low) / span * (Bars.Length - 1))]));
    }

    private static string Time(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:D2}:{time.Seconds:D2}" : $"{time.Minutes}:{time.Seconds:D2}";
}
