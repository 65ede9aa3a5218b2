namespace Craton.Data;

/// <summary>Several sources, each row from one of them by chance: how old text is replayed among the new.</summary>
public sealed class MixtureSource : IRowSource
{
    private readonly (IRowSource Source, double Weight)[] _parts;
    private readonly ulong _seed;
    private readonly double _weights;
    private long _rows;

    /// <summary>Creates the mixture; weights need not sum to 1.</summary>
    public MixtureSource(IEnumerable<(IRowSource Source, double Weight)> parts, ulong seed)
    {
        _parts = [.. parts];
        _weights = _parts.Sum(p => p.Weight);
        _seed = seed;
    }

    /// <inheritdoc />
    public LoaderState State
    {
        get => new() { Rows = _rows, Parts = [.. _parts.Select(p => p.Source.State)] };
        set
        {
            _rows = value.Rows;
            for (int i = 0; i < _parts.Length; i++) _parts[i].Source.State = value.Parts![i];
        }
    }

    /// <inheritdoc />
    public void Next(TokenRow row)
    {
        double at = StableHash.ToUnit(StableHash.Combine(_seed, (ulong)_rows++)) * _weights;
        int chosen = 0;
        while (chosen < _parts.Length - 1 && (at -= _parts[chosen].Weight) >= 0) chosen++;
        _parts[chosen].Source.Next(row);
    }
}
