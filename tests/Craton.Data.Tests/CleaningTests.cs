using Craton.Tensors.Threading;
using FsCheck;
using FsCheck.Fluent;

namespace Craton.Data.Tests;

public class CleaningTests
{
    private static string? After(CleaningRule rule, string text) => rule.Apply([Make.Doc(text)]).SingleOrDefault()?.Text;

    [Theory]
    [InlineData("cafÃ© â€œquotedâ€\u009D â€“ naÃ¯ve", "café “quoted” – naïve")]
    [InlineData("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет")]
    [InlineData("Ã\u0083Â©t", "ét")] // damaged twice
    [InlineData("«CAFÉ»", "«CAFÉ»")]
    [InlineData("CAFÉ»", "CAFÉ»")]
    [InlineData("Ça va, naïve façade à Zürich", "Ça va, naïve façade à Zürich")]
    [InlineData("cafÃ© and Ω stay, as one cannot be sure", "cafÃ© and Ω stay, as one cannot be sure")]
    [InlineData("a\r\nb\rc\u2028d", "a\nb\nc\nd")]
    [InlineData("  \n\n\nx \t \n\n\n\ny\n\n", "x\n\ny")]
    [InlineData("a\u200Bb\u202Ec\u0007d\uFEFFe\u00ADf", "abcdef")]
    [InlineData("tag\U000E0041\U000E0042 end", "tag end")]
    [InlineData("non\u00A0breaking\u3000wide", "non breaking wide")]
    [InlineData("👩\u200D💻 क्\u200Dष a\u200Db", "👩\u200D💻 क्\u200Dष ab")]
    [InlineData("e\u0301 한", "é 한")]
    public void Unicode_is_repaired(string damaged, string expected) => Assert.Equal(expected, UnicodeRepair.Repair(damaged));

    [Fact]
    public void Unpaired_surrogates_become_replacement_characters() => Assert.Equal("lone \uFFFD surrogate", UnicodeRepair.Repair("lone \uD800 surrogate"));

    [Fact]
    public void Unicode_repair_twice_changes_nothing_more()
    {
        string[] pieces = ["Ã", "©", "â€", "\u009D", "é", "e\u0301", "\u200B", "\u200D", " ", "\t", "\n", "\r\n", "x", "\uD83D", "\uDE00", "Â", "\u00A0", "\U000E0041", "मि", "\uFEFF"];
        Arbitrary<string> texts = Gen.Elements(pieces).ListOf().Select(list => string.Concat(list)).ToArbitrary();
        Prop.ForAll(texts, text => UnicodeRepair.Repair(UnicodeRepair.Repair(text)) == UnicodeRepair.Repair(text)).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Reports_count_and_show_examples()
    {
        var rule = new GopherQuality(GopherQualityOptions.Docs);
        List<Document> kept = [.. rule.Apply(Enumerable.Range(0, 10).Select(i => Make.Doc(i % 2 == 0 ? "too short" : "this one is long enough to be kept", $"{i}")))];
        Assert.Equal(["1", "3", "5", "7", "9"], kept.Select(d => d.Id));
        Assert.Equal((10L, 5L), (rule.Report.Seen, rule.Report.Kept));
        Assert.Equal(5, rule.Report.DroppedByReason["too few words"]);
        Assert.Equal(["0", "2", "4"], rule.Report.Examples.Select(e => e.Id));
    }

    public static TheoryData<string, string?> GopherCases() => new()
    {
        { Make.Prose(1, 200), null },
        { Make.Prose(1, 30), "too few words" },
        { string.Join(' ', Enumerable.Repeat("a I", 60)), "mean word length" },
        { string.Join(' ', Enumerable.Repeat("the 123456 of 98765", 60)), "words without letters" },
        { string.Join(' ', Enumerable.Range(0, 100).Select(i => $"word{(char)('a' + i % 20)}")), "too few stop words" },
        { Make.Prose(1, 100) + string.Concat(Enumerable.Repeat(" #tag", 20)), "symbols" },
        { string.Join('\n', Enumerable.Range(0, 30).Select(i => "- " + Make.Prose(i, 4))), "bullet lines" },
        { string.Join('\n', Enumerable.Range(0, 10).Select(i => Make.Prose(i, 40).TrimEnd('.') + (i % 2 == 0 ? " ..." : "."))), "ellipsis lines" },
    };

    [Theory]
    [MemberData(nameof(GopherCases))]
    public void Gopher_quality_applies_its_thresholds(string text, string? reason)
    {
        var rule = new GopherQuality();
        Assert.Equal(reason is null, After(rule, text) is not null);
        if (reason is not null) Assert.Equal(1, rule.Report.DroppedByReason.GetValueOrDefault(reason));
    }

    public static TheoryData<string, string?> RepetitionCases()
    {
        string line = "A line that is the same each time it is said.";
        return new()
        {
            { Make.Prose(1, 400), null },
            { string.Join('\n', Enumerable.Repeat(line, 4)) + "\n" + Make.Prose(1, 40), "duplicate lines" },
            { string.Join("\n\n", Enumerable.Range(0, 6).Select(i => i % 2 == 0 ? "Same beginning\nof this block here." : $"Other {i}\n{Make.Prose(i, 12)}")), "duplicate lines" },
            { string.Concat(Enumerable.Repeat("word salad ", 30)) + Make.Prose(1, 60), "top 2-gram" },
            { Make.Prose(3, 60).Replace("\n", " ", StringComparison.Ordinal) + " " + Make.Prose(3, 60).Replace("\n", " ", StringComparison.Ordinal), "duplicate 5-grams" },
        };
    }

    [Theory]
    [MemberData(nameof(RepetitionCases))]
    public void Gopher_repetition_applies_its_thresholds(string text, string? reason)
    {
        var rule = new GopherRepetition();
        Assert.Equal(reason is null, After(rule, text) is not null);
        if (reason is not null) Assert.Equal([reason], rule.Report.DroppedByReason.Keys);
    }

    [Fact]
    public void C4_keeps_sentences_and_drops_pages_that_are_none()
    {
        string body = "This is the first sentence here. And this is a second one.\nA third sentence follows in a line.";
        Assert.Equal(body, After(new C4Quality(), $"Home | About\n{body}\nPlease enable Javascript to see this page here.\nWe use cookies on this site for you."));
        Assert.Null(After(new C4Quality(), body + "\nfunction() { return; }."));
        Assert.Null(After(new C4Quality(), "Lorem ipsum dolor sit amet. " + body));
        Assert.Null(After(new C4Quality(), "Only one sentence in this page."));
        Assert.Null(After(new C4Quality(new C4QualityOptions { ForbiddenWords = ["second"] }), body));
        Assert.NotNull(After(new C4Quality(C4QualityOptions.Docs), "Heading\n\nvar x = new { A = 1 };"));
    }

    [Fact]
    public void Line_dedup_keeps_the_first_occurrences()
    {
        string menu = "Home Products Contact Imprint", end = "}";
        var rule = new LineDedup(maxOccurrences: 2);
        List<Document> kept = [.. rule.Apply(Enumerable.Range(0, 4).Select(i => Make.Doc($"{menu}\nText number {i} of several\n{end}", $"{i}")))];
        Assert.StartsWith(menu, kept[1].Text, StringComparison.Ordinal);
        Assert.Equal("Text number 3 of several\n}", kept[3].Text);
        Assert.Equal(2, rule.Report.ChangedByReason.Values.Single());
        Assert.Empty(new LineDedup(0).Apply([]).ToList());
        Assert.Null(After(new LineDedup(maxOccurrences: 0), menu));
    }

    [Fact]
    public void Exact_dedup_ignores_case_and_spacing()
    {
        var rule = new ExactDedup();
        string[] texts = ["One two  three", "one two\nTHREE", "one twothree", "One two three!"];
        Assert.Equal([texts[0], texts[2], texts[3]], rule.Apply(texts.Select(t => Make.Doc(t))).Select(d => d.Text));
        Assert.Equal(1, rule.Report.DroppedByReason["same text"]);
    }

    [Fact]
    public void Decontamination_drops_what_overlaps_an_evaluation_text()
    {
        string question = Make.Prose(7, 30), shortQuestion = "Name nine small animals that live in the old harbour";
        var rule = new Decontaminate([question, shortQuestion, "too short"]);
        string part = string.Join(' ', question.Split(' ')[5..19]).ToUpperInvariant().Replace(".", " ,", StringComparison.Ordinal);
        Document[] documents =
        [
            Make.Doc(Make.Prose(8, 300), "clean"), Make.Doc($"{Make.Prose(9, 50)} {part} {Make.Prose(10, 50)}", "overlap"),
            Make.Doc($"Q: {shortQuestion}?", "short"), Make.Doc("this is too short", "ignored"),
        ];
        Assert.Equal(["clean", "ignored"], rule.Apply(documents).Select(d => d.Id));
    }

    [Fact]
    public void Pipelines_do_not_depend_on_the_number_of_threads()
    {
        Document[] corpus = [.. Enumerable.Range(0, 3000).Select(i => Make.Doc(Make.Prose(i % 2500, 60 + i % 50), $"{i}"))];
        string Run() => string.Join(',', CleaningPipeline.Web().Apply(corpus).Select(d => $"{d.Id}:{d.Text.Length}"));
        string first = Run();
        int threads = WorkerPool.Threads;
        WorkerPool.SetThreads(threads == 1 ? 4 : 1);
        try { Assert.Equal(first, Run()); }
        finally { WorkerPool.SetThreads(threads); }
        Assert.Contains("2499:", first, StringComparison.Ordinal);
        Assert.DoesNotContain("2500:", first, StringComparison.Ordinal);
    }

    [Fact]
    public void Hashes_are_fixed_for_ever()
    {
        // Splits, orders and duplicates of every data set depend on these numbers.
        ulong[] values = [StableHash.Of(""), StableHash.Of("craton"), StableHash.Of("craton", 1), StableHash.Combine(1, 2), StableHash.Combine(2, 1)];
        Assert.Equal("02a861902c77feb5 09bf4e4153e47428 21c8148a0f46e19d 10a9b2deeb75baad cac9f1fab5c811eb", string.Join(' ', values.Select(v => v.ToString("x16", null))));
    }
}
