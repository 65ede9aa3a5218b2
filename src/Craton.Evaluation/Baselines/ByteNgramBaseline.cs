using System.Runtime.InteropServices;
using System.Text;
using Craton.Tensors;

namespace Craton.Evaluation;

/// <summary>
/// A byte n-gram model with interpolated modified Kneser-Ney smoothing: the strongest model that training text gives by counting
/// alone. A neural model that does not beat it has learnt no more than spelling.
/// </summary>
/// <remarks>
/// Chen and Goodman, "An empirical study of smoothing techniques for language modeling" (1999), section 3: three discounts per order
/// from the counts of counts, lower orders over the number of distinct left neighbours, the lowest order interpolated with the
/// uniform distribution over the 257 symbols (256 bytes and the end of a document). Contexts do not reach over a document's start,
/// which is a symbol of its own in contexts and never predicted; grams that begin with it have no left neighbour and keep their counts.
/// Memory grows with the distinct n-grams (some 60 bytes each), not with the text. Order 1 is the byte unigram.
/// </remarks>
public sealed class ByteNgramBaseline
{
    /// <summary>Symbols that are predicted: 256 bytes and <see cref="End"/>.</summary>
    public const int Symbols = 257;

    /// <summary>The symbol after a document's last byte.</summary>
    public const int End = 256;

    // A gram is packed into one key, 9 bits a symbol, the newest lowest. Symbols are stored plus 1, so that no field of a gram is 0.
    private const int BitsPerSymbol = 9;
    private const int MaxOrder = 7;
    private const ulong Start = 258;

    /// <summary>What followed a context: how often in all, and how many distinct symbols once, twice, and oftener.</summary>
    private struct Followers
    {
        public long Total;
        public int Once, Twice, More;
    }

    /// <summary>The model of one order: counts of grams, followers of contexts, and the amounts taken off counts of 1, 2, and more.</summary>
    private sealed class Level
    {
        public readonly Dictionary<ulong, long> Counts = [];
        public readonly Dictionary<ulong, Followers> Contexts = [];
        public double Discount1, Discount2, Discount3;
    }

    private readonly Level[] _levels; // [order - 1]

    private ByteNgramBaseline(int order) => _levels = [.. Enumerable.Range(0, order).Select(_ => new Level())];

    /// <summary>Bytes of a gram, the predicted one included.</summary>
    public int Order => _levels.Length;

    /// <summary>Distinct grams of all orders.</summary>
    public long Grams => _levels.Sum(l => (long)l.Counts.Count);

    /// <summary>Counts the training documents, each once through, and estimates the model.</summary>
    /// <param name="documents">The text that the model under test was trained on.</param>
    /// <param name="order">Bytes of a gram, 1 to 7.</param>
    /// <exception cref="CratonException">The order is out of range.</exception>
    public static ByteNgramBaseline Train(IEnumerable<string> documents, int order = 5)
    {
        if (order is < 1 or > MaxOrder) throw new CratonException($"The order of a byte n-gram model must be 1 to {MaxOrder}, got {order}; 5 is usual.");
        var model = new ByteNgramBaseline(order);
        foreach (string document in documents) model.Count(Encoding.UTF8.GetBytes(document));
        model.CountLeftNeighbours();
        foreach (Level level in model._levels) Estimate(level);
        return model;
    }

    /// <summary>Code length of documents and of their ends.</summary>
    /// <exception cref="CratonException">There is no text.</exception>
    public BitsPerByte Measure(IEnumerable<string> documents)
    {
        var length = new CodeLength();
        long total = 0;
        foreach (string document in documents)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(document);
            total += bytes.Length;
            ulong history = Start;
            for (int i = 0; i <= bytes.Length; i++)
            {
                int symbol = i < bytes.Length ? bytes[i] : End;
                length.Add(Probability(history, symbol));
                history = Extend(history, symbol) & Mask(MaxOrder - 1);
            }
        }
        return BitsPerByte.Of(length.Bits, total);
    }

    /// <summary>The probability that a document which begins with the given bytes goes on with a symbol.</summary>
    /// <param name="document">The document so far, from its first byte.</param>
    /// <param name="symbol">A byte, or <see cref="End"/>.</param>
    public double Probability(ReadOnlySpan<byte> document, int symbol)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(symbol);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(symbol, End);
        ulong history = document.Length < Order ? Start : 0;
        foreach (byte b in document[Math.Max(0, document.Length - Order)..]) history = Extend(history, b) & Mask(MaxOrder - 1);
        return Probability(history, symbol);
    }

    private double Probability(ulong history, int symbol)
    {
        double probability = 1.0 / Symbols;
        for (int order = 1; order <= Order; order++)
        {
            Level level = _levels[order - 1];
            ulong context = history & Mask(order - 1);

            // A context that was never seen was not seen with more before it either; one field short: the document began there.
            if (order > 1 && context >> BitsPerSymbol * (order - 2) == 0) break;
            if (!level.Contexts.TryGetValue(context, out Followers seen)) break;
            level.Counts.TryGetValue(Extend(context, symbol), out long count);
            double freed = level.Discount1 * seen.Once + level.Discount2 * seen.Twice + level.Discount3 * seen.More;
            probability = (count - Discount(level, count) + freed * probability) / seen.Total;
        }
        return probability;
    }

    private void Count(ReadOnlySpan<byte> document)
    {
        ulong gram = Start, mask = Mask(Order);
        for (int i = 0; i <= document.Length; i++)
        {
            gram = Extend(gram, i < document.Length ? document[i] : End) & mask;
            Level level = _levels[Math.Min(i + 2, Order) - 1];
            CollectionsMarshal.GetValueRefOrAddDefault(level.Counts, gram, out _)++;
        }
    }

    /// <summary>A lower order counts in how many distinct places its grams occurred: once for each gram that is one symbol longer.</summary>
    private void CountLeftNeighbours()
    {
        for (int order = Order; order > 1; order--)
        {
            ulong mask = Mask(order - 1);
            Dictionary<ulong, long> lower = _levels[order - 2].Counts;
            foreach (ulong gram in _levels[order - 1].Counts.Keys) CollectionsMarshal.GetValueRefOrAddDefault(lower, gram & mask, out _)++;
        }
    }

    private static void Estimate(Level level)
    {
        Span<double> grams = stackalloc double[5]; // grams that were counted once, twice, three and four times
        foreach ((ulong gram, long count) in level.Counts)
        {
            if (count <= 4) grams[(int)count]++;
            ref Followers followers = ref CollectionsMarshal.GetValueRefOrAddDefault(level.Contexts, gram >> BitsPerSymbol, out _);
            followers.Total += count;
            if (count == 1) followers.Once++;
            else if (count == 2) followers.Twice++;
            else followers.More++;
        }

        // Of the closed forms of Chen and Goodman (their equation 17); half, one and a half of it where so little text gives none.
        double y = grams[1] / (grams[1] + 2 * grams[2]);
        bool enough = grams[1] > 0 && grams[2] > 0 && grams[3] > 0;
        level.Discount1 = enough ? 1 - 2 * y * grams[2] / grams[1] : 0.5;
        level.Discount2 = enough ? Math.Clamp(2 - 3 * y * grams[3] / grams[2], 0, 2) : 1;
        level.Discount3 = enough ? Math.Clamp(3 - 4 * y * grams[4] / grams[3], 0, 3) : 1.5;
    }

    private static double Discount(Level level, long count) => count switch
    {
        0 => 0,
        1 => level.Discount1,
        2 => level.Discount2,
        _ => level.Discount3,
    };

    private static ulong Extend(ulong gram, int symbol) => gram << BitsPerSymbol | (uint)(symbol + 1);

    private static ulong Mask(int symbols) => (1UL << BitsPerSymbol * symbols) - 1;
}
