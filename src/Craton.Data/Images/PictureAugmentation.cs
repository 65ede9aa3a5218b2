using Craton.Tensors;

namespace Craton.Data.Images;

/// <summary>How pictures are changed before a model learns from them, each time otherwise.</summary>
/// <param name="Shift">Pixels that they are moved by at most.</param>
/// <param name="Flip">Whether half of them are mirrored.</param>
/// <param name="Zoom">Share by which they are enlarged or reduced at most.</param>
/// <param name="Turn">Slope by which level lines are turned at most.</param>
/// <param name="Colour">Share by which each colour is made stronger or weaker at most.</param>
public sealed record PictureAugmentation(double Shift = 0, bool Flip = false, double Zoom = 0, double Turn = 0, double Colour = 0)
{
    private const int Draws = 16; // numbers of one picture

    /// <summary>Pictures as numbers from −1 to 1.</summary>
    /// <param name="set">The pictures.</param>
    /// <param name="chosen">Which of them.</param>
    /// <param name="augmentation">How they are changed; null for not at all.</param>
    /// <param name="random">Draws the changes.</param>
    /// <returns>[N, channels, height, width].</returns>
    public static Tensor Pixels(ImageSet set, ReadOnlySpan<int> chosen, PictureAugmentation? augmentation = null, in CounterRandom random = default)
    {
        Tensor pixels = Tensor.Empty(DType.F32, chosen.Length, set.Channels, set.Height, set.Width);
        Span<float> all = pixels.AsSpan<float>();
        for (int i = 0; i < chosen.Length; i++)
        {
            Span<float> one = all.Slice(i * set.SamplesOfOne, set.SamplesOfOne);
            ReadOnlySpan<byte> samples = set.SamplesOf(chosen[i]);
            if (augmentation is null) Spread(samples, set.Channels, one);
            else augmentation.Change(set, samples, one, random, i * Draws);
        }
        return pixels;
    }

    private static void Spread(ReadOnlySpan<byte> samples, int channels, Span<float> to)
    {
        int plane = samples.Length / channels;
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < plane; i++) to[c * plane + i] = samples[i * channels + c] / 127.5f - 1;
    }

    // Every pixel is taken from where it came from, between four others; beyond the border it is that of the border.
    private void Change(ImageSet set, ReadOnlySpan<byte> samples, Span<float> to, in CounterRandom random, long first)
    {
        (int width, int height, int channels) = (set.Width, set.Height, set.Channels);
        double scale = 1 / (1 + Zoom * Signed(random, first)), turn = Turn * Signed(random, first + 1);
        double dx = Shift * Signed(random, first + 2), dy = Shift * Signed(random, first + 3), side = Flip && random.Bernoulli(first, 0.5) ? -1 : 1;
        double middleX = (width - 1) / 2.0, middleY = (height - 1) / 2.0;
        for (int c = 0; c < channels; c++)
        {
            float strength = (float)(1 + Colour * Signed(random, first + 4 + c)), lift = (float)(Colour * Signed(random, first + 8 + c));
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    double u = (x - middleX) * scale * side, v = (y - middleY) * scale;
                    float sample = Between(set, samples, c, u - turn * v + middleX + dx, v + turn * u + middleY + dy);
                    to[(c * height + y) * width + x] = (sample / 127.5f - 1) * strength + lift;
                }
        }
    }

    private static float Between(ImageSet set, ReadOnlySpan<byte> samples, int channel, double x, double y)
    {
        (x, y) = (Math.Clamp(x, 0, set.Width - 1), Math.Clamp(y, 0, set.Height - 1));
        (int left, int top) = ((int)x, (int)y);
        (int right, int bottom) = (Math.Min(left + 1, set.Width - 1), Math.Min(top + 1, set.Height - 1));
        (float across, float down) = ((float)(x - left), (float)(y - top));
        float a = Sample(samples, left, top), b = Sample(samples, right, top), c = Sample(samples, left, bottom), d = Sample(samples, right, bottom);
        float above = a + (b - a) * across, below = c + (d - c) * across;
        return above + (below - above) * down;

        float Sample(ReadOnlySpan<byte> from, int column, int row) => from[(row * set.Width + column) * set.Channels + channel];
    }

    private static double Signed(in CounterRandom random, long number) => 2 * random.Uniform(number) - 1;
}
