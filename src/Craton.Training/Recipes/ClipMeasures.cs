using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What a model of pictures and texts finds among pictures it has not seen.</summary>
internal sealed class ClipMeasures(PictureTextModel model, WordVocabulary words, CaptionedPictures test)
{
    private const int Batch = 250, Nearest = 10;

    private readonly string[] _captions = [.. test.Texts.Select(text => text.Captions[0])];

    /// <summary>How often a picture's first caption is among the ten nearest to it of all, the same the other way round, and what chance would give.</summary>
    public IEnumerable<Metric> Recall()
    {
        using var scope = TensorScope.Open("recall");
        float[] scores = Ops.MatMul(Images(), Texts(_captions).Transpose()).ToArray<float>();
        int n = _captions.Length, toText = 0, toPicture = 0;
        for (int i = 0; i < n; i++)
        {
            // Others that are as near count as nearer.
            float own = scores[i * n + i];
            if (Enumerable.Range(0, n).Count(j => j != i && scores[i * n + j] >= own) < Nearest) toText++;
            if (Enumerable.Range(0, n).Count(j => j != i && scores[j * n + i] >= own) < Nearest) toPicture++;
        }
        return [new("recall_at_10_to_text", (double)toText / n), new("recall_at_10_to_picture", (double)toPicture / n), new("recall_chance", Math.Min(1, (double)Nearest / n))];
    }

    /// <summary>How often the right caption is the nearest among those that have another word of its group in its place.</summary>
    /// <param name="groups">Words separated by spaces. A caption counts for the groups of which it holds one word once.</param>
    public IEnumerable<Metric> ZeroShot(IReadOnlyList<string> groups)
    {
        if (groups.Count == 0) return [];
        using var scope = TensorScope.Open("zero_shot");
        (int Picture, string[] Captions)[] choices = [.. groups.SelectMany(group => Choices(group.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        string[] different = [.. choices.SelectMany(choice => choice.Captions).Distinct(StringComparer.Ordinal)];
        if (different.Length == 0) throw new CratonException($"zero_shot: no caption to measure by holds exactly one of the words '{groups[0]}'; give words of the captions");
        Dictionary<string, int> places = different.Select((caption, i) => (caption, i)).ToDictionary(c => c.caption, c => c.i, StringComparer.Ordinal);
        Tensor images = Images(), texts = Texts(different);
        int right = choices.Count(choice =>
        {
            using var one = TensorScope.Open("choice");
            Tensor candidates = Ops.IndexSelect(texts, 0, Tensor.From(Array.ConvertAll(choice.Captions, caption => places[caption]), choice.Captions.Length));
            float[] scores = Ops.MatMul(candidates, Ops.Contiguous(images.Slice(0, choice.Picture, choice.Picture + 1)).Transpose()).ToArray<float>();
            return scores.Skip(1).All(score => score < scores[0]);
        });
        return [new("zero_shot_accuracy", (double)right / choices.Length)];
    }

    // The true caption first.
    private IEnumerable<(int Picture, string[] Captions)> Choices(string[] group)
    {
        for (int i = 0; i < _captions.Length; i++)
        {
            string[] said = _captions[i].Split(' ');
            int[] at = [.. Enumerable.Range(0, said.Length).Where(place => group.Contains(said[place]))];
            if (at.Length != 1) continue;
            IEnumerable<string> others = group.Where(word => word != said[at[0]]).Select(word => string.Join(' ', said.Select((own, place) => place == at[0] ? word : own)));
            yield return (i, [_captions[i], .. others]);
        }
    }

    private Tensor Images() => Ops.Concat(0, [.. PictureRun.Batches(_captions.Length, Batch).Select(batch => Kept(() => model.ImageFeatures(PictureAugmentation.Pixels(test.Images, batch))))]);

    private Tensor Texts(IReadOnlyList<string> captions) => Ops.Concat(0, [.. PictureRun.Batches(captions.Count, Batch).Select(batch => Kept(() =>
    {
        (Tensor ids, _, Tensor holds) = WordVocabulary.Rows([.. batch.Select(i => words.Ids(captions[i]).Take(model.LongestText).ToArray())]);
        return model.TextFeatures(ids, holds);
    }))]);

    private static Tensor Kept(Func<Tensor> features)
    {
        using var scope = TensorScope.Open("batch");
        return scope.Keep(ImageTextModel.Normalised(features()));
    }
}
