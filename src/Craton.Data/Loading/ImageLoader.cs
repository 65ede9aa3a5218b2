using System.Globalization;
using Craton.Data.Images;
using Craton.Tensors;
using Craton.Tensors.Diagnostics;

namespace Craton.Data;

/// <summary>
/// Fills batches of pictures as numbers from 0 to 1: another order each epoch, endless, and resumable at any picture. Batches run over the
/// end of an epoch. Not thread-safe.
/// </summary>
public sealed class ImageLoader : IResumable
{
    private readonly ImageSet _set;
    private readonly ulong _seed;
    private readonly bool _shuffle;
    private readonly string _fingerprint;
    private Permutation _order;
    private long _epoch, _next;

    /// <summary>Creates the loader at its first picture.</summary>
    /// <param name="set">The pictures.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="shuffle">Another order each epoch; else the order of the set.</param>
    public ImageLoader(ImageSet set, ulong seed = 0, bool shuffle = true)
    {
        (_set, _seed, _shuffle) = (set, seed, shuffle);
        _fingerprint = StableHash.Of(string.Create(CultureInfo.InvariantCulture, $"images {seed} {shuffle} {set.Fingerprint}")).ToString("x16", CultureInfo.InvariantCulture);
        Enter(0, 0);
    }

    /// <inheritdoc/>
    public LoaderState State
    {
        get => new(_fingerprint, _epoch * _set.Count + _next, [new SourceCursor(_epoch, _next, 0, _epoch * _set.Count + _next)]);
        set
        {
            BatchLoader.Check(value, _fingerprint, 1);
            SourceCursor cursor = value.Sources[0];
            if (cursor.Epoch < 0 || cursor.Document < 0 || cursor.Document >= _set.Count) throw new CratonException("The checkpoint's place in the pictures is damaged: its picture does not exist; resume from an earlier checkpoint.");
            Enter(cursor.Epoch, cursor.Document);
        }
    }

    /// <summary>Fills the next pictures.</summary>
    /// <param name="images">Receives [pictures, channels, height, width], or [pictures, height · width] of grey ones, row-major.</param>
    /// <param name="labels">Receives their labels; empty when they are not wanted.</param>
    /// <exception cref="ArgumentException">The span holds no whole number of pictures, or not as many as there is room for labels.</exception>
    public void Next(Span<float> images, Span<int> labels = default)
    {
        int size = _set.SamplesOfOne, count = images.Length / size;
        if (images.Length != count * size || (labels.Length > 0 && (labels.Length != count || _set.Labels.Length == 0)))
            throw new ArgumentException($"expected room for pictures of {size} samples and a label each, got {images.Length} samples and {labels.Length} labels of a set with {_set.Labels.Length}");
        using var data = OpProfile.Part("data", "pictures");
        for (int i = 0; i < count; i++)
        {
            int picture = (int)(_shuffle ? _order[_next] : _next);
            Spread(_set.SamplesOf(picture), images.Slice(i * size, size));
            if (labels.Length > 0) labels[i] = _set.Labels[picture];
            if (++_next == _set.Count) Enter(_epoch + 1, 0);
        }
    }

    private void Enter(long epoch, long next) =>
        (_epoch, _next, _order) = (epoch, next, new Permutation(_set.Count, StableHash.Combine(_seed, (ulong)epoch)));

    // [height, width, channels] of bytes to [channels, height, width] of 0 to 1.
    private void Spread(ReadOnlySpan<byte> from, Span<float> to)
    {
        int channels = _set.Channels, plane = from.Length / channels;
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < plane; i++) to[c * plane + i] = from[i * channels + c] / 255f;
    }
}
