namespace Craton.Data.Images.Scenes;

/// <summary>A question about a scene with its only right answer.</summary>
public readonly record struct SceneQuestion(string Question, string Answer);

/// <summary>
/// Asks what a scene's caption answers beyond doubt: how many things there are, the background, and of single things their colour, shape,
/// size and relation, each named by what tells it from the other.
/// </summary>
public static class SceneQuestions
{
    /// <summary>All questions about a scene.</summary>
    public static IEnumerable<SceneQuestion> Of(SceneCaption caption)
    {
        yield return new("how many things are there?", caption.Things == 1 ? "one" : SceneWords.Counts[caption.Things - 1]);
        yield return new("what colour is the background?", SceneWords.Of(caption.Background));
        if (caption.Other is not { } other)
        {
            foreach (SceneQuestion question in Kind(caption)) yield return question;
            yield break;
        }
        foreach (SceneQuestion question in Thing(caption.Thing, other).Concat(Thing(other, caption.Thing))) yield return question;
        SceneRelation relation = caption.Relation!.Value;
        yield return new($"where is the {Short(caption.Thing)}, seen from the {Short(other)}?", SceneWords.Phrase(relation));
        foreach (SceneRelation asked in Enum.GetValues<SceneRelation>())
            yield return new($"is the {Short(caption.Thing)} {SceneWords.Phrase(asked)} the {Short(other)}?", asked == relation ? "yes" : "no");
    }

    private static IEnumerable<SceneQuestion> Kind(SceneCaption caption)
    {
        (string verb, string things) = caption.Count == 1 ? ("is", "thing") : ("are", "things");
        yield return new($"what colour {verb} the {things}?", SceneWords.Of(caption.Thing.Colour));
        yield return new($"what shape {verb} the {things}?", SceneWords.Of(caption.Thing.Shape));
        yield return new($"what size {verb} the {things}?", SceneWords.Of(caption.Thing.Size));
    }

    private static IEnumerable<SceneQuestion> Thing(SceneThing thing, SceneThing other)
    {
        if (thing.Shape != other.Shape) yield return new($"what colour is the {SceneWords.Of(thing.Shape)}?", SceneWords.Of(thing.Colour));
        if (thing.Colour != other.Colour) yield return new($"what shape is the {SceneWords.Of(thing.Colour)} thing?", SceneWords.Of(thing.Shape));
        yield return new($"what size is the {Short(thing)}?", SceneWords.Of(thing.Size));
    }

    private static string Short(SceneThing thing) => $"{SceneWords.Of(thing.Colour)} {SceneWords.Of(thing.Shape)}";
}
