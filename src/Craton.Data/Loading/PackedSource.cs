using Craton.Tensors;

namespace Craton.Data;

/// <summary>
/// Documents in random order, one after the other, filling every row completely. Each document is preceded by the end-of-text id, so that
/// its first token is predicted too, and none sees another (issue of "cross-contamination" in packed training). A document that does not
/// fit goes on in the next row with what comes before it unseen.
/// </summary>
public sealed class PackedSource : IRowSource
{
    private readonly TokenDataset _data;
    private readonly ulong _seed;
    private readonly bool _shuffle;
    private readonly int _separator;
    private Permutation _order;
    private long _rows, _epoch, _place, _offset;

    /// <summary>Creates the source.</summary>
    /// <param name="data">A split with end-of-text ids.</param>
    /// <param name="seed">Decides the order.</param>
    /// <param name="shuffle">False: documents in stored order, for evaluation.</param>
    public PackedSource(TokenDataset data, ulong seed, bool shuffle = true)
    {
        _separator = data.Manifest.EndOfText ?? throw new CratonException("these shards have no end-of-text ids between documents; build them with separated documents, or set data.loader: windows");
        (_data, _seed, _shuffle) = (data, seed, shuffle);
        _order = new Permutation(data.Documents, seed, 0);
    }

    /// <inheritdoc />
    public LoaderState State
    {
        get => new() { Rows = _rows, Epoch = _epoch, Place = _place, Offset = _offset };
        set
        {
            (_rows, _epoch, _place, _offset) = (value.Rows, value.Epoch, value.Place, value.Offset);
            _order = new Permutation(_data.Documents, _seed, (ulong)_epoch);
        }
    }

    /// <inheritdoc />
    public void Next(TokenRow row)
    {
        for (int filled = 0, document = 0; filled < row.Ids.Length; document++)
        {
            int index = (int)(_shuffle ? _order[_place] : _place);
            long start = _data.Start(index), length = _data.Start(index + 1) - start; // the stored ids; the last one is the end
            int count = (int)Math.Min(row.Ids.Length - filled, length - _offset);
            Span<int> targets = row.Targets.Slice(filled, count), ids = row.Ids.Slice(filled, count);
            _data.Read(start + _offset, targets);
            targets[..^1].CopyTo(ids[1..]);
            ids[0] = _separator;
            if (_offset > 0) _data.Read(start + _offset - 1, ids[..1]);
            for (int i = 0; i < count; i++)
            {
                row.Documents[filled + i] = document;
                row.Positions[filled + i] = i;
            }
            filled += count;
            _offset += count;
            if (_offset == length) NextDocument();
        }
        _rows++;
    }

    private void NextDocument()
    {
        _offset = 0;
        if (++_place < _data.Documents) return;
        _place = 0;
        _order = new Permutation(_data.Documents, _seed, (ulong)++_epoch);
    }
}
