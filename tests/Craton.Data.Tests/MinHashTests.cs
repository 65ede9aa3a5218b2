using System.Diagnostics;

namespace Craton.Data.Tests;

public class MinHashTests
{
    private static Document Altered(Document original, int every, string id)
    {
        string[] words = original.Text.Split(' ');
        for (int i = every; i < words.Length; i += every) words[i] = "changed";
        return Make.Doc(string.Join(' ', words), id);
    }

    [Fact]
    public void Planted_near_duplicates_are_found_and_others_spared()
    {
        List<Document> corpus = [.. Enumerable.Range(0, 300).Select(i => Make.Doc(Make.Prose(i, 300), $"{i}"))];
        for (int i = 0; i < 100; i++) corpus.Add(Altered(corpus[i], 200, $"near{i}")); // 1 word in 200: similarity about 0.97
        for (int i = 100; i < 200; i++) corpus.Add(Altered(corpus[i], 8, $"far{i}")); // 1 word in 8: far below
        var rule = new MinHashDedup();
        string[] kept = [.. rule.Apply(corpus).Select(d => d.Id)];
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}").Concat(Enumerable.Range(100, 100).Select(i => $"far{i}")), kept);
        Assert.Equal(100, rule.Report.DroppedByReason["near-duplicate"]);
    }

    [Fact]
    public void The_same_seed_gives_the_same_result_and_texts_without_words_are_never_duplicates()
    {
        Document[] corpus = [.. Enumerable.Range(0, 200).Select(i => Make.Doc(Make.Prose(i / 2, 40 + i % 2), $"{i}")), Make.Doc("!!", "x"), Make.Doc("??", "y")];
        string Run(ulong seed) => string.Join(',', new MinHashDedup(new MinHashOptions { Seed = seed }).Apply(corpus).Select(d => d.Id));
        Assert.Equal(Run(5), Run(5));
        Assert.EndsWith("x,y", Run(5), StringComparison.Ordinal);
    }

    [Fact]
    public void A_corpus_of_near_duplicates_takes_linear_time()
    {
        Document original = Make.Doc(Make.Prose(1, 60));
        Document[] corpus = [.. Enumerable.Range(0, 20_000).Select(i => Make.Doc($"{original.Text} number {i}", $"{i}"))];
        var clock = Stopwatch.StartNew();
        Assert.InRange(new MinHashDedup().Apply(corpus).Count(), 1, 200); // the estimate of a few falls below the threshold
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"{clock.Elapsed}");
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.8)]
    [InlineData(0.95)]
    public void Bands_meet_above_the_threshold(double threshold)
    {
        (int bands, int rows) = MinHashDedup.BestBands(threshold, 128);
        double Meet(double s) => 1 - Math.Pow(1 - Math.Pow(s, rows), bands);
        Assert.True(bands * rows <= 128);
        Assert.True(Meet(threshold + 0.04) > 0.9, $"{bands} x {rows}");
        Assert.True(Meet(threshold - 0.4) < 0.1, $"{bands} x {rows}");
    }
}
