using System.Globalization;
using System.Xml.Linq;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Reports;

public sealed class PlotTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private static string[] Texts(string svg) => [.. XElement.Parse(svg).Elements(Svg + "text").Select(text => text.Value)];

    [Theory]
    [InlineData(0, 1, false, new double[] { 0, 0.2, 0.4, 0.6, 0.8, 1 })]
    [InlineData(1.2, 9.7, false, new double[] { 0, 2, 4, 6, 8, 10 })]
    [InlineData(-3, 3, false, new double[] { -4, -2, 0, 2, 4 })]
    [InlineData(5, 5, false, new double[] { 4.4, 4.6, 4.8, 5, 5.2, 5.4, 5.6 })]
    [InlineData(0.02, 300, true, new double[] { 0.01, 0.1, 1, 10, 100, 1000 })]
    [InlineData(3, 40, true, new double[] { 1, 2, 5, 10, 20, 50, 100 })]
    public void Ticks_are_round_numbers_that_enclose_the_values(double least, double most, bool logarithmic, double[] expected)
    {
        var axis = PlotAxis.Of([least, most, double.NaN], logarithmic);
        Assert.Equal(expected.Length, axis.Ticks.Count);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], axis.Ticks[i], 1e-9 * Math.Abs(expected[i]) + 1e-12);
        Assert.InRange(axis.Place(least), 0, 1);
        Assert.InRange(axis.Place(most), 0, 1);
    }

    [Fact]
    public void Any_range_has_a_few_ticks()
    {
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            double a = Math.Pow(10, random.Next(-12, 12)) * random.NextDouble(), b = Math.Pow(10, random.Next(-12, 12)) * random.NextDouble();
            foreach (bool logarithmic in new[] { false, true })
            {
                var axis = PlotAxis.Of([a, b], logarithmic);
                Assert.InRange(axis.Ticks.Count, 2, 12);
                Assert.InRange(axis.Place(a), -1e-9, 1 + 1e-9);
                Assert.InRange(axis.Place(b), -1e-9, 1 + 1e-9);
            }
        }
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.30000000000000004, "0.3")]
    [InlineData(2500, "2500")]
    [InlineData(20000, "20k")]
    [InlineData(-1500000, "-1.5M")]
    [InlineData(3e9, "3B")]
    [InlineData(0.0003, "3e-4")]
    [InlineData(1e20, "1e20")]
    public void Labels_are_short(double value, string expected) => Assert.Equal(expected, PlotAxis.Label(value));

    [Fact]
    public void A_line_goes_through_its_points_and_breaks_at_gaps()
    {
        string svg = SvgPlot.Lines("t", [new PlotSeries("a", [(0, 0), (1, 1), (2, double.NaN), (3, 0), (4, 1)])]);
        XElement path = Assert.Single(XElement.Parse(svg).Elements(Svg + "path"));
        Assert.Equal("M56 292L218 30M542 292L704 30", path.Attribute("d")!.Value);
    }

    [Fact]
    public void On_a_logarithmic_axis_what_is_not_above_zero_is_a_gap()
    {
        string svg = SvgPlot.Lines("t", [new PlotSeries("a", [(1, 1), (2, 0), (3, -1), (4, 100)])], new PlotOptions { LogY = true });
        Assert.Equal(2, XElement.Parse(svg).Elements(Svg + "path").Single().Attribute("d")!.Value.Count(c => c == 'M'));
    }

    [Fact]
    public void Smoothing_starts_at_the_first_value_and_tends_to_the_last()
    {
        List<(double X, double Y)> smooth = SvgPlot.Smooth([(0, 4), (1, 2), (2, double.NaN), (3, 2)], 0.5);
        Assert.Equal(4, smooth[0].Y);
        Assert.Equal((4 * 0.25 + 2 * 0.5) / 0.75, smooth[1].Y, 1e-12);
        Assert.True(double.IsNaN(smooth[2].Y));
        Assert.Equal((4 * 0.125 + 2 * 0.25 + 2 * 0.5) / 0.875, smooth[3].Y, 1e-12);
    }

    [Fact]
    public void Thinning_keeps_peaks_ends_and_order()
    {
        (double X, double Y)[] points = [.. Enumerable.Range(0, 100_000).Select(i => ((double)i, i == 54_321 ? 1000.0 : i == 12_345 ? -1000.0 : Math.Sin(i)))];
        IReadOnlyList<(double X, double Y)> thin = SvgPlot.Thinned(points);
        Assert.InRange(thin.Count, 100, 2002);
        Assert.Contains(points[54_321], thin);
        Assert.Contains(points[12_345], thin);
        Assert.Equal(points[0], thin[0]);
        Assert.Equal(points[^1], thin[^1]);
        Assert.Equal(thin.Select(p => p.X).Order(), thin.Select(p => p.X));
    }

    [Fact]
    public void A_histogram_counts_every_value_once()
    {
        string svg = SvgPlot.Histogram("t", [0, 0, 0, 1, 2, 2, double.NaN], bins: 3);
        double[] heights = [.. XElement.Parse(svg).Elements(Svg + "rect").Select(r => double.Parse(r.Attribute("height")!.Value, CultureInfo.InvariantCulture))];
        Assert.Equal(3, heights.Length);
        Assert.Equal(3, heights[0] / heights[1], 0.01);
        Assert.Equal(2, heights[2] / heights[1], 0.01);
    }

    [Fact]
    public void Empty_and_constant_plots_are_drawn_and_texts_are_escaped()
    {
        foreach (string svg in new[]
        {
            SvgPlot.Lines("<a & \"b\">\u0001", []), SvgPlot.Lines("t", [new PlotSeries("<s>", [(1, 2)]), new PlotSeries("t", [])]), SvgPlot.Histogram("t", []),
            SvgPlot.Histogram("t", [3, 3]), SvgPlot.Bars("t", []), SvgPlot.Bars("t", [("<n>", 0), ("m", double.NaN)]),
            SvgPlot.Lines("t", [new PlotSeries("s", [(double.NaN, 1), (1, double.PositiveInfinity)])], new PlotOptions { LogX = true, LogY = true, Smoothing = 0.9 }),
        })
        {
            Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
            Assert.DoesNotContain("∞", svg, StringComparison.Ordinal);
            Assert.NotEmpty(XElement.Parse(svg).Elements());
        }
        Assert.Contains("<a & \"b\"> ", Texts(SvgPlot.Lines("<a & \"b\">\u0001", [])));
    }

    [Fact]
    public void The_same_numbers_give_the_same_text() => Assert.Equal(SampleReport.Build().ToString(), SampleReport.Build().ToString());
}
