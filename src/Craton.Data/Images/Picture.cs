using Craton.Tensors;

namespace Craton.Data.Images;

/// <summary>A picture of 8-bit samples in rows, the samples of a pixel side by side.</summary>
public sealed class Picture
{
    /// <summary>Most pixels that are decoded unless a caller allows more: 64 million.</summary>
    public const long MostPixels = 1 << 26;

    /// <summary>Takes over samples [height, width, channels].</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">1 grey, 2 grey and alpha, 3 red, green and blue, 4 with alpha.</param>
    /// <param name="samples">All samples.</param>
    public Picture(int width, int height, int channels, byte[] samples)
    {
        if (width < 1 || height < 1 || channels is < 1 or > 4 || samples.Length != (long)width * height * channels)
            throw new CratonException($"[picture] samples: expected {width}×{height} pixels of {channels} channels, got {samples.Length} samples");
        (Width, Height, Channels, Samples) = (width, height, channels, samples);
    }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>1 grey, 2 grey and alpha, 3 red, green and blue, 4 with alpha.</summary>
    public int Channels { get; }

    /// <summary>All samples, [height, width, channels].</summary>
    public byte[] Samples { get; }

    /// <summary>Red, green and blue; alpha is left out, grey is repeated.</summary>
    public Picture ToRgb()
    {
        if (Channels == 3) return this;
        byte[] rgb = new byte[checked(Width * Height * 3)];
        int second = Channels > 2 ? 1 : 0;
        for (int i = 0, at = 0; at < rgb.Length; i += Channels, at += 3) (rgb[at], rgb[at + 1], rgb[at + 2]) = (Samples[i], Samples[i + second], Samples[i + 2 * second]);
        return new(Width, Height, 3, rgb);
    }

    /// <summary>Red, green and blue of the picture laid on white.</summary>
    public Picture OnWhite()
    {
        Picture rgb = ToRgb();
        if (Channels is 1 or 3) return rgb;
        byte[] laid = new byte[rgb.Samples.Length];
        for (int i = 0; i < laid.Length; i++)
        {
            // Rounded as the common libraries do: by sevenths of a bit below the last place.
            int alpha = Samples[i / 3 * Channels + Channels - 1];
            uint sum = (uint)(rgb.Samples[i] * alpha + 255 * (255 - alpha)) * 128 + 128 * 128;
            laid[i] = (byte)(((sum >> 8) + sum >> 8) >> 7);
        }
        return new(Width, Height, 3, laid);
    }

    /// <summary>The brightness of <see cref="ToRgb"/> (ITU-R BT.601).</summary>
    public Picture ToGrey()
    {
        if (Channels == 1) return this;
        byte[] rgb = ToRgb().Samples, grey = new byte[Width * Height];
        for (int i = 0; i < grey.Length; i++) grey[i] = (byte)((rgb[3 * i] * 19595 + rgb[3 * i + 1] * 38470 + rgb[3 * i + 2] * 7471 + 0x8000) >> 16);
        return new(Width, Height, 1, grey);
    }
}

/// <summary>A picture file that is damaged, hostile or of a kind that is not read.</summary>
public sealed class PictureException : CratonException
{
    /// <summary>Creates the exception with its sentence.</summary>
    public PictureException(string message) : base(message) { }

    /// <summary>Creates the exception with its sentence and what caused it.</summary>
    public PictureException(string message, Exception inner) : base(message, inner) { }
}
