using Craton.Tensors;

namespace Craton.Data;

/// <summary>Random windows over one long text, as nanoGPT trains its character models: row n begins at a place that only seed and n decide.</summary>
public sealed class WindowSource : IRowSource
{
    private readonly TokenDataset _data;
    private readonly ulong _seed;
    private readonly bool _sequential;
    private long _rows;

    /// <summary>Creates the source.</summary>
    /// <param name="data">The ids.</param>
    /// <param name="seed">Decides the windows.</param>
    /// <param name="context">Length of a row.</param>
    /// <param name="sequential">Windows one after the other instead, for evaluation.</param>
    public WindowSource(TokenDataset data, ulong seed, int context, bool sequential = false)
    {
        if (data.Tokens <= context)
            throw new CratonException($"the text has {data.Tokens} tokens, expected more than the context of {context}; use more text or a smaller model.context");
        (_data, _seed, _sequential) = (data, seed, sequential);
    }

    /// <inheritdoc />
    public LoaderState State
    {
        get => new() { Rows = _rows };
        set => _rows = value.Rows;
    }

    /// <inheritdoc />
    public void Next(TokenRow row)
    {
        long places = _data.Tokens - row.Ids.Length;
        long start = _sequential ? _rows * row.Ids.Length % places : (long)StableHash.Below(StableHash.Combine(_seed, (ulong)_rows), (ulong)places);
        _data.Read(start, row.Ids);
        row.Ids[1..].CopyTo(row.Targets);
        _data.Read(start + row.Ids.Length, row.Targets[^1..]);
        row.Documents.Clear();
        for (int i = 0; i < row.Positions.Length; i++) row.Positions[i] = i;
        _rows++;
    }
}
