namespace Craton.Data;

/// <summary>A sequence of documents as token ids, read at any place. Safe to read from several threads.</summary>
public abstract class TokenStore
{
    /// <summary>Number of documents.</summary>
    public abstract long Documents { get; }

    /// <summary>Number of tokens, end-of-text tokens included.</summary>
    public abstract long Tokens { get; }

    /// <summary>Where a document begins in the sequence, and its number of tokens.</summary>
    public abstract (long Start, int Length) Document(long index);

    /// <summary>Copies <paramref name="ids"/>.Length tokens from place <paramref name="start"/> of the sequence. Allocates nothing.</summary>
    public abstract void Read(long start, Span<int> ids);
}

/// <summary>Token ids held in memory.</summary>
public sealed class MemoryTokens : TokenStore
{
    private readonly int[] _ids;
    private readonly int[] _starts;

    /// <summary>One document: a text for <see cref="RandomWindows"/>.</summary>
    public MemoryTokens(int[] ids) => (_ids, _starts) = (ids, [0, ids.Length]);

    /// <summary>Several documents, each with its end-of-text token where it has one.</summary>
    public MemoryTokens(IReadOnlyList<int[]> documents)
    {
        _ids = [.. documents.SelectMany(d => d)];
        _starts = new int[documents.Count + 1];
        for (int i = 0; i < documents.Count; i++) _starts[i + 1] = _starts[i] + documents[i].Length;
    }

    /// <inheritdoc/>
    public override long Documents => _starts.Length - 1;

    /// <inheritdoc/>
    public override long Tokens => _ids.Length;

    /// <inheritdoc/>
    public override (long Start, int Length) Document(long index) => (_starts[index], _starts[index + 1] - _starts[index]);

    /// <inheritdoc/>
    public override void Read(long start, Span<int> ids) => _ids.AsSpan(checked((int)start), ids.Length).CopyTo(ids);
}
