using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>A thing as it is seen in a picture.</summary>
/// <param name="Size">Its size.</param>
/// <param name="Colour">Its colour.</param>
/// <param name="Shape">Its shape; null when it looks like none.</param>
/// <param name="X">Its centre of gravity, as in <see cref="SceneObject"/>.</param>
/// <param name="Y">The same from the top.</param>
/// <param name="Radius">Of the circle of its area.</param>
public sealed record SeenObject(SceneSize Size, SceneColour Colour, SceneShape? Shape, double X, double Y, double Radius)
{
    /// <summary>Where this thing lies, seen from the other.</summary>
    public SceneRelation RelationTo(SeenObject other) => SceneWords.Relation(X - other.X, Y - other.Y);
}

/// <summary>
/// What a picture shows, from its pixels alone: things are connected parts that differ from the background, their colour is the one whose
/// mixtures with the background explain their pixels best, their place and radius follow from their moments, and their shape is the one
/// that covers their pixels best.
/// </summary>
/// <param name="Background">What lies behind.</param>
/// <param name="Objects">The things, from the top down.</param>
public sealed record SceneReading(SceneBackground Background, IReadOnlyList<SeenObject> Objects)
{
    private const int LeastDistance = 70, LeastPixels = 5, MostObjects = 16; // of colours; of a part, in a picture of 32 pixels a side
    private const double LargeRadius = 3.95, WorstFit = 0.2;

    /// <summary>Looks at a picture.</summary>
    /// <exception cref="CratonException">It is not square, or of fewer than 16 or more than 512 pixels a side.</exception>
    public static SceneReading Of(Picture picture)
    {
        if (picture.Width != picture.Height || picture.Width is < SceneRenderer.LeastSide or > SceneRenderer.MostSide)
            throw new CratonException($"scene: expected a square picture of {SceneRenderer.LeastSide} to {SceneRenderer.MostSide} pixels a side, got {picture.Width}×{picture.Height}");
        var pixels = new ScenePixels(picture.OnWhite());
        SceneBackground background = pixels.Background();
        (int, int, int) behind = SceneRenderer.Rgb(background);
        double least = LeastPixels * Square(pixels.Side / (double)Scene.Side);
        SeenObject[] objects = [.. pixels.Parts(behind, LeastDistance).Where(part => part.Count >= least).Take(MostObjects).Select(part => See(pixels, behind, part))];
        return new(background, objects);
    }

    private static SeenObject See(ScenePixels pixels, (int R, int G, int B) behind, List<int> part)
    {
        SceneColour colour = Enum.GetValues<SceneColour>().MinBy(candidate => part.Sum(at => pixels.Mixture(at, behind, SceneRenderer.Rgb(candidate)).Error));
        (double Share, int At)[] shares = [.. pixels.Grown(part).Select(at => (pixels.Mixture(at, behind, SceneRenderer.Rgb(colour)).Share, at))];
        double pixel = (double)Scene.Side / pixels.Side, area = shares.Sum(s => s.Share);
        double x = shares.Sum(s => s.Share * (s.At % pixels.Side + 0.5)) / area * pixel, y = shares.Sum(s => s.Share * (s.At / pixels.Side + 0.5)) / area * pixel;
        double radius = Math.Sqrt(area / Math.PI) * pixel;
        SceneSize size = radius > LargeRadius ? SceneSize.Large : SceneSize.Small;
        (double fit, SceneShape shape) = Enum.GetValues<SceneShape>().Select(candidate => (Fit(new(size, colour, candidate)), candidate)).Min();
        return new(size, colour, fit <= WorstFit * area ? shape : null, x, y, radius);

        double Fit(SceneThing thing)
        {
            var box = new SceneBox(thing, radius);
            return shares.Sum(s => Square(s.Share - box.Coverage(s.At % pixels.Side * pixel - x, s.At / pixels.Side * pixel - y, pixel)));
        }
    }

    private static double Square(double value) => value * value;
}
