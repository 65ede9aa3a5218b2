using System.Runtime.InteropServices;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>Settings of <see cref="MinHashDedup"/>.</summary>
public sealed record MinHashOptions
{
    /// <summary>Documents at least this similar (Jaccard similarity of their word n-grams) are duplicates.</summary>
    public double Threshold { get; init; } = 0.8;

    /// <summary>Words in an n-gram (shingle).</summary>
    public int GramWords { get; init; } = 5;

    /// <summary>Hash functions: the similarity of two documents is estimated with a standard deviation of about 0.5 / sqrt of this.</summary>
    public int Hashes { get; init; } = 128;

    /// <summary>Seed of the hash functions.</summary>
    public ulong Seed { get; init; }

    /// <summary>For short reference texts: smaller n-grams, and overloads that differ in a few words stay.</summary>
    public static MinHashOptions Docs { get; } = new() { Threshold = 0.9, GramWords = 3 };
}

/// <summary>
/// Finds near-duplicates by MinHash signatures and locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of
/// Massive Datasets", chapter 3), joins them into clusters and keeps the first document of each. The work is linear in the number
/// of documents, also when all are near-duplicates. Holds the corpus in memory.
/// </summary>
public sealed class MinHashDedup : CleaningRule
{
    private readonly MinHashOptions _options;
    private readonly ulong[] _multipliers, _offsets;
    private readonly int _bands, _rows;

    /// <summary>Creates the rule.</summary>
    /// <exception cref="CratonException">A setting is out of range.</exception>
    public MinHashDedup(MinHashOptions? options = null) : base("minhash-dedup")
    {
        _options = options ?? new MinHashOptions();
        if (!(_options.Threshold is > 0 and <= 1) || _options.GramWords < 1 || _options.Hashes is < 8 or > 4096)
            throw new CratonException($"MinHash needs a threshold in (0, 1], at least 1 word and 8 to 4096 hashes, got {_options.Threshold}, {_options.GramWords} and {_options.Hashes}.");
        _multipliers = new ulong[_options.Hashes];
        _offsets = new ulong[_options.Hashes];
        for (int i = 0; i < _options.Hashes; i++)
        {
            _multipliers[i] = StableHash.Combine(_options.Seed, 2 * (ulong)i) | 1;
            _offsets[i] = StableHash.Combine(_options.Seed, 2 * (ulong)i + 1);
        }

        (_bands, _rows) = BestBands(_options.Threshold, _options.Hashes);
    }

    /// <inheritdoc/>
    public override IEnumerable<Document> Apply(IEnumerable<Document> documents)
    {
        var all = new List<Document>();
        var signatures = new List<uint[]?>();
        foreach ((Document document, uint[]? signature) in ParallelWork.Map(documents, d => Signature(d.Text)))
        {
            all.Add(document);
            signatures.Add(signature);
        }

        int[] parents = Cluster(signatures);
        for (int i = 0; i < all.Count; i++)
        {
            if (Root(parents, i) != i)
            {
                Report.Dropped(all[i], "near-duplicate");
                continue;
            }

            Report.Passed(all[i]);
            yield return all[i];
        }
    }

    /// <summary>The smallest value of each hash function over the n-grams of a text; null for a text without words, which is like no other.</summary>
    private uint[]? Signature(string text)
    {
        ulong[] grams = Words.Grams(Words.Hashes(text), _options.GramWords);
        if (grams.Length == 0) return null;
        uint[] signature = new uint[_multipliers.Length];
        Array.Fill(signature, uint.MaxValue);
        foreach (ulong gram in grams)
        {
            for (int i = 0; i < signature.Length; i++)
            {
                uint value = (uint)(gram * _multipliers[i] + _offsets[i] >> 32); // multiply-shift: the high half is well mixed
                if (value < signature[i]) signature[i] = value;
            }
        }

        return signature;
    }

    /// <summary>
    /// Joins documents that share a band and whose estimated similarity reaches the threshold. Within a bucket each document is
    /// compared with the bucket's first only, which keeps the work linear; a miss there has the other bands as further chances.
    /// </summary>
    private int[] Cluster(List<uint[]?> signatures)
    {
        int[] parents = new int[signatures.Count];
        for (int i = 0; i < parents.Length; i++) parents[i] = i;
        int needed = (int)Math.Ceiling(_options.Threshold * _options.Hashes);
        var buckets = new Dictionary<ulong, int>(signatures.Count);
        for (int band = 0; band < _bands; band++)
        {
            buckets.Clear();
            for (int i = 0; i < parents.Length; i++)
            {
                if (signatures[i] is not { } signature) continue;
                ulong key = (ulong)band;
                for (int r = 0; r < _rows; r++) key = StableHash.Combine(key, signature[band * _rows + r]);
                ref int first = ref CollectionsMarshal.GetValueRefOrAddDefault(buckets, key, out bool known);
                if (!known) first = i;
                else if (Root(parents, first) != Root(parents, i) && Equal(signatures[first]!, signature) >= needed) Join(parents, first, i);
            }
        }

        return parents;
    }

    private static int Equal(uint[] a, uint[] b)
    {
        int equal = 0;
        for (int i = 0; i < a.Length; i++) equal += a[i] == b[i] ? 1 : 0;
        return equal;
    }

    private static int Root(int[] parents, int i)
    {
        while (parents[i] != i) i = parents[i] = parents[parents[i]];
        return i;
    }

    /// <summary>The lower index becomes the root, so that a cluster is represented by its first document.</summary>
    private static void Join(int[] parents, int a, int b)
    {
        (a, b) = (Root(parents, a), Root(parents, b));
        parents[Math.Max(a, b)] = Math.Min(a, b);
    }

    /// <summary>
    /// The division into bands of rows with the least error: the probability 1 - (1 - s^rows)^bands of meeting in a band, summed
    /// over similarities s below the threshold (needless comparisons) and, counted tenfold, 1 minus it above (missed duplicates).
    /// </summary>
    internal static (int Bands, int Rows) BestBands(double threshold, int hashes)
    {
        (int Bands, int Rows) best = (hashes, 1);
        double least = double.MaxValue;
        for (int rows = 1; rows <= hashes; rows++)
        {
            int bands = hashes / rows;
            double error = 0;
            for (int step = 0; step < 200; step++)
            {
                double s = (step + 0.5) / 200, meet = 1 - Power(1 - Power(s, rows), bands);
                error += s < threshold ? meet : 10 * (1 - meet);
            }

            if (error < least) (least, best) = (error, (bands, rows));
        }

        return best;
    }

    // Plain multiplications: the platform's Pow may round differently on another machine.
    private static double Power(double x, int n)
    {
        double power = 1;
        for (; n > 0; n >>= 1, x *= x)
        {
            if ((n & 1) != 0) power *= x;
        }

        return power;
    }
}
