using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Kinds of encoder of texts.</summary>
public enum TextEncoderKind
{
    /// <summary>The mean of the vectors of words.</summary>
    Bag,
    /// <summary>A Transformer over the words.</summary>
    Transformer,
}

/// <summary>The encoder of short texts.</summary>
public sealed record TextEncoderSettings : RecipePart
{
    /// <summary>Which one.</summary>
    public TextEncoderKind Kind { get; init; } = TextEncoderKind.Bag;

    /// <summary>Whether words also count by their letter trigrams.</summary>
    public bool Trigrams { get; init; } = true;

    /// <summary>Width of its vectors.</summary>
    [Range(2, 4096)]
    public int Width { get; init; } = 192;

    /// <summary>Layers of the Transformer.</summary>
    [Range(1, 64)]
    public int Layers { get; init; } = 2;

    /// <summary>Its heads.</summary>
    [Range(1, 64)]
    public int Heads { get; init; } = 4;

    /// <summary>Most words and trigrams of a text.</summary>
    [Range(1, 4096)]
    public int Longest { get; init; } = 256;

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Width % Heads != 0) yield return $"width: expected a multiple of heads ({Heads}), got {Width}";
    }

    internal JsonObject ToConfig(int words) => new()
    {
        ["kind"] = Kind == TextEncoderKind.Bag ? "bag" : "transformer",
        ["words"] = words,
        ["hidden_size"] = Width,
        ["num_hidden_layers"] = Layers,
        ["num_attention_heads"] = Heads,
        ["intermediate_size"] = 4 * Width,
        ["longest"] = Longest,
    };
}

/// <summary>Pictures and texts in one space.</summary>
public sealed record ClipRecipe : PictureRecipe
{
    /// <summary>Changes the defaults where this kind wants others.</summary>
    public ClipRecipe() => Name = "clip";

    /// <summary>The pictures with their captions.</summary>
    public required CaptionDataSettings Data { get; init; }

    /// <summary>The encoder of texts.</summary>
    public TextEncoderSettings Text { get; init; } = new();

    /// <summary>Dimensions of the common space.</summary>
    [Range(1, 4096)]
    public int Width { get; init; } = 192;

    /// <summary>Share of the texts to learn from that also have some of the picture's tags.</summary>
    [Range(0, 1)]
    public double TagShare { get; init; }

    /// <summary>Share of the probability that is spread over all pairs of a batch.</summary>
    [Range(0, 0.9)]
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// Words of which a caption may hold one, separated by spaces, such as <c>red green blue</c>: the right one is to be found among captions
    /// that differ in this word alone, which is reported as <c>zero_shot_accuracy</c>.
    /// </summary>
    public IReadOnlyList<string> ZeroShot { get; init; } = [];
}

/// <summary>Trains a model that brings pictures and texts into one space, by contrast.</summary>
public static class ClipTraining
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(ClipRecipe recipe, RunOptions options) => PictureRun.Run("clip", recipe, options, () => Prepare(recipe));

    private static PictureTask Prepare(ClipRecipe recipe)
    {
        (CaptionedPictures train, CaptionedPictures test) = recipe.Data.Read();
        int side = train.Images.Width;
        WordVocabulary words = WordVocabulary.Learn(train.Texts.SelectMany(text => text.Captions.Concat(text.Tags)), recipe.Text.Trigrams);
        var model = PictureModels.Create<PictureTextModel>(
            new JsonObject
            {
                ["model_type"] = "craton_clip",
                ["architectures"] = new JsonArray("PictureTextModel"),
                ["image"] = recipe.Image.ToConfig(side),
                ["text"] = recipe.Text.ToConfig(words.Count),
                ["projection_dim"] = recipe.Width,
            },
            (ulong)recipe.Seed);
        var draws = new CaptionDraws(train.Texts, words, recipe.TagShare, recipe.Text.Longest);
        var measures = new ClipMeasures(model, words, test);
        PictureAugmentation? augmentation = recipe.Augmentation.ToAugmentation();
        return new PictureTask(model, side, new RowLoader(train.Texts.Count, (ulong)recipe.Seed, train.Images.Fingerprint), new Origin(train.Images.Fingerprint), Loss, Measure) { Words = words };

        Tensor Loss(int[] rows, LearningPass learning)
        {
            Tensor pixels = PictureAugmentation.Pixels(train.Images, rows, augmentation, learning.Random);
            (Tensor ids, _, Tensor holds) = WordVocabulary.Rows([.. rows.Select((row, i) => draws.Ids(row, learning.Random, i))]);
            return model.Loss(model.ImageFeatures(pixels, learning), model.TextFeatures(ids, holds, learning), recipe.LabelSmoothing);
        }

        IReadOnlyList<Metric> Measure() => [.. measures.Recall(), .. measures.ZeroShot(recipe.ZeroShot)];
    }
}

/// <summary>What is said of a picture in one step: one of its captions, at times with some of its tags.</summary>
internal sealed class CaptionDraws(IReadOnlyList<PictureText> texts, WordVocabulary words, double tagShare, int longest)
{
    private const int MostTags = 64, DrawsOfOne = MostTags + 4;
    private static readonly uint s_place = CounterRandom.PlaceOf("captions");

    private readonly (int[][] Captions, int[][] Tags)[] _ids =
        [.. texts.Select(text => (text.Captions.Select(words.Ids).ToArray(), text.Tags.Take(MostTags).Select(words.Ids).ToArray()))];

    /// <summary>The ids of a text.</summary>
    /// <param name="row">Number of the picture.</param>
    /// <param name="step">The draws of the step.</param>
    /// <param name="place">Place of the picture in the batch.</param>
    public int[] Ids(int row, in CounterRandom step, int place)
    {
        var random = new CounterRandom(step.Seed, step.Step, s_place);
        long first = (long)place * DrawsOfOne;
        (int[][] captions, int[][] tags) = _ids[row];
        IEnumerable<int> ids = captions[random.NextInt(first, captions.Length)];
        if (random.Bernoulli(first, tagShare))
            for (int i = 0; i < tags.Length; i++)
                if (random.Bernoulli(first + 1 + i, 0.5)) ids = ids.Concat(tags[i]);
        return [.. ids.Take(longest)];
    }
}
