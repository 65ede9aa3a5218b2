namespace Craton.Data.Images.Scenes;

/// <summary>A part of a caption beside what the picture shows.</summary>
/// <param name="Name"><c>count</c>, <c>size</c>, <c>colour</c>, <c>shape</c>, the last three with <c>other_</c> for the second thing; <c>relation</c>, <c>background</c>.</param>
/// <param name="Expected">What the caption says.</param>
/// <param name="Found">What the picture shows.</param>
public sealed record ScenePart(string Name, string Expected, string Found)
{
    /// <summary>Whether the two agree.</summary>
    public bool Holds => Expected == Found;
}

/// <summary>What of a caption holds for a picture.</summary>
public sealed record SceneCheck(IReadOnlyList<ScenePart> Parts)
{
    /// <summary>Whether the picture fits the caption.</summary>
    public bool Holds => Parts.All(part => part.Holds);
}

/// <summary>Tells whether pictures fit captions, from the pixels alone.</summary>
public static class SceneChecker
{
    private const string Nothing = "nothing", Unclear = "unclear";

    /// <summary>Compares a picture with a caption.</summary>
    public static SceneCheck Check(Picture picture, SceneCaption caption) => Check(SceneReading.Of(picture), caption);

    /// <summary>Compares what a picture shows with a caption. With two things, they are taken for those seen that fit best.</summary>
    public static SceneCheck Check(SceneReading seen, SceneCaption caption)
    {
        var parts = new List<ScenePart> { new("count", Number(caption.Things), Number(seen.Objects.Count)) };
        parts.AddRange(caption.Other is null ? OfKind(seen.Objects, caption.Thing) : OfPair(seen.Objects, caption));
        parts.Add(new("background", SceneWords.Of(caption.Background), SceneWords.Of(seen.Background)));
        return new(parts);
    }

    private static List<ScenePart> OfKind(IReadOnlyList<SeenObject> seen, SceneThing thing) =>
    [
        new("size", SceneWords.Of(thing.Size), Words(seen.Select(o => SceneWords.Of(o.Size)))),
        new("colour", SceneWords.Of(thing.Colour), Words(seen.Select(o => SceneWords.Of(o.Colour)))),
        new("shape", SceneWords.Of(thing.Shape), Words(seen.Select(ShapeOf))),
    ];

    private static List<ScenePart> OfPair(IReadOnlyList<SeenObject> seen, SceneCaption caption) =>
        (from a in Candidates(seen) from b in Candidates(seen) where a is null || a != b select Parts(a, b, caption)).MaxBy(parts => parts.Count(part => part.Holds))!;

    private static List<ScenePart> Parts(SeenObject? a, SeenObject? b, SceneCaption caption) =>
    [
        .. OfKind(a is null ? [] : [a], caption.Thing),
        .. OfKind(b is null ? [] : [b], caption.Other!).Select(part => part with { Name = $"other_{part.Name}" }),
        new("relation", SceneWords.Phrase(caption.Relation!.Value), a is null || b is null ? Nothing : SceneWords.Phrase(a.RelationTo(b))),
    ];

    // With fewer than two things seen, one of the caption's is not there.
    private static IEnumerable<SeenObject?> Candidates(IReadOnlyList<SeenObject> seen) => seen.Count < 2 ? seen.Append(null) : seen;

    private static string ShapeOf(SeenObject thing) => thing.Shape is { } shape ? SceneWords.Of(shape) : Unclear;

    private static string Words(IEnumerable<string> words) => string.Join(", ", words.Distinct()) is { Length: > 0 } all ? all : Nothing;

    private static string Number(int count) => count switch { 0 => Nothing, 1 => "one", <= 4 => SceneWords.Counts[count - 1], _ => "more" };
}
