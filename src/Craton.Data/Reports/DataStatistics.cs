using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Craton.Tokenizers;

namespace Craton.Data;

/// <summary>One bar of a histogram: values from <see cref="From"/> to below <see cref="To"/>.</summary>
/// <param name="From">Lower bound, included.</param>
/// <param name="To">Upper bound, not included.</param>
/// <param name="Count">Documents in it.</param>
public sealed record HistogramBar(long From, long To, long Count);

/// <summary>What a corpus is made of.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Bytes">UTF-8 bytes.</param>
/// <param name="Characters">Unicode code points.</param>
/// <param name="Words">Stretches between white space.</param>
/// <param name="Tokens">Tokens, when a tokenizer was given.</param>
/// <param name="DuplicateShare">Share of documents whose text occurred before.</param>
/// <param name="WordHistogram">Words per document.</param>
/// <param name="TokenHistogram">Tokens per document, when a tokenizer was given.</param>
/// <param name="Scripts">Share of letters by script.</param>
/// <param name="Languages">Share of documents by language, guessed from frequent words; <c>other</c> where no language is clear.</param>
/// <param name="Cleaning">The reports of the rules, when given.</param>
/// <param name="Unreadable">Records that could not be read.</param>
/// <param name="UnreadableExamples">The first of these.</param>
public sealed record StatisticsSummary(
    long Documents, long Bytes, long Characters, long Words, long? Tokens, double DuplicateShare,
    IReadOnlyList<HistogramBar> WordHistogram, IReadOnlyList<HistogramBar>? TokenHistogram,
    IReadOnlyDictionary<string, double> Scripts, IReadOnlyDictionary<string, double> Languages, IReadOnlyList<RuleReport> Cleaning,
    long Unreadable, IReadOnlyList<BadRecord> UnreadableExamples)
{
    /// <summary>The summary as indented JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, StatisticsJson.Default.StatisticsSummary);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StatisticsSummary))]
internal sealed partial class StatisticsJson : JsonSerializerContext;

/// <summary>Collects statistics while documents pass by, so that they cost no second reading.</summary>
public sealed class DataStatistics
{
    private readonly Tokenizer? _tokenizer;
    private readonly HashSet<ulong> _seen = [];
    private readonly SortedDictionary<string, long> _scripts = new(StringComparer.Ordinal), _languages = new(StringComparer.Ordinal);
    private readonly long[] _wordBars = new long[64], _tokenBars = new long[64];
    private long _documents, _bytes, _characters, _words, _tokens, _duplicates;

    /// <summary>Starts a collection.</summary>
    /// <param name="tokenizer">Counts tokens too.</param>
    public DataStatistics(Tokenizer? tokenizer = null) => _tokenizer = tokenizer;

    /// <summary>What one document adds; computed on any thread.</summary>
    private sealed record Facts(ulong Hash, int Bytes, int Characters, int Words, int Tokens, string Language, SortedDictionary<string, long> Scripts);

    /// <summary>Counts the documents and passes them on unchanged.</summary>
    public IEnumerable<Document> Watch(IEnumerable<Document> documents)
    {
        foreach ((Document document, Facts facts) in ParallelWork.Map(documents, d => Measure(d.Text)))
        {
            Add(facts);
            yield return document;
        }
    }

    /// <summary>The statistics so far.</summary>
    /// <param name="cleaning">Reports of rules to include.</param>
    /// <param name="reading">What could not be read.</param>
    public StatisticsSummary Summary(IReadOnlyList<RuleReport>? cleaning = null, ReadReport? reading = null) => new(
        _documents, _bytes, _characters, _words, _tokenizer is null ? null : _tokens, _documents == 0 ? 0 : (double)_duplicates / _documents,
        Bars(_wordBars), _tokenizer is null ? null : Bars(_tokenBars), Shares(_scripts), Shares(_languages), cleaning ?? [],
        reading?.Skipped ?? 0, reading?.Examples ?? []);

    private Facts Measure(string text)
    {
        var scripts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        int characters = 0, latin = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            characters++;
            if (rune.IsAscii)
            {
                if (char.IsAsciiLetter((char)rune.Value)) latin++;
            }
            else if (Rune.IsLetter(rune))
            {
                string script = Languages.ScriptOf(rune.Value);
                scripts[script] = scripts.GetValueOrDefault(script) + 1;
            }
        }

        if (latin > 0) scripts["Latin"] = scripts.GetValueOrDefault("Latin") + latin;
        List<Range> words = Craton.Data.Words.Split(text);
        int tokens = _tokenizer?.Encode(text).Length ?? 0;
        return new Facts(StableHash.Of(text), Encoding.UTF8.GetByteCount(text), characters, words.Count, tokens, Languages.Guess(text, words), scripts);
    }

    private void Add(Facts facts)
    {
        _documents++;
        _bytes += facts.Bytes;
        _characters += facts.Characters;
        _words += facts.Words;
        _tokens += facts.Tokens;
        _duplicates += _seen.Add(facts.Hash) ? 0 : 1;
        _wordBars[Bar(facts.Words)]++;
        _tokenBars[Bar(facts.Tokens)]++;
        _languages[facts.Language] = _languages.GetValueOrDefault(facts.Language) + 1;
        foreach ((string script, long count) in facts.Scripts) _scripts[script] = _scripts.GetValueOrDefault(script) + count;
    }

    /// <summary>Bars double in width: 0, 1, 2-3, 4-7, ...</summary>
    private static int Bar(int value) => value == 0 ? 0 : BitOperations.Log2((uint)value) + 1;

    private static List<HistogramBar> Bars(long[] counts)
    {
        int first = Array.FindIndex(counts, c => c > 0), last = Array.FindLastIndex(counts, c => c > 0);
        var bars = new List<HistogramBar>();
        for (int i = first; i >= 0 && i <= last; i++) bars.Add(new HistogramBar(i == 0 ? 0 : 1L << i - 1, 1L << i, counts[i]));
        return bars;
    }

    private static SortedDictionary<string, double> Shares(SortedDictionary<string, long> counts)
    {
        double total = counts.Values.Sum();
        var shares = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach ((string name, long count) in counts) shares.Add(name, count / total);
        return shares;
    }
}
