using System.Text.Json;

namespace Craton.Data.Tests;

public class ReportTests
{
    [Fact]
    public void Statistics_count_what_is_there()
    {
        var statistics = new DataStatistics(new ByteTokenizer());
        Document[] corpus = [Make.Doc("the cat is with the dog and that is fine"), Make.Doc("der Hund und die Katze"), Make.Doc("Привет мир"), Make.Doc("der Hund und die Katze"), Make.Doc("猫が好き 😀")];
        var rule = new GopherQuality(GopherQualityOptions.Docs);
        int passed = rule.Apply(statistics.Watch(corpus)).Count();
        StatisticsSummary summary = statistics.Summary([rule.Report]);
        Assert.Equal(3, passed);
        Assert.Equal((5L, 24L), (summary.Documents, summary.Words));
        Assert.Equal(corpus.Sum(d => System.Text.Encoding.UTF8.GetByteCount(d.Text)), summary.Bytes);
        Assert.Equal(summary.Bytes, summary.Tokens);
        Assert.Equal(corpus.Sum(d => d.Text.EnumerateRunes().Count()), summary.Characters);
        Assert.Equal(0.2, summary.DuplicateShare);
        Assert.Equal(new() { ["de"] = 0.4, ["en"] = 0.2, ["ja"] = 0.2, ["ru"] = 0.2 }, summary.Languages.ToDictionary());
        Assert.Equal(1.0, summary.Scripts.Values.Sum(), 12);
        Assert.Equal(5, summary.WordHistogram.Sum(b => b.Count));
        Assert.Equal([(2L, 4L, 2L), (4, 8, 2), (8, 16, 1)], summary.WordHistogram.Select(b => (b.From, b.To, b.Count)));

        using JsonDocument json = JsonDocument.Parse(summary.ToJson());
        Assert.Equal(2, json.RootElement.GetProperty("cleaning")[0].GetProperty("dropped_by_reason").GetProperty("too few words").GetInt64());
    }

    [Fact]
    public void The_page_is_inert_and_self_contained()
    {
        var statistics = new DataStatistics();
        var rule = new GopherQuality();
        _ = rule.Apply(statistics.Watch([Make.Doc("<script>alert(1)</script>", "<b>id</b>")])).Count();
        string page = StatisticsPage.Render(statistics.Summary([rule.Report]), "My <data>");
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.Contains("My &lt;data&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_corpus_has_statistics()
    {
        StatisticsSummary summary = new DataStatistics().Summary();
        Assert.Equal((0L, 0.0), (summary.Documents, summary.DuplicateShare));
        Assert.Contains("</html>", StatisticsPage.Render(summary, "empty"), StringComparison.Ordinal);
        Assert.Contains("\"documents\": 0", summary.ToJson(), StringComparison.Ordinal);
    }
}
