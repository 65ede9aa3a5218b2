namespace Craton.Data.Images;

/// <summary>Many pictures as one.</summary>
public static class PictureGrid
{
    /// <summary>Lays pictures side by side in rows.</summary>
    /// <param name="images">Numbers of 0 to 1, [count, channels, height, width].</param>
    /// <param name="width">Pixels of a row of one.</param>
    /// <param name="height">Rows of one.</param>
    /// <param name="channels">1 grey, 3 red, green and blue.</param>
    /// <param name="columns">Pictures in a row; what is left of the last row is black.</param>
    public static Picture Of(ReadOnlySpan<float> images, int width, int height, int channels, int columns)
    {
        int plane = width * height, count = images.Length / (plane * channels), rows = (count + columns - 1) / columns;
        byte[] samples = new byte[checked(rows * columns * plane * channels)];
        for (int i = 0; i < images.Length; i++)
        {
            int image = i / (plane * channels), channel = i / plane % channels, y = i % plane / width, x = i % width;
            int at = (image / columns * height + y) * columns * width + image % columns * width + x;
            samples[at * channels + channel] = (byte)(Math.Clamp(images[i], 0, 1) * 255 + 0.5f);
        }
        return new(columns * width, rows * height, channels, samples);
    }

    /// <summary>Lays pictures of one size side by side in rows.</summary>
    /// <param name="pictures">At least one.</param>
    /// <param name="columns">Pictures in a row; what is left of the last row is black.</param>
    public static Picture Of(IReadOnlyList<Picture> pictures, int columns)
    {
        (int width, int height, int channels) = (pictures[0].Width, pictures[0].Height, pictures[0].Channels);
        int rows = (pictures.Count + columns - 1) / columns, row = width * channels;
        byte[] samples = new byte[checked(rows * height * columns * row)];
        for (int i = 0; i < pictures.Count; i++)
            for (int y = 0; y < height; y++)
                pictures[i].Samples.AsSpan(y * row, row).CopyTo(samples.AsSpan(((i / columns * height + y) * columns + i % columns) * row));
        return new(columns * width, rows * height, channels, samples);
    }
}
