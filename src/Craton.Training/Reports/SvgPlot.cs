namespace Craton.Training.Reports;

/// <summary>A line of a plot.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">Its points from left to right. One that is not finite (or not above 0 on a logarithmic axis) is a gap.</param>
public sealed record PlotSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>How a plot is drawn.</summary>
public sealed record PlotOptions
{
    /// <summary>Below the horizontal axis.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>Above the vertical axis.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>Whether the horizontal axis is logarithmic.</summary>
    public bool LogX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic.</summary>
    public bool LogY { get; init; }

    /// <summary>Weight of the past in the moving average of lines, 0 (none) to below 1; the line itself is then drawn faintly.</summary>
    public double Smoothing { get; init; }

    /// <summary>Width in pixels.</summary>
    public int Width { get; init; } = 720;

    /// <summary>Height in pixels.</summary>
    public int Height { get; init; } = 320;
}

/// <summary>
/// Plots as SVG text that stands alone, needs no script or network, and follows the reader's light or dark setting. The same
/// numbers give the same text.
/// </summary>
public static class SvgPlot
{
    /// <summary>More points than there are pixels are thinned: of each column the least and the greatest value stay.</summary>
    private const int MaxPoints = 2000;

    /// <summary>Lines over a common axis, as a loss over steps.</summary>
    public static string Lines(string title, IReadOnlyList<PlotSeries> series, PlotOptions? options = null)
    {
        options ??= new PlotOptions();
        var xs = PlotAxis.Of(series.SelectMany(line => line.Points.Select(point => point.X)), options.LogX, tight: true);
        var ys = PlotAxis.Of(series.SelectMany(line => line.Points.Select(point => point.Y)), options.LogY);
        var canvas = new SvgCanvas(title, options, xs, ys, series.Count > 1 ? [.. series.Select(line => line.Name)] : []);
        for (int i = 0; i < series.Count; i++)
        {
            if (options.Smoothing > 0) canvas.Line(Thinned(series[i].Points), i, faint: true);
            canvas.Line(Thinned(options.Smoothing > 0 ? Smooth(series[i].Points, options.Smoothing) : series[i].Points), i, faint: false);
        }
        return canvas.Finish(xTicks: true);
    }

    /// <summary>How often values fall into equal intervals.</summary>
    public static string Histogram(string title, IReadOnlyList<double> values, int bins = 30, PlotOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        double[] finite = [.. values.Where(double.IsFinite)];
        (double low, double high) = finite.Length == 0 ? (0, 1) : (finite.Min(), finite.Max());
        if (low == high) (low, high) = (low - 0.5, high + 0.5);
        int[] counts = new int[bins];
        foreach (double value in finite) counts[Math.Min(bins - 1, (int)((value - low) / (high - low) * bins))]++;
        var canvas = new SvgCanvas(title, options ?? new PlotOptions(), PlotAxis.Of([low, high], false, tight: true),
            PlotAxis.Of(counts.Select(count => (double)count), false, fromZero: true), []);
        for (int i = 0; i < bins; i++) canvas.Bar((double)i / bins, (double)(i + 1) / bins, counts[i], 0, gap: 0.5);
        return canvas.Finish(xTicks: true);
    }

    /// <summary>A number for each of a few names.</summary>
    public static string Bars(string title, IReadOnlyList<(string Name, double Value)> bars, PlotOptions? options = null)
    {
        var canvas = new SvgCanvas(title, options ?? new PlotOptions(), PlotAxis.Of([0, 1], false),
            PlotAxis.Of(bars.Select(bar => bar.Value), false, fromZero: true), []);
        for (int i = 0; i < bars.Count; i++)
        {
            (double left, double right) = ((double)i / bars.Count, (i + 1.0) / bars.Count);
            double margin = (right - left) * 0.18;
            if (double.IsFinite(bars[i].Value))
                canvas.Bar(left + margin, right - margin, bars[i].Value, 0, gap: 0, label: PlotAxis.Label(Rounded(bars[i].Value)));
            canvas.Name((left + right) / 2, bars[i].Name, maxChars: Math.Max(3, 96 / bars.Count));
        }
        return canvas.Finish(xTicks: false);
    }

    /// <summary>Exponential moving average without the pull of its start (Kingma and Ba 2015, section 3); gaps stay gaps.</summary>
    internal static List<(double X, double Y)> Smooth(IReadOnlyList<(double X, double Y)> points, double past)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(past, 1);
        var smooth = new List<(double X, double Y)>(points.Count);
        double sum = 0, weight = 0;
        foreach ((double x, double y) in points)
        {
            if (double.IsFinite(y))
            {
                sum = (past * sum) + ((1 - past) * y);
                weight = (past * weight) + (1 - past);
            }
            smooth.Add((x, double.IsFinite(y) ? sum / weight : y));
        }
        return smooth;
    }

    internal static IReadOnlyList<(double X, double Y)> Thinned(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count <= MaxPoints) return points;
        var thin = new List<(double X, double Y)>(MaxPoints + 2) { points[0] };
        int columns = (MaxPoints / 2) - 1;
        for (int column = 0; column < columns; column++)
        {
            int from = (int)((long)points.Count * column / columns), to = (int)((long)points.Count * (column + 1) / columns);
            int least = from, most = from;
            for (int i = from; i < to; i++)
            {
                if (!(points[i].Y >= points[least].Y)) least = i; // a gap counts as least, and so stays
                if (points[i].Y > points[most].Y) most = i;
            }
            thin.Add(points[Math.Min(least, most)]);
            if (least != most) thin.Add(points[Math.Max(least, most)]);
        }
        thin.Add(points[^1]);
        return thin;
    }

    /// <summary>Three digits are enough above a bar.</summary>
    private static double Rounded(double value) => double.Parse(value.ToString("G3", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}
