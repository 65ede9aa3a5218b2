namespace Craton.Data.Images.Scenes;

/// <summary>Compares what is said of a scene with the truth.</summary>
public static class SceneCaptionCheck
{
    /// <summary>What stands for a part of which nothing is said.</summary>
    internal const string Nothing = "nothing";

    /// <summary>All that the true caption states beside what is said in its place. Two things may be named in either order.</summary>
    /// <param name="truth">The scene's caption.</param>
    /// <param name="said">What is said; null when it is no caption.</param>
    public static IReadOnlyList<ScenePart> Compare(SceneCaption truth, SceneCaption? said)
    {
        List<ScenePart> parts = InOrder(truth, said);
        if (said?.Other is not { } other) return parts;
        // Above and below, left and right are neighbours in the enumeration.
        List<ScenePart> turned = InOrder(truth, said with { Thing = other, Other = said.Thing, Relation = (SceneRelation)((int)said.Relation!.Value ^ 1) });
        return turned.Count(part => part.Holds) > parts.Count(part => part.Holds) ? turned : parts;
    }

    /// <summary>The same where the first thing is the one that is named first.</summary>
    internal static List<ScenePart> InOrder(SceneCaption truth, SceneCaption? said)
    {
        List<ScenePart> parts =
        [
            new("count", $"{truth.Things}", said is null ? Nothing : $"{said.Things}"),
            .. Thing("", truth.Thing, said?.Thing),
            new("background", SceneWords.Of(truth.Background), said is null ? Nothing : SceneWords.Of(said.Background)),
        ];
        if (truth.Other is not { } other) return parts;
        parts.Add(new("relation", SceneWords.Phrase(truth.Relation!.Value), said?.Relation is { } relation ? SceneWords.Phrase(relation) : Nothing));
        parts.AddRange(Thing("other_", other, said?.Other));
        return parts;
    }

    private static IEnumerable<ScenePart> Thing(string prefix, SceneThing truth, SceneThing? said) =>
    [
        new($"{prefix}size", SceneWords.Of(truth.Size), said is null ? Nothing : SceneWords.Of(said.Size)),
        new($"{prefix}colour", SceneWords.Of(truth.Colour), said is null ? Nothing : SceneWords.Of(said.Colour)),
        new($"{prefix}shape", SceneWords.Of(truth.Shape), said is null ? Nothing : SceneWords.Of(said.Shape)),
    ];
}
