using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>A sentence that is no caption of a scene.</summary>
public sealed class SceneCaptionException(string message) : CratonException(message);

/// <summary>
/// The caption of a scene: one thing, one to four of a kind, or two things and where the first lies.
/// <code>
/// caption  = what " on a " background " background"
/// what     = "a " thing | count " " thing "s" | "a " thing " " relation " a " thing
/// thing    = size " " colour " " shape
/// count    = "two" | "three" | "four"
/// relation = "above" | "below" | "left of" | "right of"
/// </code>
/// </summary>
/// <param name="Thing">The first thing, or the kind.</param>
/// <param name="Count">How many of the first there are, 1 to 4.</param>
/// <param name="Relation">Where the first lies, seen from the other; null when there is no other.</param>
/// <param name="Other">The other thing.</param>
/// <param name="Background">What lies behind.</param>
public sealed record SceneCaption(SceneThing Thing, int Count, SceneRelation? Relation, SceneThing? Other, SceneBackground Background)
{
    private const int MostCharacters = 200;

    /// <summary>Number of things in the picture.</summary>
    public int Things => Other is null ? Count : 2;

    /// <summary>The sentence.</summary>
    public override string ToString()
    {
        string what = $"{SceneWords.Counts[Count - 1]} {Thing}{(Count > 1 ? "s" : "")}";
        if (Other is not null) what += $" {SceneWords.Phrase(Relation!.Value)} a {Other}";
        return $"{what} on a {SceneWords.Of(Background)} background";
    }

    /// <summary>Reads a sentence.</summary>
    /// <exception cref="SceneCaptionException">A word is not the one that the grammar has there.</exception>
    public static SceneCaption Parse(string sentence)
    {
        if (sentence.Length > MostCharacters) throw new SceneCaptionException($"caption: expected at most {MostCharacters} characters, got {sentence.Length}");
        var words = new Words(sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        int count = 1 + words.OneOf(SceneWords.Counts);
        SceneThing thing = words.Thing(count > 1 ? "s" : "");
        SceneRelation? relation = count == 1 && words.Next != "on" ? words.Relation() : null;
        if (relation is not null) words.OneOf("a");
        SceneThing? other = relation is null ? null : words.Thing("");
        words.OneOf("on");
        words.OneOf("a");
        var background = words.Value<SceneBackground>();
        words.OneOf("background");
        words.End();
        return new(thing, count, relation, other, background);
    }

    private sealed class Words(string[] words)
    {
        private int _at;

        public string Next => _at < words.Length ? words[_at] : "";

        public int OneOf(params string[] expected)
        {
            int found = Array.IndexOf(expected, Next);
            if (found < 0) throw new SceneCaptionException($"caption: expected {string.Join(" or ", expected)} as word {_at + 1}, got '{Next}'; as in 'a small red circle above a large blue square on a black background'");
            _at++;
            return found;
        }

        public T Value<T>(string end = "") where T : struct, Enum
        {
            T[] values = Enum.GetValues<T>();
            return values[OneOf([.. values.Select(value => SceneWords.Of(value) + end)])];
        }

        public SceneThing Thing(string end) => new(Value<SceneSize>(), Value<SceneColour>(), Value<SceneShape>(end));

        public SceneRelation Relation()
        {
            var relation = Value<SceneRelation>();
            if (relation is SceneRelation.Left or SceneRelation.Right) OneOf("of");
            return relation;
        }

        public void End()
        {
            if (_at < words.Length) throw new SceneCaptionException($"caption: expected its end after word {_at}, got '{Next}'");
        }
    }
}
