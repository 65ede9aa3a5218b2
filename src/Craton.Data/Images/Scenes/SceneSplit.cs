namespace Craton.Data.Images.Scenes;

/// <summary>
/// Which scenes are held out from training. What a caption says of one thing is its size, colour, shape and place: alone or with its like, above, below, left of
/// or right of the other thing. Of these 180 combinations every seventh is held out, counted in this order with the place as the last digit: each
/// colour and each shape is still seen in most places. A scene is held out when one of its things is.
/// </summary>
public static class SceneSplit
{
    private const int Part = 7;

    /// <summary>Whether a training must not see pictures of this caption.</summary>
    public static bool IsHeldOut(SceneCaption caption) =>
        IsHeldOut(caption.Thing, caption.Relation) || (caption.Other is { } other && IsHeldOut(other, caption.Relation!.Value.Opposite()));

    private static bool IsHeldOut(SceneThing thing, SceneRelation? place)
    {
        int number = ((int)thing.Size * 6 + (int)thing.Colour) * 3 + (int)thing.Shape;
        return (number * 5 + (place is { } relation ? 1 + (int)relation : 0)) % Part == 0;
    }
}
