using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Pictures;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>The decoder that writes captions.</summary>
public sealed record CaptionDecoderSettings : RecipePart
{
    /// <summary>Its width.</summary>
    [Range(2, 4096)]
    public int Width { get; init; } = 128;

    /// <summary>Its layers.</summary>
    [Range(1, 64)]
    public int Layers { get; init; } = 2;

    /// <summary>Its heads.</summary>
    [Range(1, 64)]
    public int Heads { get; init; } = 4;

    /// <summary>Most words of a caption.</summary>
    [Range(1, 4096)]
    public int Longest { get; init; } = 32;

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Width % (2 * Heads) != 0) yield return $"width: expected a multiple of twice heads ({Heads}), got {Width}";
    }
}

/// <summary>A model that describes pictures, or clips.</summary>
public sealed record CaptionRecipe : PictureRecipe
{
    /// <summary>Changes the defaults where this kind wants others.</summary>
    public CaptionRecipe() => Name = "caption";

    /// <summary>Pictures of a clip, of which every line of the data names one; 1 for single pictures.</summary>
    [Range(1, 64)]
    public int Frames { get; init; } = 1;

    /// <summary>The pictures, or clips, with their captions.</summary>
    public required CaptionDataSettings Data { get; init; }

    /// <summary>The decoder.</summary>
    public CaptionDecoderSettings Text { get; init; } = new();

    /// <summary>Directory of a model of the recipes <c>clip</c> or <c>classifier</c>, with whose encoder and its settings the model begins.</summary>
    public string? Base { get; init; }

    /// <summary>
    /// Captions are those of scenes (<c>craton data scenes</c>, <c>craton data clips</c>): all that they state is compared with the truth, which is reported as
    /// <c>attribute_accuracy</c>, of clips also for each attribute.
    /// </summary>
    public bool Scenes { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Check()
    {
        if (Frames > 1 && Augmentation != new AugmentationSettings()) yield return "augmentation: expected none for clips, whose pictures would each be changed otherwise";
    }
}

/// <summary>Trains a model to describe pictures.</summary>
public static class CaptionTraining
{
    private const int TestBatch = 100;
    private static readonly string[] s_attributes = ["motion", "count", "size", "colour", "shape", "relation", "background"];

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(CaptionRecipe recipe, RunOptions options) => PictureRun.Run("caption", recipe, options, () => Prepare(recipe));

    private static PictureTask Prepare(CaptionRecipe recipe)
    {
        (CaptionedPictures train, CaptionedPictures test) = recipe.Data.Read(recipe.Frames);
        int side = train.Images.Width;
        var given = GivenEncoder.Of(recipe.Base);
        WordVocabulary words = WordVocabulary.Learn(train.Texts.Select(text => text.Captions[0]));
        var model = PictureModels.Create<PictureCaptioner>(
            new JsonObject
            {
                ["model_type"] = "craton_caption",
                ["architectures"] = new JsonArray("PictureCaptioner"),
                ["frames"] = recipe.Frames,
                ["image"] = given?.Settings ?? recipe.Image.ToConfig(side),
                ["text"] = new JsonObject
                {
                    ["words"] = words.Count,
                    ["hidden_size"] = recipe.Text.Width,
                    ["num_hidden_layers"] = recipe.Text.Layers,
                    ["num_attention_heads"] = recipe.Text.Heads,
                    ["longest"] = recipe.Text.Longest,
                },
            },
            (ulong)recipe.Seed);
        given?.CopyTo(model.Encoder, side);
        int[][] captions = [.. train.Texts.Select(text => words.Ids(text.Captions[0]).Take(recipe.Text.Longest - 1).ToArray())];
        PictureAugmentation? augmentation = recipe.Augmentation.ToAugmentation();
        Origin origin = given?.Origin(train.Images.Fingerprint) ?? new(train.Images.Fingerprint);
        var rows = new RowLoader(captions.Length, (ulong)recipe.Seed, train.Images.Fingerprint);
        return new PictureTask(model, side, rows, origin, Loss, Measure) { Words = words, Unit = recipe.Frames > 1 ? "clips" : "pictures" };

        Tensor Loss(int[] rows, LearningPass learning) =>
            model.Loss(PictureAugmentation.Pixels(train.Images, train.FramesOf(rows), augmentation, learning.Random), Array.ConvertAll(rows, row => captions[row]));

        IReadOnlyList<Metric> Measure()
        {
            string[] said = [.. PictureRun.Batches(test.Texts.Count, TestBatch).SelectMany(batch => Describe(model, words, test, batch))];
            string[] truth = [.. test.Texts.Select(text => text.Captions[0])];
            var same = new Metric("same_captions", (double)said.Zip(truth).Count(pair => words.Text(words.Ids(pair.Second)) == pair.First) / truth.Length);
            if (!recipe.Scenes) return [same];
            return [same, .. recipe.Frames > 1
                ? Attributes(truth, said, SceneClipCaption.Parse, SceneClipCaption.Compare, s_attributes)
                : Attributes(truth, said, SceneCaption.Parse, SceneCaptionCheck.Compare, [])];
        }
    }

    private static string[] Describe(PictureCaptioner model, WordVocabulary words, CaptionedPictures test, int[] batch)
    {
        using var scope = TensorScope.Open("captions");
        return Array.ConvertAll(model.Describe(PictureAugmentation.Pixels(test.Images, test.FramesOf(batch))), words.Text);
    }

    // The share of the truth's statements that hold, of captions all of whose statements do, and of statements of each kind.
    private static IEnumerable<Metric> Attributes<T>(string[] truth, string[] said, Func<string, T> parse, Func<T, T?, IReadOnlyList<ScenePart>> compare, string[] kinds)
        where T : class
    {
        IReadOnlyList<ScenePart>[] checks = [.. truth.Zip(said, (right, answer) => compare(parse(right), Parsed(answer, parse)))];
        ScenePart[] all = [.. checks.SelectMany(parts => parts)];
        return
        [
            new("attribute_accuracy", Share(all)), new("right_captions", (double)checks.Count(parts => parts.All(part => part.Holds)) / checks.Length),
            .. kinds.Select(kind => new Metric($"attribute_accuracy_{kind}", Share([.. all.Where(part => part.Name == kind || part.Name == $"other_{kind}")]))),
        ];

        static double Share(ScenePart[] parts) => parts.Length == 0 ? 0 : (double)parts.Count(part => part.Holds) / parts.Length;
    }

    private static T? Parsed<T>(string said, Func<string, T> parse) where T : class
    {
        try
        {
            return parse(said);
        }
        catch (SceneCaptionException)
        {
            return null;
        }
    }
}
