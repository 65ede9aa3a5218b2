namespace Craton.Training.Reports;

/// <summary>The page about one run of a model of pictures: losses, rates, pictures, recipe.</summary>
internal static class ImageReport
{
    /// <summary>The metric of the bound on −log p(x) of test pictures, in nats each; lower is better.</summary>
    public const string Bound = "elbo_nats";

    /// <summary>Files of the run's folder.</summary>
    public const string Samples = "samples.png", Interpolation = "interpolation.png";

    /// <summary>Writes <c>report.html</c> from what is in the run folder.</summary>
    /// <returns>Its path.</returns>
    public static string Write(string runFolder, string title)
    {
        IReadOnlyList<MetricsRecord> metrics = MetricsLog.Read(runFolder);
        var report = new HtmlReport(title, runFolder);
        (double X, double Y)[] loss = TrainingReport.Series(metrics, "loss"), bound = TrainingReport.Series(metrics, Bound);
        report.KeyValues(("steps", $"{(loss.Length > 0 ? loss[^1].X : 0)}"), ("training loss", TrainingReport.Last(loss, "nats")), ("bound on the test pictures", TrainingReport.Last(bound, "nats")));
        if (loss.Length > 1)
        {
            report.Plot(SvgPlot.Lines("Nats per picture", [new PlotSeries("training loss", loss), new PlotSeries("test bound", bound)], new PlotOptions { XLabel = "step", LogY = true, Smoothing = 0.9 }));
            report.Plot(SvgPlot.Lines("Gradient norm", [new PlotSeries("before clipping", TrainingReport.Series(metrics, "gradient_norm"))], new PlotOptions { XLabel = "step", LogY = true, Smoothing = 0.9 }));
        }
        Picture(report, runFolder, Samples, "Samples from the prior");
        Picture(report, runFolder, Interpolation, "From one test picture to another, through the latent space");
        TrainingReport.Section(report, runFolder, "recipe.yaml", "Recipe");
        string path = Path.Combine(runFolder, "report.html");
        report.Save(path);
        return path;
    }

    private static void Picture(HtmlReport report, string runFolder, string file, string heading)
    {
        string path = Path.Combine(runFolder, file);
        if (File.Exists(path)) report.Heading(heading).Png(file, File.ReadAllBytes(path));
    }
}
