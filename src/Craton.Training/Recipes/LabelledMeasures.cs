using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What a model that draws by labels shows of itself, and how its pictures are judged.</summary>
/// <param name="model">The model.</param>
/// <param name="judge">Judges its pictures, or null.</param>
/// <param name="judged">How many pictures are judged at the end; on the way it is those that are shown.</param>
/// <param name="seed">Seed of the noise.</param>
/// <param name="runFolder">Where pictures are written.</param>
internal sealed class LabelledMeasures(LabelledGenerator model, PictureJudge? judge, int judged, ulong seed, string runFolder)
{
    private const int Rows = 10, Batch = 100, MostColumns = 10;

    /// <summary>Names of what <see cref="Of"/> measures; the first only where labels can be asked for.</summary>
    public static IReadOnlyList<string> Names { get; } = [PictureJudge.Accuracy, PictureJudge.Distance];

    private bool HasLabels => model.Shape.Labels > 0;

    private int Columns => HasLabels ? Math.Min(model.Shape.Labels, MostColumns) : MostColumns;

    /// <summary>Writes pictures, a column for each label, and judges them.</summary>
    /// <param name="step">The optimizer step.</param>
    /// <param name="isLast">Whether the training ends here: more pictures are judged, and a walk through the noise is shown.</param>
    public IReadOnlyList<Metric> Of(long step, bool isLast)
    {
        float[] pictures = Drawn(Rows * Columns, Columns);
        PictureLog.Add(runFolder, "samples", step, Grid(pictures, Columns));
        if (isLast) PictureLog.Add(runFolder, "noise_walk", step, Walk());
        if (judge is null) return [];
        if (!isLast) return HasLabels ? [judge.AccuracyOf(pictures, Asked(Rows * Columns, Columns))] : [];
        pictures = Drawn(judged, model.Shape.Labels);
        Metric distance = judge.DistanceOf(pictures);
        return HasLabels ? [judge.AccuracyOf(pictures, Asked(judged, model.Shape.Labels)), distance] : [distance];
    }

    /// <summary>Pictures side by side.</summary>
    public Picture Grid(ReadOnlySpan<float> pictures, int columns) =>
        PictureGrid.Of(pictures, model.Shape.Width, model.Shape.Height, model.Shape.Channels, columns);

    // A row for each label, in equal turns from one noise to another: what lies between is normal noise too.
    private Picture Walk()
    {
        using var scope = TensorScope.Open("walk");
        Tensor from = model.Noise(Columns, seed), to = model.Noise(Columns, seed, Columns);
        Tensor[] turned = [.. Enumerable.Range(0, MostColumns).Select(i => i * Math.PI / 2 / (MostColumns - 1)).Select(angle => from * DeterministicMath.Cos(angle) + to * DeterministicMath.Sin(angle))];
        int[] labels = HasLabels ? [.. Enumerable.Range(0, Columns * MostColumns).Select(i => i / MostColumns)] : new int[Columns * MostColumns];
        return Grid(model.Draw(labels, Ops.Reshape(Ops.Stack(1, turned), [labels.Length, .. model.NoiseShape])).AsSpan<float>(), MostColumns);
    }

    private float[] Drawn(int count, int labels)
    {
        int[] asked = Asked(count, labels);
        var pictures = new List<float>();
        for (int first = 0; first < count; first += Batch)
            using (TensorScope.Open("drawn"))
                pictures.AddRange(model.Draw(asked.AsSpan(first, Math.Min(Batch, count - first)), seed, first).AsSpan<float>());
        return [.. pictures];
    }

    private int[] Asked(int count, int labels) => HasLabels ? [.. Enumerable.Range(0, count).Select(i => i % labels)] : new int[count];
}
