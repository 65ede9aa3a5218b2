using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Craton.Data;

/// <summary>Drops documents whose text was seen before, apart from case and white space. The first stays.</summary>
public sealed class ExactDedup : CleaningRule
{
    /// <summary>Creates the rule.</summary>
    public ExactDedup() : base("exact-dedup") { }

    /// <inheritdoc/>
    public override IEnumerable<Document> Apply(IEnumerable<Document> documents)
    {
        var seen = new HashSet<UInt128>();
        foreach ((Document document, UInt128 key) in ParallelWork.Map(documents, d => KeyOf(d.Text)))
        {
            if (!seen.Add(key))
            {
                Report.Dropped(document, "same text");
                continue;
            }

            Report.Passed(document);
            yield return document;
        }
    }

    /// <summary>128 bits of SHA-256 of the normalised text: no two different texts will ever share them by accident.</summary>
    private static UInt128 KeyOf(string text)
    {
        var normal = new StringBuilder(text.Length);
        foreach (Range word in Words.Split(text)) normal.Append(' ').Append(text.AsSpan(word));
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(MemoryMarshal.AsBytes<char>(normal.ToString().ToLowerInvariant()), hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }
}

/// <summary>
/// Drops lines that the corpus has shown often enough: menus, notices, headings of forums (the idea of CCNet, Wenzek et al. 2020,
/// by lines in reading order, so the first occurrences stay).
/// </summary>
public sealed class LineDedup : CleaningRule
{
    private readonly int _maxOccurrences, _minLength;

    /// <summary>Creates the rule.</summary>
    /// <param name="maxOccurrences">How often a line may occur in the corpus.</param>
    /// <param name="minLength">Lines with fewer characters are never dropped: braces, list marks, short headings.</param>
    public LineDedup(int maxOccurrences = 3, int minLength = 20) : base("line-dedup") => (_maxOccurrences, _minLength) = (maxOccurrences, minLength);

    /// <inheritdoc/>
    public override IEnumerable<Document> Apply(IEnumerable<Document> documents)
    {
        var counts = new Dictionary<ulong, int>();
        foreach (Document document in documents)
        {
            var kept = new StringBuilder(document.Text.Length);
            int removed = 0;
            foreach (ReadOnlySpan<char> line in document.Text.AsSpan().EnumerateLines())
            {
                ReadOnlySpan<char> bare = line.Trim();
                if (bare.Length >= _minLength)
                {
                    ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, StableHash.Of(bare), out _);
                    if (count >= _maxOccurrences)
                    {
                        removed++;
                        continue;
                    }

                    count++;
                }

                kept.Append(line).Append('\n');
            }

            if (removed == 0)
            {
                Report.Passed(document);
                yield return document;
                continue;
            }

            string text = kept.ToString().Trim();
            if (text.Length == 0)
            {
                Report.Dropped(document, "only repeated lines");
                continue;
            }

            Report.Passed(document, "repeated lines removed");
            yield return document with { Text = text };
        }
    }
}
