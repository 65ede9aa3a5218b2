using System.Globalization;
using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>
/// Makes scenes: a quarter with one thing, a half with two and a relation, a quarter with two to four of a kind. Scene n of a seed is the
/// same on every machine and depends on no other. Things never touch, and lie so that their relation is beyond doubt.
/// </summary>
public sealed class SceneGenerator(ulong seed)
{
    // In units of Scene.Side.
    private const double Border = 1, Gap = 2.5, Doubt = 2;

    private static readonly uint s_place = CounterRandom.PlaceOf("scenes");

    /// <summary>What the picture of a scene is called in a folder of scenes.</summary>
    public static string FileOf(int number) => string.Create(CultureInfo.InvariantCulture, $"images/{number:D7}.png");

    /// <summary>A scene by its number.</summary>
    public Scene this[int number]
    {
        get
        {
            var draw = new SceneDraws(new CounterRandom(seed, (uint)number, s_place));
            int kind = draw.Below(4);
            SceneThing thing = draw.Thing();
            SceneBackground background = draw.Background();
            return kind switch
            {
                0 => Single(draw, thing, background),
                1 => Group(draw, thing, background),
                _ => Pair(draw, thing, background),
            };
        }
    }

    private static Scene Single(SceneDraws draw, SceneThing thing, SceneBackground background)
    {
        SceneBox box = draw.Box(thing);
        return new(new(thing, 1, null, null, background), [At(box, draw.Between(box.Columns(Border)), draw.Between(box.Rows(Border)))]);
    }

    // Each in a quarter of its own.
    private static Scene Group(SceneDraws draw, SceneThing thing, SceneBackground background)
    {
        const double Quarter = Scene.Side / 2.0;
        int count = 2 + draw.Below(SceneWords.Counts.Length - 1);
        int[] quarters = draw.Order(4);
        var objects = new SceneObject[count];
        for (int i = 0; i < count; i++)
        {
            SceneBox box = draw.Box(thing);
            double x = draw.Between((Gap / 2 + box.Left, Quarter - Gap / 2 - box.Right)), y = draw.Between((Gap / 2 + box.Top, Quarter - Gap / 2 - box.Bottom));
            objects[i] = At(box, x + quarters[i] % 2 * Quarter, y + quarters[i] / 2 * Quarter);
        }
        return new(new(thing, count, null, null, background), objects);
    }

    private static Scene Pair(SceneDraws draw, SceneThing thing, SceneBackground background)
    {
        SceneThing other = draw.OtherThan(thing);
        var relation = (SceneRelation)draw.Below(4);
        SceneBox a = draw.Box(thing), b = draw.Box(other);
        bool swapped = relation is SceneRelation.Below or SceneRelation.Right, vertical = relation is SceneRelation.Above or SceneRelation.Below;
        (SceneBox first, SceneBox second) = swapped ? (b, a) : (a, b); // the first is above, or to the left
        double needed = vertical ? first.Top + first.Bottom + second.Top + second.Bottom : first.Left + first.Right + second.Left + second.Right;
        double slack = Scene.Side - 2 * Border - Gap - needed, before = draw.Between((0, slack)), between = draw.Between((0, slack - before));
        double near = Border + before + (vertical ? first.Top : first.Left);
        double far = near + Gap + between + (vertical ? first.Bottom + second.Top : first.Right + second.Left);
        // Across, both within the range that both have, and nearer to each other than along.
        (double low, double high) = vertical ? Common(a.Columns(Border), b.Columns(Border)) : Common(a.Rows(Border), b.Rows(Border));
        double one = draw.Between((low, high)), most = far - near - Doubt;
        double two = draw.Between((Math.Max(low, one - most), Math.Min(high, one + most)));
        SceneObject firstObject = vertical ? At(first, one, near) : At(first, near, one), secondObject = vertical ? At(second, two, far) : At(second, far, two);
        return new(new(thing, 1, relation, other, background), swapped ? [secondObject, firstObject] : [firstObject, secondObject]);
    }

    private static (double Low, double High) Common((double Low, double High) a, (double Low, double High) b) => (Math.Max(a.Low, b.Low), Math.Min(a.High, b.High));

    private static SceneObject At(SceneBox box, double x, double y) => new(box.Thing, x, y, box.Radius);
}
