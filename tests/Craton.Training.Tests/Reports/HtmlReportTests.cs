using System.Text.RegularExpressions;
using Craton.Training.Reports;

namespace Craton.Training.Tests.Reports;

public sealed class HtmlReportTests
{
    [Fact]
    public void All_text_is_escaped()
    {
        const string hostile = "<script>x</script>\"&'";
        string html = new HtmlReport(hostile, hostile).Heading(hostile).Heading("b").Heading("c").Paragraph(hostile).KeyValues((hostile, hostile))
            .Table([hostile], [[hostile]]).Sample(hostile, hostile, hostile).Plot(SvgPlot.Bars(hostile, [(hostile, 1)])).ToString();
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("<h1>&lt;script&gt;x&lt;/script&gt;&quot;&amp;&#39;</h1>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void It_needs_nothing_from_elsewhere()
    {
        string html = SampleReport.Build().ToString();
        Assert.DoesNotMatch("(?i)(src|href)\\s*=\\s*[\"'](?!#)", html);
        Assert.DoesNotMatch("(?i)@import|url\\(|<script|<link", html);
    }

    [Fact]
    public void Every_element_that_is_opened_is_closed()
    {
        string html = Regex.Replace(SampleReport.Build().ToString(), "<!doctype[^>]*>|<meta[^>]*>|<style>.*?</style>|<[a-z0-9]+[^>]*/>", "", RegexOptions.Singleline);
        var open = new Stack<string>();
        foreach (Match tag in Regex.Matches(html, "<(/?)([a-z0-9]+)[^>]*>"))
        {
            if (tag.Groups[1].Length == 0) open.Push(tag.Groups[2].Value);
            else Assert.Equal(open.Pop(), tag.Groups[2].Value);
        }
        Assert.Empty(open);
    }

    [Fact]
    public void Columns_of_numbers_are_set_to_the_right()
    {
        string html = new HtmlReport("t").Table(["a", "b"], [["x", "1,234.5"], ["y", "-3 %"]]).ToString();
        Assert.Contains("<td class=\"n\">1,234.5</td>", html, StringComparison.Ordinal);
        Assert.Contains("<td>x</td>", html, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new HtmlReport("t").Table(["a"], [["x", "y"]]));
    }
}
