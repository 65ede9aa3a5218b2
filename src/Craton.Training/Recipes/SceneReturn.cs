using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;

namespace Craton.Training.Recipes;

/// <summary>How well held-out scenes come back from an auto-encoder.</summary>
internal static class SceneReturn
{
    /// <summary>Name of the pictures of <see cref="Pairs"/>.</summary>
    public const string Pictures = "scenes_and_what_comes_back";

    private const int TestBatch = 100, Shown = 32, Columns = 16;

    /// <summary>Names of what <see cref="Measure"/> gives.</summary>
    public static IReadOnlyList<string> Names { get; } = ["squared_error", "scene_accuracy"];

    /// <summary>The mean squared error of the numbers of pictures, and the share of scenes that still fit their caption.</summary>
    /// <param name="count">Number of scenes.</param>
    /// <param name="seed">Seed of their choice.</param>
    /// <param name="back">What comes back of pictures [N, 3, side, side] of 0 to 1.</param>
    public static double[] Measure(int count, ulong seed, Func<Tensor, Tensor> back)
    {
        var scenes = new SceneLoader(seed, heldOut: true);
        double error = 0;
        int held = 0;
        for (int done = 0; done < count; done += TestBatch)
            using (TensorScope.Open("test"))
            {
                SceneBatch batch = SceneBatch.Next(scenes, Math.Min(TestBatch, count - done));
                Tensor made = back(batch.Images);
                error += Ops.MseLoss(made, batch.Images).Item() * batch.Captions.Length;
                held += SceneBatch.Pictures(made).Zip(batch.Captions).Count(pair => SceneChecker.Check(pair.First, pair.Second).Holds);
            }
        return [error / count, (double)held / count];
    }

    /// <summary>Rows of scenes, each above the row of what comes back.</summary>
    /// <inheritdoc cref="Measure"/>
    public static Picture Pairs(ulong seed, Func<Tensor, Tensor> back)
    {
        using var scope = TensorScope.Open("pairs");
        Tensor images = SceneBatch.Next(new SceneLoader(seed, heldOut: true), Shown).Images, made = back(images);
        Tensor rows = Ops.Concat(0, [.. Enumerable.Range(0, Shown / Columns).SelectMany(row => new[] { images, made }.Select(all => all.Slice(0, row * Columns, (row + 1) * Columns)))]);
        return PictureGrid.Of(Ops.Contiguous(rows).AsSpan<float>(), Scene.Side, Scene.Side, 3, Columns);
    }
}
