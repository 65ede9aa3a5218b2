using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>A drawn picture and what the checker found.</summary>
/// <param name="Caption">What was asked for.</param>
/// <param name="Picture">What was drawn.</param>
/// <param name="Check">Which parts of the caption hold.</param>
public sealed record JudgedScene(SceneCaption Caption, Picture Picture, SceneCheck Check);

/// <summary>Judges a model by captions that are held out from training: as many with one thing, with two things, and with several of a kind.</summary>
public sealed class SceneJudge
{
    private const string Accuracy = "scene_accuracy", Attributes = "attribute_accuracy";
    private static readonly string[] s_kinds = ["one", "two", "several"], s_parts = ["count", "size", "colour", "shape", "relation", "background"];

    private readonly SceneCaption[][] _captions;

    /// <summary>Chooses the captions.</summary>
    /// <param name="count">Captions of each kind.</param>
    /// <param name="seed">Seed of their choice.</param>
    public SceneJudge(int count, ulong seed)
    {
        var scenes = new SceneLoader(seed, heldOut: true);
        List<SceneCaption>[] found = [[], [], []];
        while (found.Any(captions => captions.Count < count))
        {
            SceneCaption caption = scenes.Next().Caption;
            List<SceneCaption> kind = found[Kind(caption)];
            if (kind.Count < count) kind.Add(caption);
        }
        _captions = [.. found.Select(captions => captions.ToArray())];
    }

    /// <summary>Names of what <see cref="Measures"/> gives.</summary>
    public static IReadOnlyList<string> Names { get; } = [Accuracy, .. s_kinds.Select(kind => $"{Accuracy}_{kind}"), Attributes, .. s_parts.Select(sort => $"{Attributes}_{sort}")];

    /// <summary>Draws a picture for each caption and looks at it.</summary>
    /// <returns>Those of one kind after those of another.</returns>
    public IReadOnlyList<JudgedScene> Judge(Func<IReadOnlyList<SceneCaption>, IEnumerable<Picture>> draw)
    {
        SceneCaption[] captions = [.. _captions.SelectMany(kind => kind)];
        return [.. captions.Zip(draw(captions), (caption, picture) => new JudgedScene(caption, picture, SceneChecker.Check(picture, caption)))];
    }

    /// <summary>
    /// <c>scene_accuracy</c>: the share of captions that hold in all parts; <c>_one</c>, <c>_two</c> and <c>_several</c>: of those of a kind; and of the captions with two things <c>attribute_accuracy</c>, the share
    /// of all parts that hold, and that of each sort.
    /// </summary>
    public static IReadOnlyList<Metric> Measures(IReadOnlyList<JudgedScene> judged)
    {
        ScenePart[] parts = [.. judged.Where(scene => scene.Caption.Other is not null).SelectMany(scene => scene.Check.Parts)];
        double[] shares =
        [
            Share(judged.Select(scene => scene.Check.Holds)),
            .. s_kinds.Select(kind => Share(judged.Where(scene => KindOf(scene) == kind).Select(scene => scene.Check.Holds))),
            Share(parts.Select(part => part.Holds)),
            .. s_parts.Select(sort => Share(parts.Where(part => part.Name == sort || part.Name == $"other_{sort}").Select(part => part.Holds))),
        ];
        return [.. Names.Zip(shares, (name, share) => new Metric(name, share))];
    }

    /// <summary>The kind of a caption: <c>one</c>, <c>two</c> or <c>several</c> things.</summary>
    internal static string KindOf(JudgedScene judged) => s_kinds[Kind(judged.Caption)];

    private static int Kind(SceneCaption caption) => caption.Other is not null ? 1 : caption.Count > 1 ? 2 : 0;

    private static double Share(IEnumerable<bool> holds) => holds.Average(held => held ? 1.0 : 0.0);
}
