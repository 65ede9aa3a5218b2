using Craton.Data;
using Craton.Data.Images;
using Craton.Evaluation.Images;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Scores drawn digits by a reader of digits that was trained on real ones.</summary>
internal sealed class PictureJudge
{
    public const string Accuracy = "judged_accuracy", Distance = "fid";

    private const int Batch = 500;
    private readonly MnistClassifier _classifier;
    private readonly ImageSet _test;
    private double[]? _real; // features of the test pictures

    private PictureJudge(MnistClassifier classifier, ImageSet test) => (_classifier, _test) = (classifier, test);

    /// <summary>The judge that the settings name, or null.</summary>
    /// <exception cref="CratonException">The file cannot be read, or the pictures are none that it reads.</exception>
    public static PictureJudge? Open(ImageDataSettings data, ImageSet test)
    {
        if (data.Judge is not { } source) return null;
        const int side = MnistClassifier.Side;
        if ((test.Width, test.Height, test.Channels) != (side, side, 1))
            throw new CratonException($"data.judge: expected grey pictures of {side}×{side} pixels, got {test.Width}×{test.Height}; leave it out to have none judged");
        return new(MnistClassifier.Load(SourceReader.Resolve(source)), test);
    }

    /// <summary>The share of pictures in which the judge reads the digit that was asked for.</summary>
    /// <param name="pictures">[N, 1, 28, 28] of 0 to 1.</param>
    /// <param name="asked">The digit of each.</param>
    public Metric AccuracyOf(ReadOnlySpan<float> pictures, ReadOnlySpan<int> asked)
    {
        (_, int[] read) = Read(pictures);
        int right = 0;
        for (int i = 0; i < read.Length; i++) right += read[i] == asked[i] ? 1 : 0;
        return new(Accuracy, (double)right / read.Length);
    }

    /// <summary>How far pictures are from those of the test set (<see cref="FrechetDistance"/>), in the judge's features.</summary>
    /// <param name="pictures">[N, 1, 28, 28] of 0 to 1; distances of different numbers of pictures are not comparable.</param>
    public Metric DistanceOf(ReadOnlySpan<float> pictures)
    {
        (double[] drawn, int[] read) = Read(pictures);
        if (_real is null)
        {
            float[] real = new float[_test.Samples.Length];
            new ImageLoader(_test, shuffle: false).Next(real);
            (_real, _) = Read(real);
        }
        return new(Distance, FrechetDistance.Between(drawn, read.Length, _real, _test.Count, MnistClassifier.FeatureWidth));
    }

    private (double[] Features, int[] Digits) Read(ReadOnlySpan<float> pictures)
    {
        const int size = MnistClassifier.Side * MnistClassifier.Side;
        int count = pictures.Length / size;
        (double[] features, int[] digits) = (new double[count * MnistClassifier.FeatureWidth], new int[count]);
        for (int from = 0; from < count; from += Batch)
            using (TensorScope.Open("judge"))
            {
                int batch = Math.Min(Batch, count - from);
                DigitReading reading = _classifier.Read(Tensor.From(pictures.Slice(from * size, batch * size), batch, 1, MnistClassifier.Side, MnistClassifier.Side));
                ReadOnlySpan<float> of = reading.Features.AsSpan<float>();
                for (int i = 0; i < of.Length; i++) features[from * MnistClassifier.FeatureWidth + i] = of[i];
                ReadOnlySpan<long> best = Ops.ArgMax(reading.Logits).AsSpan<long>();
                for (int i = 0; i < batch; i++) digits[from + i] = (int)best[i];
            }
        return (features, digits);
    }
}
