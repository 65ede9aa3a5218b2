using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Unicode;
using Craton.Tokenizers.Bpe;
using Craton.Tokenizers.Pipeline;
using Craton.Tokenizers.Splitting;

namespace Craton.Tokenizers.Training;

/// <summary>Counts the pieces of a corpus on several threads, each text as soon as it arrives.</summary>
internal sealed class PieceCounter(BpeTrainerOptions options)
{
    private const int PiecesAtOnce = 64;
    private const int BatchBytes = 1 << 20;

    private readonly Splitter? _splitter = options.Pattern == SplitPattern.None ? null : Patterns.Create(options.Pattern);
    private readonly Normalizer _normalizer = options.Nfc ? new FormNormalizer(compose: true, compatibility: false) : Normalizer.None;

    /// <summary>The distinct pieces with their counts, in an order that depends on the threads.</summary>
    public PieceCounts Count(IEnumerable<ReadOnlyMemory<byte>> texts)
    {
        var total = new PieceCounts();
        Parallel.ForEach(
            Partitioner.Create(Batches(texts), EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Threads) },
            () => new PieceCounts(),
            (batch, _, table) =>
            {
                foreach (ReadOnlyMemory<byte> text in batch)
                    Count(text.Span, table);
                return table;
            },
            table =>
            {
                lock (total)
                    total.Add(table);
            });

        return total;
    }

    private static IEnumerable<List<ReadOnlyMemory<byte>>> Batches(IEnumerable<ReadOnlyMemory<byte>> texts)
    {
        var batch = new List<ReadOnlyMemory<byte>>();
        int bytes = 0;
        foreach (ReadOnlyMemory<byte> text in texts)
        {
            batch.Add(text);
            bytes += text.Length;
            if (bytes < BatchBytes)
                continue;
            yield return batch;
            (batch, bytes) = ([], 0);
        }

        yield return batch;
    }

    private void Count(ReadOnlySpan<byte> text, PieceCounts table)
    {
        if (!Utf8.IsValid(text))
            text = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text));
        if (!_normalizer.Keeps(text))
            text = _normalizer.Apply(AlignedText.Of(text)).ToUtf8(out _);
        if (!options.AddPrefixSpace || text.IsEmpty || text[0] == (byte)' ')
        {
            Split(text, table);
            return;
        }

        byte[] padded = ArrayPool<byte>.Shared.Rent(text.Length + 1);
        padded[0] = (byte)' ';
        text.CopyTo(padded.AsSpan(1));
        Split(padded.AsSpan(0, text.Length + 1), table);
        ArrayPool<byte>.Shared.Return(padded);
    }

    private void Split(ReadOnlySpan<byte> text, PieceCounts table)
    {
        if (_splitter is null)
        {
            table.Add(text, 1);
            return;
        }

        Span<int> ends = stackalloc int[PiecesAtOnce];
        for (int start = 0; start < text.Length;)
        {
            int count = _splitter.Split(text, start, ends);
            foreach (int end in ends[..count])
            {
                table.Add(text[start..end], 1);
                start = end;
            }
        }
    }
}
