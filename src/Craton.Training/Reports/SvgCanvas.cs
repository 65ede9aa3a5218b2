using System.Globalization;
using System.Net;
using System.Text;

namespace Craton.Training.Reports;

/// <summary>Draws frame, ticks, legend, lines and bars of one plot.</summary>
internal sealed class SvgCanvas
{
    private const int Left = 56, Right = 16;

    /// <summary>Told apart by people who do not see all colours, on white and on black (Okabe and Ito 2008, darkened).</summary>
    private static readonly string[] Colours = ["#2f74c0", "#d9772b", "#2a9d6f", "#b8508f", "#8a6fd1", "#b59410", "#4aa3c7", "#c24a4a"];

    private readonly StringBuilder svg = new();
    private readonly PlotOptions options;
    private readonly PlotAxis xs;
    private readonly PlotAxis ys;
    private readonly int top;
    private readonly int bottom;

    public SvgCanvas(string title, PlotOptions options, PlotAxis xs, PlotAxis ys, IReadOnlyList<string> legend)
    {
        (this.options, this.xs, this.ys) = (options, xs, ys);
        top = 30 + (legend.Count > 0 ? 20 : 0) + (options.YLabel.Length > 0 ? 20 : 0);
        bottom = 28 + (options.XLabel.Length > 0 ? 18 : 0);
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {options.Width} {options.Height}" width="{options.Width}" height="{options.Height}" role="img">""").Append('\n');
        svg.Append("<title>").Append(Escape(title)).Append("</title>\n<style>").Append(Style).Append("</style>\n");
        Text(0, 16, title, "start", "h");
        if (options.YLabel.Length > 0) Text(0, top - 12, options.YLabel, "start", "t");
        double at = 0;
        for (int i = 0; i < legend.Count; i++)
        {
            svg.Append($"""<rect x="{Number(at)}" y="27" width="14" height="4" rx="2" fill="{Colours[i % Colours.Length]}"/>""").Append('\n');
            Text(at + 19, 33, legend[i], "start", "t");
            at += 19 + (legend[i].Length * 6.6) + 16;
        }
        foreach (double tick in ys.Ticks)
        {
            double y = Y(ys.Place(tick));
            svg.Append($"""<line class="g" x1="{Left}" x2="{options.Width - Right}" y1="{Number(y)}" y2="{Number(y)}"/>""").Append('\n');
            Text(Left - 8, y + 4, PlotAxis.Label(tick), "end", "t");
        }
    }

    /// <summary>A line through points; where one has no place, it is broken.</summary>
    public void Line(IReadOnlyList<(double X, double Y)> points, int colour, bool faint)
    {
        var path = new StringBuilder();
        int drawn = 0;
        bool begin = true;
        foreach ((double x, double y) in points)
        {
            if (!xs.Shows(x) || !ys.Shows(y))
            {
                begin = true;
                continue;
            }
            path.Append(begin ? 'M' : 'L').Append(Number(X(xs.Place(x)))).Append(' ').Append(Number(Y(ys.Place(y))));
            begin = false;
            drawn++;
        }
        string stroke = Colours[colour % Colours.Length];
        if (drawn == 1) path.Append("h0.01"); // a dot
        if (drawn > 0)
            svg.Append($"""<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{(drawn == 1 ? "5" : faint ? "1" : "1.8")}" stroke-linejoin="round" stroke-linecap="round"{(faint ? " opacity=\".28\"" : "")}/>""").Append('\n');
    }

    /// <summary>A bar from 0 to a value; its sides are places from 0 to 1.</summary>
    public void Bar(double left, double right, double value, int colour, double gap, string? label = null)
    {
        double zero = Y(ys.Place(0)), end = Y(ys.Place(value));
        double x = X(left) + gap, width = Math.Max(0.5, X(right) - X(left) - (2 * gap));
        svg.Append($"""<rect x="{Number(x)}" y="{Number(Math.Min(zero, end))}" width="{Number(width)}" height="{Number(Math.Abs(zero - end))}" fill="{Colours[colour % Colours.Length]}"/>""").Append('\n');
        if (label is not null) Text(x + (width / 2), value >= 0 ? end - 5 : end + 14, label, "middle", "t");
    }

    /// <summary>A name below the horizontal axis.</summary>
    public void Name(double place, string name, int maxChars) =>
        Text(X(place), options.Height - bottom + 18, name.Length <= maxChars ? name : name[..(maxChars - 1)] + "…", "middle", "t");

    public string Finish(bool xTicks)
    {
        double floor = options.Height - bottom;
        svg.Append($"""<line class="a" x1="{Left}" x2="{options.Width - Right}" y1="{Number(floor)}" y2="{Number(floor)}"/>""").Append('\n');
        if (xTicks)
        {
            foreach (double tick in xs.Ticks)
            {
                double x = X(xs.Place(tick));
                svg.Append($"""<line class="a" x1="{Number(x)}" x2="{Number(x)}" y1="{Number(floor)}" y2="{Number(floor + 4)}"/>""").Append('\n');
                Text(x, floor + 18, PlotAxis.Label(tick), "middle", "t");
            }
        }
        if (options.XLabel.Length > 0) Text(options.Width - Right, options.Height - 6, options.XLabel, "end", "t");
        return svg.Append("</svg>\n").ToString();
    }

    private const string Style =
        ".plot{--ink:#1f2328;--mute:#656d76;--grid:#d8dee4;font:12px system-ui,sans-serif;max-width:100%;height:auto}"
        + "@media(prefers-color-scheme:dark){.plot{--ink:#e6edf3;--mute:#9198a1;--grid:#30363d}}"
        + ".plot .h{fill:var(--ink);font-size:14px;font-weight:600}.plot .t{fill:var(--mute);font-variant-numeric:tabular-nums}"
        + ".plot .g{stroke:var(--grid)}.plot .a{stroke:var(--mute)}";

    private void Text(double x, double y, string text, string anchor, string kind) =>
        svg.Append($"""<text class="{kind}" x="{Number(x)}" y="{Number(y)}" text-anchor="{anchor}">{Escape(text)}</text>""").Append('\n');

    private double X(double place) => Left + (place * (options.Width - Left - Right));

    private double Y(double place) => options.Height - bottom - (place * (options.Height - bottom - top));

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Escapes for XML, which has no place for control characters at all.</summary>
    private static string Escape(string text) =>
        WebUtility.HtmlEncode(string.Concat(text.EnumerateRunes().Select(rune => rune.Value < ' ' || rune.Value is 0xFFFE or 0xFFFF ? " " : rune.ToString())));
}
