namespace Craton.Data;

/// <summary>One step of cleaning: drops or changes documents, and reports what it did. An instance serves one pass over one corpus.</summary>
public abstract class CleaningRule
{
    /// <summary>Creates the rule under its name.</summary>
    protected CleaningRule(string name) => Report = new RuleReport(name);

    /// <summary>What it has done so far.</summary>
    public RuleReport Report { get; }

    /// <summary>Gives the documents that pass, in order; lazily where the rule allows it.</summary>
    public abstract IEnumerable<Document> Apply(IEnumerable<Document> documents);
}

/// <summary>A rule that judges each document by itself, on all cores, in order.</summary>
public abstract class DocumentRule : CleaningRule
{
    /// <summary>Creates the rule under its name.</summary>
    protected DocumentRule(string name) : base(name) { }

    /// <summary>What is to become of a document.</summary>
    /// <param name="Document">It, or its changed form; null: dropped.</param>
    /// <param name="Reason">Why it was dropped or how it was changed; null: it passes as it is.</param>
    protected readonly record struct Verdict(Document? Document, string? Reason)
    {
        /// <summary>The document passes.</summary>
        public static Verdict Keep(Document document) => new(document, null);

        /// <summary>The document is dropped.</summary>
        public static Verdict Drop(string reason) => new(null, reason);

        /// <summary>The document passes with another text; one whose text is gone is dropped.</summary>
        public static Verdict Change(Document document, string text, string how) =>
            text.AsSpan().Trim().Length == 0 ? Drop("nothing left") : new Verdict(document with { Text = text }, how);
    }

    /// <summary>Judges one document. Called on several threads at once.</summary>
    protected abstract Verdict Judge(Document document);

    /// <inheritdoc/>
    public sealed override IEnumerable<Document> Apply(IEnumerable<Document> documents)
    {
        foreach ((Document document, Verdict verdict) in ParallelWork.Map(documents, Judge))
        {
            if (verdict.Document is null)
            {
                Report.Dropped(document, verdict.Reason!);
                continue;
            }

            Report.Passed(document, verdict.Reason);
            yield return verdict.Document;
        }
    }
}

/// <summary>An example of what a rule did.</summary>
/// <param name="Reason">The rule's reason.</param>
/// <param name="Id">The document.</param>
/// <param name="Text">The beginning of its text before the rule.</param>
public sealed record RuleExample(string Reason, string Id, string Text);

/// <summary>Counts of one rule, with a few examples of each reason.</summary>
public sealed class RuleReport
{
    private const int ExamplesPerReason = 3, ExampleLength = 200;
    private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal), _changed = new(StringComparer.Ordinal);
    private readonly List<RuleExample> _examples = [];

    /// <summary>Begins the report of a rule.</summary>
    public RuleReport(string rule) => Rule = rule;

    /// <summary>The rule's name.</summary>
    public string Rule { get; }

    /// <summary>Documents that came in.</summary>
    public long Seen { get; private set; }

    /// <summary>Documents that went out.</summary>
    public long Kept => Seen - DroppedByReason.Values.Sum();

    /// <summary>Documents left out, by reason.</summary>
    public IReadOnlyDictionary<string, long> DroppedByReason => _dropped;

    /// <summary>Documents changed, by kind of change.</summary>
    public IReadOnlyDictionary<string, long> ChangedByReason => _changed;

    /// <summary>The first documents of each reason.</summary>
    public IReadOnlyList<RuleExample> Examples => _examples;

    /// <summary>Counts a document that passes.</summary>
    /// <param name="document">It, before the rule.</param>
    /// <param name="change">How it was changed, or null.</param>
    public void Passed(Document document, string? change = null)
    {
        Seen++;
        if (change is not null) Count(_changed, change, document);
    }

    /// <summary>Counts a document that is left out.</summary>
    public void Dropped(Document document, string reason)
    {
        Seen++;
        Count(_dropped, reason, document);
    }

    private void Count(SortedDictionary<string, long> counts, string reason, Document document)
    {
        long before = counts.GetValueOrDefault(reason);
        counts[reason] = before + 1;
        if (before < ExamplesPerReason) _examples.Add(new RuleExample(reason, document.Id, document.Text.Length > ExampleLength ? document.Text[..ExampleLength] : document.Text));
    }
}

/// <summary>Rules one after the other.</summary>
public sealed class CleaningPipeline
{
    private readonly IReadOnlyList<CleaningRule> _rules;

    /// <summary>Creates the pipeline; like its rules it serves one pass.</summary>
    public CleaningPipeline(params IReadOnlyList<CleaningRule> rules) => _rules = rules;

    /// <summary>The reports of the rules, in their order.</summary>
    public IReadOnlyList<RuleReport> Reports => [.. _rules.Select(r => r.Report)];

    /// <summary>The cleaning for short, clean, technical text such as API documentation: repair, light quality rules, both de-duplications.</summary>
    public static CleaningPipeline Docs(ulong seed = 0) => new(
        new UnicodeRepair(), new GopherQuality(GopherQualityOptions.Docs), new GopherRepetition(GopherRepetitionOptions.Docs),
        new ExactDedup(), new MinHashDedup(MinHashOptions.Docs with { Seed = seed }));

    /// <summary>The cleaning for crawled pages, with the published thresholds.</summary>
    public static CleaningPipeline Web(ulong seed = 0) => new(
        new UnicodeRepair(), new C4Quality(C4QualityOptions.Web), new GopherQuality(GopherQualityOptions.Web), new GopherRepetition(GopherRepetitionOptions.Web),
        new LineDedup(), new ExactDedup(), new MinHashDedup(new MinHashOptions { Seed = seed }), new PiiMask());

    /// <summary>Applies the rules.</summary>
    public IEnumerable<Document> Apply(IEnumerable<Document> documents) => _rules.Aggregate(documents, (stream, rule) => rule.Apply(stream));
}
