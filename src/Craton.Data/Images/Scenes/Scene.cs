namespace Craton.Data.Images.Scenes;

/// <summary>Shapes of things.</summary>
public enum SceneShape
{
    /// <summary>A circle.</summary>
    Circle,
    /// <summary>A square with level sides.</summary>
    Square,
    /// <summary>An equilateral triangle that stands on a side.</summary>
    Triangle,
}

/// <summary>Colours of things.</summary>
public enum SceneColour
{
    /// <summary>Red.</summary>
    Red,
    /// <summary>Green.</summary>
    Green,
    /// <summary>Blue.</summary>
    Blue,
    /// <summary>Yellow.</summary>
    Yellow,
    /// <summary>Purple.</summary>
    Purple,
    /// <summary>Cyan.</summary>
    Cyan,
}

/// <summary>Sizes of things.</summary>
public enum SceneSize
{
    /// <summary>A circle's radius is 2.8 to 3.3 thirty-seconds of the picture; squares are a little narrower, triangles a little wider.</summary>
    Small,
    /// <summary>A circle's radius is 5.2 to 5.9.</summary>
    Large,
}

/// <summary>What lies behind all things.</summary>
public enum SceneBackground
{
    /// <summary>Black.</summary>
    Black,
    /// <summary>Grey.</summary>
    Grey,
    /// <summary>White.</summary>
    White,
}

/// <summary>Where one thing lies, seen from another: along the axis on which their centres are further apart.</summary>
public enum SceneRelation
{
    /// <summary>Above it.</summary>
    Above,
    /// <summary>Below it.</summary>
    Below,
    /// <summary>Left of it.</summary>
    Left,
    /// <summary>Right of it.</summary>
    Right,
}

/// <summary>Relations seen from the other side.</summary>
public static class SceneRelations
{
    /// <summary>Where the other thing lies, seen from this one.</summary>
    public static SceneRelation Opposite(this SceneRelation relation) => relation switch
    {
        SceneRelation.Above => SceneRelation.Below,
        SceneRelation.Below => SceneRelation.Above,
        SceneRelation.Left => SceneRelation.Right,
        _ => SceneRelation.Left,
    };
}

/// <summary>What a caption says of a thing: <c>small red circle</c>.</summary>
public sealed record SceneThing(SceneSize Size, SceneColour Colour, SceneShape Shape)
{
    /// <summary>As captions say it.</summary>
    public override string ToString() => $"{SceneWords.Of(Size)} {SceneWords.Of(Colour)} {SceneWords.Of(Shape)}";
}

/// <summary>A thing at its place.</summary>
/// <param name="Thing">What it is.</param>
/// <param name="X">Of its centre of gravity, in thirty-seconds of the picture's width, from the left.</param>
/// <param name="Y">The same from the top.</param>
/// <param name="Radius">Of the circle of its area, in the same unit.</param>
public sealed record SceneObject(SceneThing Thing, double X, double Y, double Radius)
{
    /// <summary>Where this thing lies, seen from the other.</summary>
    public SceneRelation RelationTo(SceneObject other) => SceneWords.Relation(X - other.X, Y - other.Y);
}

/// <summary>A scene: everything that its picture shows.</summary>
/// <param name="Caption">Its one sentence.</param>
/// <param name="Objects">The things, in the order of the caption.</param>
public sealed record Scene(SceneCaption Caption, IReadOnlyList<SceneObject> Objects)
{
    /// <summary>Side of the square that places and radii are measured in.</summary>
    public const int Side = 32;
}

/// <summary>The words of captions.</summary>
internal static class SceneWords
{
    public static readonly string[] Counts = ["a", "two", "three", "four"];

    public static string Of<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    public static string Phrase(SceneRelation relation) => relation is SceneRelation.Left or SceneRelation.Right ? $"{Of(relation)} of" : Of(relation);

    public static SceneRelation Relation(double dx, double dy) => Math.Abs(dx) > Math.Abs(dy)
        ? dx < 0 ? SceneRelation.Left : SceneRelation.Right
        : dy < 0 ? SceneRelation.Above : SceneRelation.Below;
}
