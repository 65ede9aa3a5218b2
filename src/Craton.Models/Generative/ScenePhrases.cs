using Craton.Data.Images.Scenes;

namespace Craton.Models.Generative;

/// <summary>
/// A caption as phrases: one for each thing and one for the background. The phrase of a thing holds all that is said of it: how many, size, colour,
/// shape, and where it lies seen from the other one. So the words of a thing cannot be taken for those of another, and "a above b" is the
/// same as "b below a".
/// </summary>
internal static class ScenePhrases
{
    /// <summary>Phrases of a caption, and words of a phrase.</summary>
    public const int Count = 3, Words = 5;

    /// <summary>Number of words: that for nothing, 4 counts, 2 sizes, 6 colours, 3 shapes, 4 places, 3 backgrounds.</summary>
    public const int Vocabulary = Background + 3;

    private const int Size = 5, Colour = Size + 2, Shape = Colour + 6, Place = Shape + 3, Background = Place + 4;

    /// <summary>Writes the words of a caption, or nothing at all.</summary>
    /// <param name="caption">The caption; null for none.</param>
    /// <param name="words">Receives [<see cref="Count"/>, <see cref="Words"/>] numbers below <see cref="Vocabulary"/>.</param>
    public static void Write(SceneCaption? caption, Span<int> words)
    {
        words.Clear();
        if (caption is null) return;
        WriteThing(caption.Thing, caption.Count, caption.Relation, words);
        if (caption.Other is { } other) WriteThing(other, 1, caption.Relation!.Value.Opposite(), words[Words..]);
        words[2 * Words] = Background + (int)caption.Background;
    }

    private static void WriteThing(SceneThing thing, int count, SceneRelation? place, Span<int> words) =>
        (words[0], words[1], words[2], words[3], words[4]) =
            (count, Size + (int)thing.Size, Colour + (int)thing.Colour, Shape + (int)thing.Shape, place is { } relation ? Place + (int)relation : 0);
}
