using System.Globalization;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>
/// Gives out the numbers of the rows of a set: another order each epoch, endless, and resumable at any row. Batches run over the end of an
/// epoch. Not thread-safe.
/// </summary>
public sealed class RowLoader : IResumable
{
    private readonly int _count;
    private readonly ulong _seed;
    private readonly string _fingerprint;
    private Permutation _order;
    private long _epoch, _next;

    /// <summary>Creates the loader at its first row.</summary>
    /// <param name="count">Number of rows.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="data">Fingerprint of the rows.</param>
    public RowLoader(int count, ulong seed, string data)
    {
        (_count, _seed) = (count, seed);
        _fingerprint = StableHash.Of(string.Create(CultureInfo.InvariantCulture, $"rows {seed} {count} {data}")).ToString("x16", CultureInfo.InvariantCulture);
        Enter(0, 0);
    }

    /// <inheritdoc/>
    public LoaderState State
    {
        get => new(_fingerprint, _epoch * _count + _next, [new SourceCursor(_epoch, _next, 0, _epoch * _count + _next)]);
        set
        {
            BatchLoader.Check(value, _fingerprint, 1);
            SourceCursor cursor = value.Sources[0];
            if (cursor.Epoch < 0 || cursor.Document < 0 || cursor.Document >= _count) throw new CratonException("The checkpoint's place in the data is damaged: its row does not exist; resume from an earlier checkpoint.");
            Enter(cursor.Epoch, cursor.Document);
        }
    }

    /// <summary>The numbers of the next rows.</summary>
    public int[] Next(int count)
    {
        int[] rows = new int[count];
        for (int i = 0; i < count; i++)
        {
            rows[i] = (int)_order[_next];
            if (++_next == _count) Enter(_epoch + 1, 0);
        }
        return rows;
    }

    private void Enter(long epoch, long next) => (_epoch, _next, _order) = (epoch, next, new Permutation(_count, StableHash.Combine(_seed, (ulong)epoch)));
}
