namespace Craton.Data.Images.Scenes;

/// <summary>What happens to the first thing of a clip.</summary>
public enum SceneMotion
{
    /// <summary>Nothing.</summary>
    Stays,
    /// <summary>It moves to the left.</summary>
    Left,
    /// <summary>It moves to the right.</summary>
    Right,
    /// <summary>It moves up.</summary>
    Up,
    /// <summary>It moves down.</summary>
    Down,
    /// <summary>A small thing becomes large.</summary>
    Grows,
    /// <summary>A large thing becomes small.</summary>
    Shrinks,
    /// <summary>It takes another colour at once.</summary>
    Turns,
}

/// <summary>A short clip of a scene: one or two things, of which the first may move.</summary>
/// <param name="Caption">Its one sentence.</param>
/// <param name="Frames">Its pictures in order; their captions and the sizes of things are those of the first, places, radii and colours their own.</param>
public sealed record SceneClip(SceneClipCaption Caption, IReadOnlyList<Scene> Frames)
{
    /// <summary>Frames of a clip unless something else is asked for.</summary>
    public const int UsualFrames = 6;
}

/// <summary>
/// The caption of a clip: that of its first picture, with what happens told behind the first thing.
/// <code>
/// caption = "a " thing " " motion [" " relation " a " thing] " on a " background " background"
/// motion  = "stays" | "moves left" | "moves right" | "moves up" | "moves down" | "grows" | "shrinks" | "turns " colour
/// </code>
/// </summary>
/// <param name="Scene">The caption of the first picture, of one thing or of two with their relation, which stays as it is.</param>
/// <param name="Motion">What happens to the first thing.</param>
/// <param name="Becomes">The colour it takes where it turns; null elsewhere.</param>
public sealed record SceneClipCaption(SceneCaption Scene, SceneMotion Motion, SceneColour? Becomes)
{
    private const int MostCharacters = 200, Before = 4; // words before the motion

    private static readonly (string Phrase, SceneMotion Motion, SceneColour? Becomes)[] s_phrases =
    [
        .. Enum.GetValues<SceneMotion>().Where(motion => motion != SceneMotion.Turns).Select(motion => (PhraseOf(motion), motion, (SceneColour?)null)),
        .. Enum.GetValues<SceneColour>().Select(colour => ($"turns {SceneWords.Of(colour)}", SceneMotion.Turns, (SceneColour?)colour)),
    ];

    /// <summary>What happens, in words.</summary>
    public string Phrase => Becomes is { } colour ? $"{SceneWords.Of(Motion)} {SceneWords.Of(colour)}" : PhraseOf(Motion);

    /// <summary>The sentence.</summary>
    public override string ToString()
    {
        string[] words = Scene.ToString().Split(' ');
        return string.Join(' ', [.. words[..Before], Phrase, .. words[Before..]]);
    }

    /// <summary>Reads a sentence.</summary>
    /// <exception cref="SceneCaptionException">A word is not the one that the grammar has there.</exception>
    public static SceneClipCaption Parse(string sentence)
    {
        if (sentence.Length > MostCharacters) throw new SceneCaptionException($"caption: expected at most {MostCharacters} characters, got {sentence.Length}");
        string[] words = sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries), rest = words[Math.Min(Before, words.Length)..];
        foreach ((string phrase, SceneMotion motion, SceneColour? becomes) in s_phrases)
        {
            string[] said = phrase.Split(' ');
            if (!rest.Take(said.Length).SequenceEqual(said)) continue;
            var scene = SceneCaption.Parse(string.Join(' ', [.. words[..Before], .. rest[said.Length..]]));
            return scene.Count == 1 ? new(scene, motion, becomes) : throw new SceneCaptionException($"caption: expected a as word 1, got '{words[0]}'; a clip shows one thing, or two that differ");
        }
        throw new SceneCaptionException(
            $"caption: expected {string.Join(" or ", s_phrases.Select(known => $"'{known.Phrase}'"))} behind the first thing, got '{string.Join(' ', rest.Take(2))}'; as in 'a small red circle moves left below a large blue square on a black background'");
    }

    /// <summary>All that the true caption states beside what is said in its place. Only where nothing moves may two things be named in either order.</summary>
    /// <param name="truth">The clip's caption.</param>
    /// <param name="said">What is said; null when it is no caption.</param>
    public static IReadOnlyList<ScenePart> Compare(SceneClipCaption truth, SceneClipCaption? said) =>
    [
        .. truth.Motion == SceneMotion.Stays ? SceneCaptionCheck.Compare(truth.Scene, said?.Scene) : SceneCaptionCheck.InOrder(truth.Scene, said?.Scene),
        new("motion", truth.Phrase, said?.Phrase ?? SceneCaptionCheck.Nothing),
    ];

    private static string PhraseOf(SceneMotion motion) =>
        motion is SceneMotion.Left or SceneMotion.Right or SceneMotion.Up or SceneMotion.Down ? $"moves {SceneWords.Of(motion)}" : SceneWords.Of(motion);
}
