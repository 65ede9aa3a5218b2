using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Craton.Tensors;

namespace Craton.Data.Images;

/// <summary>Pictures of one size, in memory, with a label for each where there are labels.</summary>
public sealed class ImageSet
{
    /// <summary>Most bytes of pixels that the readers of image sets take: 1 GiB.</summary>
    public const long MostBytes = 1L << 30;

    private string? _fingerprint;

    /// <summary>Takes over the pictures.</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows of a picture.</param>
    /// <param name="channels">1 grey, 3 red, green and blue.</param>
    /// <param name="samples">8-bit samples [count, height, width, channels].</param>
    /// <param name="labels">A label below the number of classes for each picture; empty for none.</param>
    /// <param name="classes">Names of the labels; empty when they have none.</param>
    /// <exception cref="CratonException">The numbers of samples or labels do not fit.</exception>
    public ImageSet(int width, int height, int channels, byte[] samples, int[] labels, IReadOnlyList<string> classes)
    {
        long size = (long)width * height * channels;
        if (size <= 0 || samples.Length == 0 || samples.Length % size != 0)
            throw new CratonException($"[image set] samples: expected pictures of {width}×{height} pixels and {channels} channels, got {samples.Length} samples");
        (Width, Height, Channels, Samples, Labels, Classes) = (width, height, channels, samples, labels, classes);
        if (labels.Length != 0 && labels.Length != Count)
            throw new CratonException($"[image set] labels: expected one for each of {Count} pictures, got {labels.Length}");
    }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows of a picture.</summary>
    public int Height { get; }

    /// <summary>1 grey, 3 red, green and blue.</summary>
    public int Channels { get; }

    /// <summary>All samples, [count, height, width, channels].</summary>
    public byte[] Samples { get; }

    /// <summary>A label for each picture; empty when there are none.</summary>
    public int[] Labels { get; }

    /// <summary>Names of the labels; empty when they have none.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Samples of a picture.</summary>
    public int SamplesOfOne => Width * Height * Channels;

    /// <summary>Number of pictures.</summary>
    public int Count => Samples.Length / SamplesOfOne;

    /// <summary>A hash of all samples and labels.</summary>
    public string Fingerprint => _fingerprint ??= Hash();

    /// <summary>The samples of one picture, [height, width, channels].</summary>
    public ReadOnlySpan<byte> SamplesOf(int index) => Samples.AsSpan(index * SamplesOfOne, SamplesOfOne);

    /// <summary>One picture, copied.</summary>
    public Picture Picture(int index) => new(Width, Height, Channels, SamplesOf(index).ToArray());

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Width} {Height} {Channels} {Labels.Length}")));
        hash.AppendData(Samples);
        foreach (int label in Labels) hash.AppendData([(byte)label, (byte)(label >> 8), (byte)(label >> 16), (byte)(label >> 24)]);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
