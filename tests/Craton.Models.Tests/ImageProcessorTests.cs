using System.Text;
using System.Text.Json;
using Craton.Data.Images;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Settings of processors of pictures.</summary>
public sealed class ImageProcessorTests
{
    private const string Clip = """
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 4}, "crop_size": 3, "resample": 3, "do_center_crop": true,
         "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25], "do_rescale": true, "rescale_factor": 0.00392156862745098}
        """;

    private static readonly JsonDocumentOptions s_strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    [Fact]
    public void OlderNumbersMeanTheShorterEdgeAndASquare()
    {
        Tensor older = Processor(Clip.Replace("""{"shortest_edge": 4}""", "4", StringComparison.Ordinal)).Prepare(Ramp(7, 5));
        Tensor newer = Processor(Clip).Prepare(Ramp(7, 5));
        Assert.Equal([3, 3, 3], newer.Shape.ToArray());
        Assert.Equal(newer.ToArray<float>(), older.ToArray<float>());
    }

    [Theory]
    [InlineData("CLIPImageProcessor", "OtherProcessor", "image_processor_type")]
    [InlineData("\"resample\": 3", "\"resample\": 9", "resample")]
    [InlineData("\"crop_size\": 3", "\"crop_size\": 100000", "crop_size")]
    [InlineData("[0.25, 0.25, 0.25]", "[0.25, 0, 0.25]", "image_std")]
    [InlineData("[0.5, 0.5, 0.5]", "[0.5]", "image_mean")]
    [InlineData("\"do_rescale\": true", "\"do_pad\": true", "do_pad")]
    public void WhatIsNotSupportedIsNamed(string setting, string other, string name) =>
        Assert.Contains(name, Assert.Throws<CratonException>(() => Processor(Clip.Replace(setting, other, StringComparison.Ordinal))).Message, StringComparison.Ordinal);

    [Fact]
    public void DamagedSettingsGiveTypedErrors()
    {
        byte[] original = Encoding.UTF8.GetBytes(Clip);
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = [.. original];
            for (int n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length)] = original[random.Next(bytes.Length)];
            try
            {
                Processor(bytes);
                read++;
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
                // JSON is parsed by the framework, which the readers of files wrap.
            }
        }
        Assert.True(read > 0);
    }

    private static ImageProcessor Processor(string json) => Processor(Encoding.UTF8.GetBytes(json));

    private static ImageProcessor Processor(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json, s_strict);
        return new ImageProcessor(new ConfigReader("preprocessor_config.json", document.RootElement));
    }

    private static Picture Ramp(int width, int height) => new(width, height, 3, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(i * 2))]);
}
