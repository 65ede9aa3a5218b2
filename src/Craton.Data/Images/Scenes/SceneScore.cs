namespace Craton.Data.Images.Scenes;

/// <summary>
/// How many pictures fit their captions, by <see cref="SceneChecker"/>: <c>scene_accuracy_one</c> with one thing, <c>scene_accuracy_group</c> with
/// several of a kind, <c>scene_accuracy_two</c> with two things and a relation; and <c>attribute_accuracy_colour</c> and the like, the share of parts
/// of captions that hold.
/// </summary>
public sealed class SceneScore
{
    private readonly SortedDictionary<string, (int Held, int All)> _counts = new(StringComparer.Ordinal);

    /// <summary>Looks at a picture that was made for a caption.</summary>
    public SceneCheck Add(SceneCaption caption, Picture picture)
    {
        SceneCheck check = SceneChecker.Check(picture, caption);
        Count($"scene_accuracy_{KindOf(caption)}", check.Holds);
        foreach (ScenePart part in check.Parts) Count($"attribute_accuracy_{part.Name.Replace("other_", "", StringComparison.Ordinal)}", part.Holds);
        return check;
    }

    /// <summary>The shares so far, by name.</summary>
    public IEnumerable<(string Name, double Share)> Shares => _counts.Select(c => (c.Key, (double)c.Value.Held / c.Value.All));

    private static string KindOf(SceneCaption caption) => caption.Other is not null ? "two" : caption.Count == 1 ? "one" : "group";

    private void Count(string name, bool holds)
    {
        (int held, int all) = _counts.GetValueOrDefault(name);
        _counts[name] = (held + (holds ? 1 : 0), all + 1);
    }
}
