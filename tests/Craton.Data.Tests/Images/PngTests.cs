using System.Buffers.Binary;
using Craton.Data.Images;

namespace Craton.Data.Tests.Images;

/// <summary>PNG files of all kinds, good and bad.</summary>
public sealed class PngTests
{
    [Fact]
    public void Every_colour_depth_and_interlace_is_read()
    {
        foreach ((PngColour colour, int depth, bool interlaced) in PngSamples.Kinds())
            foreach ((int width, int height) in new[] { (1, 1), (3, 2), (5, 9), (17, 13), (1, 40), (40, 1) })
            {
                (byte[] file, byte[] samples) = PngSamples.Make(colour, depth, interlaced, width, height);
                PngImage image = PngReader.Read(file);
                Assert.Equal((width, height, colour, depth), (image.Width, image.Height, image.Colour, image.Depth));
                Assert.True(samples.AsSpan().SequenceEqual(image.Samples), $"{colour} of {depth} bits, interlaced {interlaced}, {width}×{height}");
            }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_is_written_is_read_again(int channels)
    {
        var random = new Random(channels);
        foreach ((int width, int height) in new[] { (1, 1), (31, 7), (64, 64) })
        {
            byte[] samples = new byte[width * height * channels];
            random.NextBytes(samples);
            for (int i = 0; i < samples.Length / 2; i++) samples[i] = (byte)(i / 5);
            Picture read = PngReader.Read(PngWriter.Write(new Picture(width, height, channels, samples))).ToPicture();
            Assert.Equal((width, height, channels), (read.Width, read.Height, read.Channels));
            Assert.Equal(samples, read.Samples);
        }
    }

    [Fact]
    public void Depths_below_eight_are_spread_and_palettes_applied()
    {
        (byte[] file, byte[] samples) = PngSamples.Make(PngColour.Grey, 2, false, 9, 5);
        Assert.Equal(samples.Select(sample => (byte)(sample * 85)), PngReader.Read(file).ToPicture().Samples);
        (file, samples) = PngSamples.Make(PngColour.Palette, 4, true, 9, 5);
        Assert.Equal(samples.SelectMany(sample => new[] { (byte)(sample * 21), (byte)(sample * 21 + 7), (byte)(sample * 21 + 14) }), PngReader.Read(file).ToPicture().Samples);
    }

    [Fact]
    public void A_huge_size_is_refused_before_memory_is_asked_for()
    {
        byte[] file = PngSamples.Make(PngColour.Rgb, 8, false, 4, 4).File;
        foreach ((int width, int height) in new[] { (65535, 65535), (int.MaxValue, int.MaxValue), (8000, 8000) })
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
            PngSamples.Mend(file);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<PictureException>(() => PngReader.Read(file));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] file = PngSamples.Make(PngColour.Rgba, 8, true, 6, 5).File;
        for (int length = 0; length < file.Length; length++) Assert.Throws<PictureException>(() => PngReader.Read(file.AsSpan(0, length)));
    }

    // With check sums made right, so that damage is found by what it damages.
    [Fact]
    public void A_hundred_thousand_mutations_are_read_or_refused_with_a_sentence()
    {
        byte[][] files = [.. PngSamples.Kinds().Select(kind => PngSamples.Make(kind.Colour, kind.Depth, kind.Interlaced, 11, 6).File)];
        var random = new Random(20260801);
        int refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] file = [.. files[i % files.Length]];
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                int at = random.Next(8, file.Length);
                file[at] = random.Next(3) switch { 0 => (byte)random.Next(256), 1 => (byte)(file[at] ^ 1 << random.Next(8)), _ => (byte)(random.Next(2) * 255) };
            }
            if (random.Next(8) == 0) file = file[..random.Next(file.Length)];
            if (random.Next(4) != 0) PngSamples.Mend(file);
            try
            {
                PngImage image = PngReader.Read(file, mostPixels: 1 << 16);
                Assert.Equal(image.Width * image.Height * image.Channels, image.Samples.Length);
                _ = image.ToPicture().OnWhite();
            }
            catch (PictureException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10_000, 99_999);
    }
}
