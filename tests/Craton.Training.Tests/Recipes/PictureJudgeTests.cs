using Craton.Data;
using Craton.Data.Images;
using Craton.Training.Recipes;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Recipes;

/// <summary>The judge on real digits, and on ones that are not what they say.</summary>
[Trait("Category", "Golden")]
public sealed class PictureJudgeTests(ITestOutputHelper output)
{
    private const int Count = 1000, Size = 28 * 28;

    [Fact]
    public void Real_digits_are_near_and_right_and_blurred_ones_are_far()
    {
        if (Environment.GetEnvironmentVariable("CRATON_DATA") is not { } data)
        {
            output.WriteLine("skipped: CRATON_DATA is not set (a folder with the public sets)");
            return;
        }
        string File(string name) => Path.Combine(data, "mnist", name + ".gz");
        ImageSet train = IdxReader.ReadImages(File("train-images-idx3-ubyte"), File("train-labels-idx1-ubyte")), test = IdxReader.ReadImages(File("t10k-images-idx3-ubyte"));
        PictureJudge judge = PictureJudge.Open(new() { Judge = Path.Combine(data, "weights-small", "mnist-cnn", "mnist.safetensors") }, test)!;
        float[] pictures = new float[Count * Size];
        int[] labels = new int[Count];
        new ImageLoader(train, shuffle: false).Next(pictures, labels);
        (double accuracy, double distance) = (judge.AccuracyOf(pictures, labels).Value, judge.DistanceOf(pictures).Value);
        double halved = judge.DistanceOf(Array.ConvertAll(pictures, value => value / 2)).Value;
        output.WriteLine($"1,000 training digits: judged_accuracy {accuracy}, fid {distance:F2}; half as bright: fid {halved:F2}");
        Assert.InRange(accuracy, 0.98, 1);
        Assert.InRange(distance, 0, halved / 3);
        Assert.InRange(judge.AccuracyOf(pictures, Array.ConvertAll(labels, label => (label + 1) % 10)).Value, 0, 0.02);
    }
}
