namespace Craton.Training.Reports;

/// <summary>The page about one run of <see cref="MeasuredTraining"/>: losses, measures, pictures as they evolved, texts, recipe.</summary>
internal static class ImageReport
{
    private const int MostOfAName = 6;

    /// <summary>Writes <c>report.html</c> from what is in the run folder.</summary>
    /// <param name="runFolder">The folder of the run.</param>
    /// <param name="title">The run's name.</param>
    /// <param name="measured">Names of the measures to show.</param>
    /// <returns>Its path.</returns>
    public static string Write(string runFolder, string title, params IReadOnlyList<string> measured)
    {
        IReadOnlyList<MetricsRecord> metrics = MetricsLog.Read(runFolder);
        var report = new HtmlReport(title, runFolder);
        (double X, double Y)[] loss = TrainingReport.Series(metrics, "loss");
        report.KeyValues([
            ("steps", $"{(loss.Length > 0 ? loss[^1].X : 0)}"), ("training loss", TrainingReport.Last(loss, "")),
            .. measured.Select(name => (name, TrainingReport.Last(TrainingReport.Series(metrics, name), "")))]);
        if (loss.Length > 1)
        {
            report.Plot(SvgPlot.Lines("Training loss", [new PlotSeries("loss", loss)], new PlotOptions { XLabel = "step", LogY = loss.All(p => p.Y > 0), Smoothing = 0.9 }));
            report.Plot(SvgPlot.Lines("Gradient norm", [new PlotSeries("before clipping", TrainingReport.Series(metrics, "gradient_norm"))], new PlotOptions { XLabel = "step", LogY = true, Smoothing = 0.9 }));
        }
        IReadOnlyList<MetricsRecord> timing = MetricsLog.Read(runFolder, MetricsLog.TimingFile);
        foreach (string name in measured)
            if (TrainingReport.Series(metrics, name) is { Length: > 1 } series)
                report.Plot(SvgPlot.Lines(name, [new PlotSeries(name, [.. series.Select(p => (MinutesAt(timing, p.X), p.Y))])], new PlotOptions { XLabel = "minutes of training" }));
        foreach ((string name, IReadOnlyList<(long Step, string Path)> pictures) in PictureLog.Read(runFolder))
        {
            report.Heading(name.Replace('_', ' '));
            int shown = Math.Min(MostOfAName, pictures.Count);
            for (int i = 1; i <= shown; i++)
            {
                (long step, string path) = pictures[(int)((long)i * pictures.Count / shown) - 1];
                report.Png($"step {step}", File.ReadAllBytes(path));
            }
        }
        if (JudgedLog.Read(runFolder) is { } judged)
        {
            report.Heading($"judged at step {judged.Step}");
            report.Gallery(judged.Entries.Select(entry => ($"{(entry.Wrong.Count == 0 ? "✓" : "✗")} {entry.Caption}{(entry.Wrong.Count == 0 ? "" : $": {string.Join("; ", entry.Wrong)}")}", entry.Png)));
        }
        TrainingReport.Data(report, runFolder);
        TrainingReport.Section(report, runFolder, SampleLog.FileName, "Samples");
        TrainingReport.Section(report, runFolder, "recipe.yaml", "Recipe");
        string page = Path.Combine(runFolder, "report.html");
        report.Save(page);
        return page;
    }

    // What a run took before it was resumed counts too: there the clock begins anew.
    private static double MinutesAt(IReadOnlyList<MetricsRecord> timing, double step)
    {
        double before = 0, last = 0;
        foreach (MetricsRecord line in timing.TakeWhile(line => line.Step <= step))
        {
            double seconds = line["seconds"] ?? last;
            if (seconds < last) before += last;
            last = seconds;
        }
        return (before + last) / 60;
    }
}
