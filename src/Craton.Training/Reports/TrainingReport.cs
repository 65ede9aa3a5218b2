using System.Globalization;

namespace Craton.Training.Reports;

/// <summary>The page about one run: losses, rates, samples, recipe.</summary>
public static class TrainingReport
{
    /// <summary>Writes <c>report.html</c> from what is in the run folder.</summary>
    /// <returns>Its path.</returns>
    public static string Write(string runFolder, string title)
    {
        IReadOnlyList<MetricsRecord> metrics = MetricsLog.Read(runFolder), timing = MetricsLog.Read(runFolder, MetricsLog.TimingFile);
        var report = new HtmlReport(title, runFolder);
        (double X, double Y)[] loss = Series(metrics, "loss"), valid = Series(metrics, "val_loss"), bits = Series(metrics, "bits_per_byte");
        report.KeyValues(
            ("steps", loss.Length > 0 ? loss[^1].X.ToString("N0", CultureInfo.InvariantCulture) : "0"),
            ("training loss", Last(loss, "nats")),
            ("validation loss", Last(valid, "nats")),
            ("bits per byte", Last(bits, "")),
            ("tokens per second", timing.Count > 0 && timing[^1]["tokens_per_second"] is { } rate ? rate.ToString("N0", CultureInfo.InvariantCulture) : "–"));
        if (loss.Length > 1)
            report.Plot(SvgPlot.Lines("Loss, nats per token", [new PlotSeries("training", loss), new PlotSeries("validation", valid)], new PlotOptions { XLabel = "step", Smoothing = 0.9 }));
        if (bits.Length > 1) report.Plot(SvgPlot.Lines("Bits per byte of held-out text", [new PlotSeries("validation", bits)], new PlotOptions { XLabel = "step" }));
        if (loss.Length > 1)
        {
            report.Plot(SvgPlot.Lines("Gradient norm", [new PlotSeries("before clipping", Series(metrics, "gradient_norm"))], new PlotOptions { XLabel = "step", LogY = true, Smoothing = 0.9 }));
            report.Plot(SvgPlot.Lines("Learning rate, share of the peak", [new PlotSeries("schedule", Series(metrics, "rate"))], new PlotOptions { XLabel = "step" }));
        }
        Data(report, runFolder);
        Section(report, runFolder, SampleLog.FileName, "Samples while training");
        Section(report, runFolder, "recipe.yaml", "Recipe");
        string path = Path.Combine(runFolder, "report.html");
        report.Save(path);
        return path;
    }

    internal static (double X, double Y)[] Series(IReadOnlyList<MetricsRecord> records, string name) =>
        [.. records.Where(r => r[name] is { } value && double.IsFinite(value)).Select(r => ((double)r.Step, r[name]!.Value))];

    internal static string Last((double X, double Y)[] series, string unit) =>
        series.Length == 0 ? "–" : $"{series[^1].Y.ToString("F4", CultureInfo.InvariantCulture)} {unit}".Trim();

    internal static void Data(HtmlReport report, string runFolder)
    {
        Link("data", "The data: what it is made of, and what each rule of cleaning left out, with examples");
        Link("data-replay", "The data replayed");

        void Link(string folder, string text)
        {
            string page = $"{folder}/statistics.html";
            if (File.Exists(Path.Combine(runFolder, page))) report.Link(text, page);
        }
    }

    internal static void Section(HtmlReport report, string runFolder, string file, string heading)
    {
        string path = Path.Combine(runFolder, file);
        if (File.Exists(path)) report.Heading(heading).Sample(file, File.ReadAllText(path));
    }
}
