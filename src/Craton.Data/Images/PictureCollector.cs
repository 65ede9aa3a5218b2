using System.Buffers;

namespace Craton.Data.Images;

/// <summary>Gathers pictures of one size into an <see cref="ImageSet"/>.</summary>
/// <param name="size">Size that every picture is resized to (bilinear); null: all must have the size of the first.</param>
/// <param name="grey">Grey pictures instead of red, green and blue.</param>
internal sealed class PictureCollector((int Width, int Height)? size, bool grey = false)
{
    private readonly ArrayBufferWriter<byte> _samples = new();
    private (int Width, int Height)? _first;

    /// <summary>Number of pictures so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a picture, laid on white.</summary>
    /// <param name="name">Its file, for errors.</param>
    /// <param name="picture">The picture.</param>
    public void Add(string name, Picture picture)
    {
        picture = picture.OnWhite();
        picture = grey ? picture.ToGrey() : picture.ToRgb();
        (int width, int height) = _first ??= size ?? (picture.Width, picture.Height);
        if (size is not null) picture = PictureResizer.Resize(picture, width, height, PictureFilter.Bilinear);
        if ((picture.Width, picture.Height) != (width, height))
            throw new DataFileException(name, "", $"expected a picture of {width}×{height} pixels as the first, got {picture.Width}×{picture.Height}; give a size to resize to.");
        if ((long)_samples.WrittenCount + picture.Samples.Length > ImageSet.MostBytes)
            throw new DataFileException(name, "", $"is where the pictures exceed {ImageSet.MostBytes:N0} bytes; use fewer, or a smaller size.");
        _samples.Write(picture.Samples);
        Count++;
    }

    /// <summary>The set of what was added, at least one picture.</summary>
    public ImageSet ToSet(int[] labels, IReadOnlyList<string> classes) => new(_first!.Value.Width, _first.Value.Height, grey ? 1 : 3, _samples.WrittenSpan.ToArray(), labels, classes);
}
