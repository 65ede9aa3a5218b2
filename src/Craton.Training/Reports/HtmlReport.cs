using System.Net;
using System.Text;

namespace Craton.Training.Reports;

/// <summary>
/// A report as one HTML file that needs nothing else: no script, no network, light or dark as the reader's system is. All text
/// given is escaped; only <see cref="Plot"/> takes markup, that of <see cref="SvgPlot"/>.
/// </summary>
public sealed class HtmlReport
{
    private readonly string title;
    private readonly string subtitle;
    private readonly StringBuilder body = new();
    private readonly List<(string Anchor, string Text)> contents = [];

    /// <summary>Begins a report.</summary>
    /// <param name="title">What it is about.</param>
    /// <param name="subtitle">One line below the title: which model, data, machine.</param>
    public HtmlReport(string title, string subtitle = "") => (this.title, this.subtitle) = (title, subtitle);

    /// <summary>Begins a section; with three or more the report gets a list of contents.</summary>
    public HtmlReport Heading(string text)
    {
        string anchor = $"section-{contents.Count + 1}";
        contents.Add((anchor, text));
        body.Append($"<h2 id=\"{anchor}\">{Escape(text)}</h2>\n");
        return this;
    }

    /// <summary>A paragraph of text.</summary>
    public HtmlReport Paragraph(string text)
    {
        body.Append($"<p>{Escape(text)}</p>\n");
        return this;
    }

    /// <summary>A paragraph that is a link to a file beside the report.</summary>
    public HtmlReport Link(string text, string file)
    {
        body.Append($"<p><a href=\"{Escape(file)}\">{Escape(text)}</a></p>\n");
        return this;
    }

    /// <summary>A table; a column whose cells are all numbers is set to the right.</summary>
    public HtmlReport Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        IReadOnlyList<string>[] all = [.. rows];
        if (all.FirstOrDefault(row => row.Count != columns.Count) is { } odd)
            throw new ArgumentException($"A row has {odd.Count} cells, the table {columns.Count} columns.", nameof(rows));
        bool[] numeric = [.. columns.Select((_, i) => all.Length > 0 && all.All(row => IsNumber(row[i])))];
        body.Append("<div class=\"wide\"><table>\n<thead><tr>");
        for (int i = 0; i < columns.Count; i++) body.Append($"<th{(numeric[i] ? " class=\"n\"" : "")}>{Escape(columns[i])}</th>");
        body.Append("</tr></thead>\n<tbody>\n");
        foreach (IReadOnlyList<string> row in all)
        {
            body.Append("<tr>");
            for (int i = 0; i < row.Count; i++) body.Append($"<td{(numeric[i] ? " class=\"n\"" : "")}>{Escape(row[i])}</td>");
            body.Append("</tr>\n");
        }
        body.Append("</tbody></table></div>\n");
        return this;
    }

    /// <summary>A few facts with their names.</summary>
    public HtmlReport KeyValues(params IReadOnlyList<(string Key, string Value)> facts)
    {
        body.Append("<dl>\n");
        foreach ((string key, string value) in facts) body.Append($"<div><dt>{Escape(key)}</dt><dd>{Escape(value)}</dd></div>\n");
        body.Append("</dl>\n");
        return this;
    }

    /// <summary>A plot made by <see cref="SvgPlot"/>.</summary>
    /// <param name="svg">Trusted markup: it is not escaped.</param>
    public HtmlReport Plot(string svg)
    {
        body.Append("<figure>\n").Append(svg).Append("</figure>\n");
        return this;
    }

    /// <summary>A PNG file, within the report itself.</summary>
    public HtmlReport Png(string caption, byte[] file)
    {
        body.Append($"<figure><img alt=\"{Escape(caption)}\" src=\"data:image/png;base64,{Convert.ToBase64String(file)}\"><figcaption>{Escape(caption)}</figcaption></figure>\n");
        return this;
    }

    /// <summary>Small PNG files side by side, each with what is said of it.</summary>
    public HtmlReport Gallery(IEnumerable<(string Caption, byte[] File)> pictures)
    {
        body.Append("<div class=\"gallery\">\n");
        foreach ((string caption, byte[] file) in pictures) Png(caption, file);
        body.Append("</div>\n");
        return this;
    }

    /// <summary>Text that a model wrote, as it is, with its line breaks.</summary>
    /// <param name="caption">Where it comes from: the step, the temperature.</param>
    /// <param name="text">The text.</param>
    /// <param name="prompt">What the model was given before; set apart.</param>
    public HtmlReport Sample(string caption, string text, string prompt = "")
    {
        body.Append($"<figure class=\"sample\"><figcaption>{Escape(caption)}</figcaption><pre>");
        if (prompt.Length > 0) body.Append($"<b>{Escape(prompt)}</b>");
        body.Append(Escape(text)).Append("</pre></figure>\n");
        return this;
    }

    /// <summary>Saves the report; it is there completely or not at all.</summary>
    public void Save(string path) => DurableFile.WriteText(path, ToString());

    /// <summary>The whole file.</summary>
    public override string ToString()
    {
        var html = new StringBuilder("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n")
            .Append($"<title>{Escape(title)}</title>\n<style>\n{Style}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{Escape(title)}</h1>\n");
        if (subtitle.Length > 0) html.Append($"<p>{Escape(subtitle)}</p>\n");
        if (contents.Count >= 3)
        {
            html.Append("<nav>");
            foreach ((string anchor, string text) in contents) html.Append($"<a href=\"#{anchor}\">{Escape(text)}</a>");
            html.Append("</nav>\n");
        }
        return html.Append("</header>\n").Append(body).Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static bool IsNumber(string cell) =>
        cell.Any(char.IsAsciiDigit) && cell.All(c => char.IsAsciiDigit(c) || " .,+-−±%×eEkMGBT/s".Contains(c, StringComparison.Ordinal));

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    private const string Style = """
        :root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --mute: #656d76; --line: #d8dee4; --soft: #f6f8fa; --link: #2f74c0; }
        @media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --mute: #9198a1; --line: #30363d; --soft: #161b22; --link: #6cb0f5; } }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 780px; margin: 0 auto; padding: 48px 24px 96px; }
        header { border-bottom: 1px solid var(--line); padding-bottom: 16px; }
        h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.01em; margin: 0; }
        header p { color: var(--mute); margin: 8px 0 0; }
        nav { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-top: 16px; font-size: 14px; }
        a { color: var(--link); text-decoration: none; }
        a:hover { text-decoration: underline; }
        h2 { font-size: 20px; margin: 44px 0 12px; }
        p { margin: 0 0 14px; overflow-wrap: anywhere; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 18px 24px; margin: 24px 0; }
        dl div { border-left: 3px solid var(--line); padding-left: 12px; }
        dt { color: var(--mute); font-size: 13px; }
        dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
        .wide { overflow-x: auto; margin: 20px 0; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td { text-align: left; vertical-align: top; padding: 7px 10px; border-bottom: 1px solid var(--line); }
        th { color: var(--mute); font-weight: 600; border-bottom-width: 2px; white-space: nowrap; }
        th:first-child, td:first-child { padding-left: 0; }
        th:last-child, td:last-child { padding-right: 0; }
        td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
        figure { margin: 24px 0; }
        figure svg, figure img { width: 100%; }
        figure img { image-rendering: pixelated; }
        .gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); gap: 16px; }
        .gallery figure { margin: 0; }
        .sample { border-left: 3px solid var(--line); padding-left: 16px; }
        figcaption { color: var(--mute); font-size: 13px; }
        pre { margin: 6px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 13.5px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
        pre b { color: var(--link); font-weight: 600; }
        @media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } figure, table { break-inside: avoid; } }

        """;
}
