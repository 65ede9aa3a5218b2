using System.Globalization;
using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>
/// Makes clips: a third with one thing, the others with two and a relation. What happens to the first is one of <see cref="SceneMotion"/>, each as
/// often: it moves by 7 to 12 thirty-seconds of the picture, changes its size or its colour, or stays. Clip n of a seed is the same on every machine and depends on no
/// other. Things never touch or leave the picture, and their relation is beyond doubt in every frame.
/// </summary>
/// <param name="seed">The seed.</param>
/// <param name="frames">Pictures of a clip.</param>
public sealed class SceneClipGenerator(ulong seed, int frames = SceneClip.UsualFrames)
{
    /// <summary>Fewest and most frames.</summary>
    public const int LeastFrames = 2, MostFrames = 64;

    // In units of Scene.Side.
    private const double Border = 1, Gap = 2.5, Doubt = 2, Nearest = 7, Farthest = 12;

    private static readonly uint s_place = CounterRandom.PlaceOf("scenes.clips");

    private readonly int _frames = frames is >= LeastFrames and <= MostFrames ? frames : throw new CratonException($"clips: expected {LeastFrames} to {MostFrames} frames, got {frames}");

    /// <summary>What a clip is called in a folder of clips: a folder with its frames.</summary>
    public static string FolderOf(int number) => string.Create(CultureInfo.InvariantCulture, $"clips/{number:D7}");

    /// <summary>What a frame is called in the folder of its clip.</summary>
    public static string FileOf(int frame) => string.Create(CultureInfo.InvariantCulture, $"{frame:D2}.png");

    /// <summary>A clip by its number.</summary>
    public SceneClip this[int number]
    {
        get
        {
            var draw = new SceneDraws(new CounterRandom(seed, (uint)number, s_place));
            var motion = (SceneMotion)draw.Below(Enum.GetValues<SceneMotion>().Length);
            SceneThing thing = draw.Thing();
            if (motion is SceneMotion.Grows or SceneMotion.Shrinks) thing = thing with { Size = motion == SceneMotion.Grows ? SceneSize.Small : SceneSize.Large };
            SceneColour? becomes = motion == SceneMotion.Turns ? (SceneColour)(((int)thing.Colour + 1 + draw.Below(5)) % 6) : null;
            SceneThing? other = draw.Below(3) == 0 ? null : draw.OtherThan(thing);
            SceneBackground background = draw.Background();
            // Places are drawn until they fit together.
            while (true)
            {
                SceneObject start = Placed(draw, thing), end = End(start, motion, draw);
                SceneObject? second = other is null ? null : Placed(draw, other);
                SceneRelation? relation = second is null ? null : RelationOf(start, end, second);
                if (!IsInside(end) || (second is not null && relation is null)) continue;
                return Clip(new(new(thing, 1, relation, other, background), motion, becomes), start, end, second, changes: 1 + draw.Below(_frames - 1));
            }
        }
    }

    // Frames at equal distances of time; a colour changes from one to the next.
    private SceneClip Clip(SceneClipCaption caption, SceneObject start, SceneObject end, SceneObject? second, int changes)
    {
        var all = new Scene[_frames];
        for (int i = 0; i < _frames; i++)
        {
            double t = (double)i / (_frames - 1);
            SceneThing seen = caption.Becomes is { } colour && i >= changes ? start.Thing with { Colour = colour } : start.Thing;
            var first = new SceneObject(seen, Between(start.X, end.X, t), Between(start.Y, end.Y, t), Between(start.Radius, end.Radius, t));
            all[i] = new Scene(caption.Scene, second is null ? [first] : [first, second]);
        }
        return new(caption, all);
    }

    private static double Between(double from, double to, double t) => from + t * (to - from);

    private static SceneObject Placed(SceneDraws draw, SceneThing thing)
    {
        SceneBox box = draw.Box(thing);
        return new(thing, draw.Between(box.Columns(Border)), draw.Between(box.Rows(Border)), box.Radius);
    }

    private static SceneObject End(SceneObject start, SceneMotion motion, SceneDraws draw)
    {
        double path = draw.Between((Nearest, Farthest));
        return motion switch
        {
            SceneMotion.Left => start with { X = start.X - path },
            SceneMotion.Right => start with { X = start.X + path },
            SceneMotion.Up => start with { Y = start.Y - path },
            SceneMotion.Down => start with { Y = start.Y + path },
            SceneMotion.Grows => start with { Radius = draw.Radius(SceneSize.Large, start.Thing.Shape) },
            SceneMotion.Shrinks => start with { Radius = draw.Radius(SceneSize.Small, start.Thing.Shape) },
            _ => start,
        };
    }

    private static bool IsInside(SceneObject thing)
    {
        var box = new SceneBox(thing.Thing, thing.Radius);
        return Holds(box.Columns(Border), thing.X) && Holds(box.Rows(Border), thing.Y);

        static bool Holds((double Low, double High) range, double value) => value >= range.Low && value <= range.High;
    }

    // What holds at the start and at the end of a straight way holds on it: all bounds are of sums of coordinates and radii.
    private static SceneRelation? RelationOf(SceneObject start, SceneObject end, SceneObject other) =>
        IsClear(start, other) && IsClear(end, other) && start.RelationTo(other) is var relation && relation == end.RelationTo(other) ? relation : null;

    // Whether the relation of two things is beyond doubt, and there is a gap between them.
    private static bool IsClear(SceneObject a, SceneObject b)
    {
        double dx = Math.Abs(a.X - b.X), dy = Math.Abs(a.Y - b.Y);
        SceneBox one = new(a.Thing, a.Radius), two = new(b.Thing, b.Radius);
        double gap = dx > dy ? dx - one.Right - two.Right : dy - (a.Y < b.Y ? one.Bottom + two.Top : one.Top + two.Bottom);
        return Math.Abs(dx - dy) >= Doubt && gap >= Gap;
    }
}
