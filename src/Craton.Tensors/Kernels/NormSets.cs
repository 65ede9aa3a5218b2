namespace Craton.Tensors.Kernels;

/// <summary>
/// Which elements of x [N, C, pixels] are normalised together: those of some channels of one image, or of one channel of all images. A set
/// consists of segments, each the pixels of one channel of one image.
/// </summary>
/// <param name="Images">N.</param>
/// <param name="Channels">C.</param>
/// <param name="Pixels">Elements of a segment.</param>
/// <param name="Groups">Sets of an image; 0: a set is a channel of all images.</param>
internal readonly record struct NormSets(int Images, int Channels, int Pixels, int Groups)
{
    /// <summary>Number of sets.</summary>
    public int Count => Groups > 0 ? Images * Groups : Channels;

    /// <summary>Segments of a set.</summary>
    public int Segments => Groups > 0 ? Channels / Groups : Images;

    /// <summary>The segment's number among all, image by image; its channel is that modulo the channels.</summary>
    public int Segment(int set, int i) => Groups > 0 ? set * Segments + i : i * Channels + set;
}
