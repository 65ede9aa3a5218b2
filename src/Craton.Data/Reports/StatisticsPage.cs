using System.Globalization;
using System.Net;
using System.Text;

namespace Craton.Data;

/// <summary>Shows statistics as one HTML page that needs nothing from the network.</summary>
public static class StatisticsPage
{
    /// <summary>What the page is called beside the data.</summary>
    public const string FileName = "statistics.html";

    private const string Style = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #d8dee4;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}rect{fill:#2f6f9f}text{font-size:11px;fill:currentColor}pre{white-space:pre-wrap;margin:.2rem 0;color:#57606a}@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}rect{fill:#58a6ff}pre{color:#9198a1}}";

    /// <summary>The page.</summary>
    public static string Render(StatisticsSummary summary, string title)
    {
        var html = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>")
            .Append(Encode(title)).Append("</title><style>").Append(Style).Append("</style></head><body>\n<h1>").Append(Encode(title)).Append("</h1>\n<table>");
        Row(html, "Documents", Number(summary.Documents));
        Row(html, "UTF-8 bytes", Number(summary.Bytes));
        Row(html, "Characters", Number(summary.Characters));
        Row(html, "Words", Number(summary.Words));
        if (summary.Tokens is { } tokens)
        {
            Row(html, "Tokens", Number(tokens));
            Row(html, "Bytes per token", (summary.Bytes / Math.Max(1.0, tokens)).ToString("F2", CultureInfo.InvariantCulture));
        }

        Row(html, "Duplicate texts", Percent(summary.DuplicateShare));
        Row(html, "Records that could not be read", Number(summary.Unreadable));
        html.Append("</table>\n<h2>Words per document</h2>\n");
        Histogram(html, summary.WordHistogram);
        if (summary.TokenHistogram is { } bars)
        {
            html.Append("<h2>Tokens per document</h2>\n");
            Histogram(html, bars);
        }

        Shares(html, "Scripts (share of letters)", summary.Scripts);
        Shares(html, "Languages (share of documents, guessed)", summary.Languages);
        Cleaning(html, summary.Cleaning);
        Unreadable(html, summary.UnreadableExamples);
        return html.Append("</body></html>\n").ToString();
    }

    private static void Histogram(StringBuilder html, IReadOnlyList<HistogramBar> bars)
    {
        const int Height = 140, Step = 46;
        long most = Math.Max(1, bars.Count > 0 ? bars.Max(b => b.Count) : 1);
        html.Append(CultureInfo.InvariantCulture, $"<svg role=\"img\" aria-label=\"histogram\" width=\"{bars.Count * Step + 10}\" height=\"{Height + 50}\">");
        for (int i = 0; i < bars.Count; i++)
        {
            long height = bars[i].Count * Height / most;
            long x = i * Step + 5L, y = Height + 16 - height;
            html.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y}\" width=\"{Step - 6}\" height=\"{height}\"><title>{bars[i].From}-{bars[i].To - 1}: {bars[i].Count}</title></rect>");
            html.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y - 3}\">{Short(bars[i].Count)}</text><text x=\"{x}\" y=\"{Height + 30}\">{Short(bars[i].From)}+</text>");
        }

        html.Append("</svg>\n");
    }

    private static void Shares(StringBuilder html, string title, IReadOnlyDictionary<string, double> shares)
    {
        html.Append("<h2>").Append(Encode(title)).Append("</h2>\n<table>");
        foreach ((string name, double share) in shares.OrderByDescending(s => s.Value).ThenBy(s => s.Key, StringComparer.Ordinal)) Row(html, name, Percent(share));
        html.Append("</table>\n");
    }

    private static void Cleaning(StringBuilder html, IReadOnlyList<RuleReport> rules)
    {
        if (rules.Count == 0) return;
        html.Append("<h2>Cleaning</h2>\n<table><tr><th>Rule</th><th>In</th><th>Out</th><th>Reasons</th></tr>");
        foreach (RuleReport rule in rules)
        {
            IEnumerable<string> reasons = rule.DroppedByReason.Select(r => $"{r.Key}: {Number(r.Value)} dropped").Concat(rule.ChangedByReason.Select(r => $"{r.Key}: {Number(r.Value)} changed"));
            html.Append("<tr><td>").Append(Encode(rule.Rule)).Append("</td><td class=\"n\">").Append(Number(rule.Seen)).Append("</td><td class=\"n\">").Append(Number(rule.Kept))
                .Append("</td><td>").AppendJoin("<br>", reasons.Select(Encode)).Append("</td></tr>\n");
        }

        html.Append("</table>\n");
        foreach (RuleReport rule in rules.Where(r => r.Examples.Count > 0))
        {
            html.Append("<details><summary>Examples of ").Append(Encode(rule.Rule)).Append("</summary>");
            foreach (RuleExample example in rule.Examples)
                html.Append("<p><b>").Append(Encode(example.Reason)).Append("</b> ").Append(Encode(example.Id)).Append("</p><pre>").Append(Encode(example.Text)).Append("</pre>");
            html.Append("</details>\n");
        }
    }

    private static void Unreadable(StringBuilder html, IReadOnlyList<BadRecord> examples)
    {
        if (examples.Count == 0) return;
        html.Append("<h2>Records that could not be read</h2>\n<p>The first of them.</p>\n<table>");
        foreach (BadRecord record in examples) html.Append("<tr><td>").Append(Encode(record.ToString())).Append("</td></tr>\n");
        html.Append("</table>\n");
    }

    private static void Row(StringBuilder html, string name, string value) =>
        html.Append("<tr><td>").Append(Encode(name)).Append("</td><td class=\"n\">").Append(Encode(value)).Append("</td></tr>\n");

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture) + " %";

    private static string Short(long value) => value switch
    {
        >= 1_000_000 => $"{value / 1_000_000}M",
        >= 10_000 => $"{value / 1000}k",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
