using System.Globalization;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>
/// Random windows over one stretch of tokens, as nanoGPT trains on a text: row n begins at a place drawn by (seed, n) alone, so
/// rows do not depend on how they are grouped into batches. Document ends are ignored.
/// </summary>
public sealed class RandomWindows : BatchLoader
{
    private readonly TokenStore _store;
    private readonly ulong _seed;
    private readonly int[] _window;
    private readonly string _fingerprint;
    private long _rows;

    /// <summary>Creates the loader at its first row.</summary>
    /// <exception cref="CratonException">The text is shorter than a row and its last target.</exception>
    public RandomWindows(TokenStore store, int context, ulong seed = 0) : base(context)
    {
        if (store.Tokens <= context) throw new CratonException($"A row of {context} tokens needs a text of at least {context + 1}, got {store.Tokens}; use a smaller context or more text.");
        (_store, _seed, _window) = (store, seed, new int[context + 1]);
        _fingerprint = StableHash.Of(string.Create(CultureInfo.InvariantCulture, $"windows {context} {seed} {store.Tokens}")).ToString("x16", CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override LoaderState State
    {
        get => new(_fingerprint, _rows, []);
        set
        {
            Check(value, _fingerprint, 0);
            _rows = value.Rows;
        }
    }

    private protected override void NextRow(Span<int> inputs, Span<int> targets, Span<int> documentIds, Span<int> positions)
    {
        ulong place = StableHash.Below(StableHash.Combine(_seed, (ulong)_rows++), (ulong)(_store.Tokens - Context));
        _store.Read((long)place, _window);
        _window.AsSpan(0, Context).CopyTo(inputs);
        _window.AsSpan(1).CopyTo(targets);
        documentIds.Clear();
        for (int i = 0; i < positions.Length; i++) positions[i] = i;
    }
}
