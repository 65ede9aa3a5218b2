using Craton.Data.Images.Scenes;

namespace Craton.Models.Generative;

/// <summary>
/// A caption as phrases: one for each thing and one for the background. The phrase of a thing holds all that is said of it: how many, size, colour,
/// shape, and where it lies seen from the other one. So the words of a thing cannot be taken for those of another, and "a above b" is the
/// same as "b below a".
/// </summary>
internal static class ScenePhrases
{
    /// <summary>Phrases of a caption.</summary>
    public const int Count = 3;

    /// <summary>Number of words: 4 counts, 2 sizes, 6 colours, 3 shapes, 4 places, 3 backgrounds.</summary>
    public const int Words = Background + 3;

    private const int Size = 4, Colour = Size + 2, Shape = Colour + 6, Place = Shape + 3, Background = Place + 4;

    /// <summary>Marks the words of each phrase.</summary>
    /// <param name="caption">The caption; null for none, whose phrases have no words.</param>
    /// <param name="marks">Zeros [<see cref="Count"/>, <see cref="Words"/>]; those of words become 1.</param>
    public static void Mark(SceneCaption? caption, Span<float> marks)
    {
        if (caption is null) return;
        MarkThing(caption.Thing, caption.Count, caption.Relation, marks);
        if (caption.Other is { } other) MarkThing(other, 1, caption.Relation!.Value.Opposite(), marks[Words..]);
        marks[2 * Words + Background + (int)caption.Background] = 1;
    }

    private static void MarkThing(SceneThing thing, int count, SceneRelation? place, Span<float> marks)
    {
        marks[count - 1] = marks[Size + (int)thing.Size] = marks[Colour + (int)thing.Colour] = marks[Shape + (int)thing.Shape] = 1;
        if (place is { } relation) marks[Place + (int)relation] = 1;
    }
}
