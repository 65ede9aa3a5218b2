using System.Runtime.InteropServices;
using System.Text.Json;
using Craton.Evaluation.Images;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Evaluation.Tests;

/// <summary>Metrics of pictures against values that another program computed.</summary>
[Trait("Category", "Golden")]
public sealed class FixtureImageMetricsTests(ITestOutputHelper output)
{
    private readonly List<string> _failures = [];
    private int _checks;

    [Fact]
    public void MetricsEqualTheReference()
    {
        string root = Path.Combine(FixtureMetricsTests.Root(), "diffusion");
        JsonElement manifest = JsonElement.Parse(File.ReadAllText(Path.Combine(root, "manifest.json")));
        int cases = 0;
        foreach (JsonElement entry in manifest.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("kind").GetString() == "metrics"))
        {
            cases++;
            string[] files = [.. entry.GetProperty("files").EnumerateArray().Select(f => Path.Combine(root, f.GetString()!))];
            using SafetensorsFile inputs = SafetensorsFile.Open(files.Single(f => f.EndsWith(".safetensors", StringComparison.Ordinal)));
            Check(inputs, JsonElement.Parse(File.ReadAllText(files.Single(f => f.EndsWith(".json", StringComparison.Ordinal)))));
        }
        output.WriteLine($"metrics of pictures: {cases} cases, {_checks} checks");
        Assert.True(_checks > 0, "nothing was checked");
        Assert.True(_failures.Count == 0, string.Join('\n', _failures.Take(12)));
    }

    private void Check(SafetensorsFile inputs, JsonElement expected)
    {
        JsonElement Tolerance(string name) => expected.GetProperty("tolerance").GetProperty(name);
        foreach (JsonProperty pair in expected.GetProperty("frechet").EnumerateObject())
            Close(pair.Name, pair.Value, OfPair(inputs, pair.Name, FrechetDistance.Between), Tolerance("frechet"));
        JsonElement tolerance = Tolerance("other");
        foreach (JsonProperty pair in expected.GetProperty("kernel_distance").EnumerateObject())
            Close(pair.Name, pair.Value, OfPair(inputs, pair.Name, KernelDistance.Between), tolerance);
        JsonElement neighbours = expected.GetProperty("neighbours");
        (double[] real, int countReal, int width) = Rows(inputs, "real");
        (double[] fake, int countFake, _) = Rows(inputs, "fake");
        NeighbourScores scores = NeighbourScores.Between(real, countReal, fake, countFake, width, neighbours.GetProperty("k").GetInt32());
        Close("precision", neighbours.GetProperty("precision"), scores.Precision, tolerance);
        Close("recall", neighbours.GetProperty("recall"), scores.Recall, tolerance);
        Close("density", neighbours.GetProperty("density"), scores.Density, tolerance);
        Close("coverage", neighbours.GetProperty("coverage"), scores.Coverage, tolerance);
        (double[] probabilities, int count, int classes) = Rows(inputs, "class_probabilities");
        foreach (JsonProperty parts in expected.GetProperty("inception_score").EnumerateObject())
        {
            InceptionScore score = InceptionScore.Of(probabilities, count, classes, int.Parse(parts.Name));
            Close($"inception {parts.Name}", parts.Value.GetProperty("mean"), score.Mean, tolerance);
            Close($"inception {parts.Name} deviation", parts.Value.GetProperty("std"), score.Deviation, tolerance);
        }
        Similarity(inputs, expected, tolerance);
        Captions(inputs, expected, tolerance);
    }

    private void Similarity(SafetensorsFile inputs, JsonElement expected, JsonElement tolerance)
    {
        double[] a = Values(inputs, "image_a"), b = Values(inputs, "image_b");
        int[] shape = [.. inputs["image_a"].Shape.Select(n => checked((int)n))];
        int size = shape[1] * shape[2];
        foreach ((string name, SimilarityWindow window) in new[] { ("gaussian11", SimilarityWindow.Gaussian), ("uniform7", SimilarityWindow.Uniform) })
        {
            JsonElement values = expected.GetProperty($"ssim_{name}");
            double[] map = [.. Enumerable.Range(0, shape[0]).SelectMany(c =>
                ImageSimilarity.Structure(a.AsSpan(c * size, size), b.AsSpan(c * size, size), shape[1], shape[2], window))];
            double[] stored = Values(inputs, $"ssim_map_{name}");
            Assert.Equal(stored.Length, map.Length);
            for (int i = 0; i < map.Length; i++) Close($"{name} map {i}", stored[i], map[i], tolerance);
            double[][] channels = [.. map.Chunk(map.Length / shape[0])];
            for (int c = 0; c < channels.Length; c++) Close($"{name} channel {c}", values.GetProperty("per_channel")[c], channels[c].Average(), tolerance);
            Close(name, values.GetProperty("mean"), map.Average(), tolerance);
            Close($"{name} identical", values.GetProperty("identical"), ImageSimilarity.Structure(a.AsSpan(0, size), a.AsSpan(0, size), shape[1], shape[2], window).Average(), tolerance);
        }
        JsonElement noise = expected.GetProperty("psnr");
        Close("psnr", noise.GetProperty("range_255"), ImageSimilarity.PeakSignalToNoise(a, b), tolerance);
        double[] dark = [.. a.Select(v => v / 255)], other = [.. b.Select(v => v / 255)];
        Close("psnr of 1", noise.GetProperty("range_1_of_images_div_255"), ImageSimilarity.PeakSignalToNoise(dark, other, 1), tolerance);
    }

    private void Captions(SafetensorsFile inputs, JsonElement expected, JsonElement tolerance)
    {
        (double[] images, int count, int width) = Rows(inputs, "image_embeddings");
        double[] texts = Values(inputs, "text_embeddings");
        JsonElement score = expected.GetProperty("clip_score");
        double[] cosines = CaptionScores.Cosines(images, texts, count, width);
        for (int i = 0; i < count; i++) Close($"cosine {i}", score.GetProperty("cosine")[i], cosines[i], tolerance);
        Close("score of 100", score.GetProperty("score_100"), CaptionScores.Percent(cosines), tolerance);
        Close("score of 2.5", score.GetProperty("score_2_5_clipped_each"), CaptionScores.Scaled(cosines), tolerance);
        double[] moves = CaptionScores.Directional(images, Values(inputs, "edited_image_embeddings"), texts, Values(inputs, "edited_text_embeddings"), count, width);
        for (int i = 0; i < count; i++) Close($"direction {i}", expected.GetProperty("clip_directional")[i], moves[i], tolerance);
    }

    private delegate double Distance(ReadOnlySpan<double> a, int countA, ReadOnlySpan<double> b, int countB, int width);

    // A name such as few_real_few_fake says both sets.
    private static double OfPair(SafetensorsFile inputs, string name, Distance distance)
    {
        string first = inputs.Tensors.Select(t => t.Name).Where(n => name.StartsWith(n + "_", StringComparison.Ordinal)).MaxBy(n => n.Length)!;
        (double[] a, int countA, int width) = Rows(inputs, first);
        (double[] b, int countB, _) = Rows(inputs, name[(first.Length + 1)..]);
        return distance(a, countA, b, countB, width);
    }

    private static (double[] Values, int Count, int Width) Rows(SafetensorsFile inputs, string name) =>
        (Values(inputs, name), checked((int)inputs[name].Shape[0]), checked((int)inputs[name].Shape[1]));

    private static double[] Values(SafetensorsFile file, string name)
    {
        Assert.Equal(DType.F64, file[name].Type);
        double[] values = new double[file[name].Count];
        file.Read(name, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private void Close(string name, JsonElement expected, double actual, JsonElement tolerance) => Close(name, expected.GetDouble(), actual, tolerance);

    private void Close(string name, double expected, double actual, JsonElement tolerance)
    {
        _checks++;
        double most = tolerance.GetProperty("atol").GetDouble() + tolerance.GetProperty("rtol").GetDouble() * Math.Abs(expected);
        if (!(Math.Abs(expected - actual) <= most)) _failures.Add($"{name}: expected {expected}, got {actual}");
    }
}
