using Craton.Data.Images;
using Craton.Models.Vision;
using Craton.Tensors;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>The reader of digits on real ones, and on files that are not its own.</summary>
public sealed class MnistClassifierTests(ITestOutputHelper output)
{
    private const int Count = 1000;

    // The README of the data: 0.990 on the first thousand test pictures.
    [Fact]
    [Trait("Category", "Golden")]
    public void It_reads_the_test_digits()
    {
        if (Environment.GetEnvironmentVariable("CRATON_DATA") is not { } data)
        {
            output.WriteLine("skipped: CRATON_DATA is not set (a folder with the public sets)");
            return;
        }
        MnistClassifier classifier = MnistClassifier.Load(Path.Combine(data, "weights-small", "mnist-cnn", "mnist.safetensors"));
        ImageSet test = IdxReader.ReadImages(Path.Combine(data, "mnist", "t10k-images-idx3-ubyte.gz"), Path.Combine(data, "mnist", "t10k-labels-idx1-ubyte.gz"));
        using var scope = TensorScope.Open("test");
        Tensor pictures = Tensor.Empty(DType.F32, Count, 1, MnistClassifier.Side, MnistClassifier.Side);
        int[] labels = new int[Count];
        new Data.ImageLoader(test, shuffle: false).Next(pictures.AsSpan<float>(), labels);
        DigitReading reading = classifier.Read(pictures);
        Assert.Equal([Count, MnistClassifier.FeatureWidth], reading.Features.Shape);
        long[] read = Ops.ArgMax(reading.Logits).ToArray<long>();
        int right = labels.Where((label, i) => read[i] == label).Count();
        output.WriteLine($"{right} of {Count} right");
        Assert.Equal(990, right);
    }

    [Fact]
    public void A_file_without_its_weights_is_named()
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, [2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}']);
        Assert.Contains("conv1.weight", Assert.ThrowsAny<CratonException>(() => MnistClassifier.Load(path)).Message);
        File.Delete(path);
    }
}
