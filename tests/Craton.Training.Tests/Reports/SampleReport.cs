using Craton.Training.Reports;

namespace Craton.Training.Tests.Reports;

/// <summary>A report with one of everything, from numbers that look like a training.</summary>
internal static class SampleReport
{
    public static HtmlReport Build()
    {
        var random = new Random(3);
        (double, double)[] Curve(double end, double noise) =>
            [.. Enumerable.Range(1, 3000).Select(step => ((double)step, end + (6 * Math.Pow(step, -0.35)) + (noise * (random.NextDouble() - 0.5))))];
        return new HtmlReport("tiny-gpt on TinyStories", "12.6 M parameters, trained from scratch on 2 cores in 41 minutes")
            .KeyValues(("Validation loss", "1.873"), ("Perplexity", "6.51"), ("Tokens seen", "98.3 M"), ("Steps", "3,000"), ("Tokens per second", "39,900"), ("Recipe", "recipes/tiny.yaml"))
            .Heading("Training")
            .Paragraph("The loss fell steadily; validation follows training closely, so the model has not begun to memorise. Text with <markup> & \"quotes\" is shown as it is.")
            .Plot(SvgPlot.Lines("Loss", [new PlotSeries("training", Curve(1.2, 0.5)), new PlotSeries("validation", [.. Curve(1.3, 0.02).Where((_, i) => i % 100 == 99)])],
                new PlotOptions { XLabel = "step", YLabel = "nats per token", Smoothing = 0.95 }))
            .Plot(SvgPlot.Lines("Loss, both axes logarithmic", [new PlotSeries("training", Curve(0.2, 0.1))], new PlotOptions { XLabel = "step", LogX = true, LogY = true }))
            .Heading("Weights")
            .Plot(SvgPlot.Histogram("Values of layer 3, attention output", [.. Enumerable.Range(0, 5000).Select(_ => 0.02 * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5))], 40, new PlotOptions { Height = 240 }))
            .Heading("Evaluation")
            .Plot(SvgPlot.Bars("Accuracy", [("ARC easy", 0.431), ("BoolQ", 0.612), ("HellaSwag", 0.298), ("a task with a very long name", -0.05)], new PlotOptions { Height = 240 }))
            .Table(["Task", "Accuracy", "± 95 %", "Items", "Note"],
            [
                ["ARC easy", "0.431", "0.021", "2,376", "better than chance (0.25)"],
                ["BoolQ", "0.612", "0.017", "3,270", "majority class is 0.622"],
                ["HellaSwag", "0.298", "0.009", "10,042", ""],
            ])
            .Heading("Samples")
            .Sample("step 3,000, temperature 0.8", " there was a little girl named Lily. She loved to play outside in the park.\nOne day, she saw a big, red ball.", "Once upon a time")
            .Sample("hostile", "<script>alert(1)</script> </pre> & \u0001");
    }
}
