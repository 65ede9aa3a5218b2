namespace Craton.Data.Images;

/// <summary>What the samples of a PNG file are.</summary>
public enum PngColour
{
    /// <summary>Grey.</summary>
    Grey = 0,
    /// <summary>Red, green and blue.</summary>
    Rgb = 2,
    /// <summary>Indices into a palette.</summary>
    Palette = 3,
    /// <summary>Grey and alpha.</summary>
    GreyAlpha = 4,
    /// <summary>Red, green, blue and alpha.</summary>
    Rgba = 6,
}

/// <summary>A PNG file as it is: samples before palette and depth are applied.</summary>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Colour">What the samples are.</param>
/// <param name="Depth">Bits of a sample in the file: 1, 2, 4, 8 or 16.</param>
/// <param name="Samples">A byte for each sample, [height, width, channels]; of 16 bits the upper 8.</param>
/// <param name="Palette">Red, green and blue of each colour of the palette; empty when there is none.</param>
/// <param name="Transparency">Alpha of each colour of the palette; or, of grey and RGB, the samples (16 bits each) that are transparent.</param>
public sealed record PngImage(int Width, int Height, PngColour Colour, int Depth, byte[] Samples, byte[] Palette, byte[] Transparency)
{
    /// <summary>Samples of a pixel.</summary>
    public int Channels => ChannelsOf(Colour);

    /// <summary>The picture: palette applied, depths below 8 spread over 0 to 255, with alpha where a palette has it.</summary>
    public Picture ToPicture()
    {
        if (Colour == PngColour.Palette) return FromPalette();
        if (Depth >= 8) return new(Width, Height, Channels, Samples);
        int factor = 255 / ((1 << Depth) - 1);
        return new(Width, Height, 1, Array.ConvertAll(Samples, sample => (byte)(sample * factor)));
    }

    internal static int ChannelsOf(PngColour colour) => colour switch { PngColour.Rgb => 3, PngColour.GreyAlpha => 2, PngColour.Rgba => 4, _ => 1 };

    private Picture FromPalette()
    {
        int channels = Transparency.Length > 0 ? 4 : 3;
        byte[] samples = new byte[checked(Width * Height * channels)];
        for (int i = 0; i < Samples.Length; i++)
        {
            Palette.AsSpan(3 * Samples[i], 3).CopyTo(samples.AsSpan(channels * i));
            if (channels == 4) samples[4 * i + 3] = Samples[i] < Transparency.Length ? Transparency[Samples[i]] : (byte)255;
        }
        return new(Width, Height, channels, samples);
    }
}
