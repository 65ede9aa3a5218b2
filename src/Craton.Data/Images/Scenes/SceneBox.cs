namespace Craton.Data.Images.Scenes;

/// <summary>A thing of a radius: which points it covers, and how far it reaches from its centre of gravity.</summary>
internal readonly record struct SceneBox(SceneThing Thing, double Radius)
{
    // For the area π of a circle of radius 1: half a side of the square, and of the triangle; the triangle's top and base.
    private const double HalfSquare = 0.886226925452758, HalfBase = 1.346773687087638, Top0 = 1.555120099713873, Base0 = 0.777560049856937, Slope = 0.577350269189626;

    public double Left => Radius * (Thing.Shape switch { SceneShape.Circle => 1, SceneShape.Square => HalfSquare, _ => HalfBase });

    public double Right => Left;

    public double Top => Radius * (Thing.Shape switch { SceneShape.Circle => 1, SceneShape.Square => HalfSquare, _ => Top0 });

    public double Bottom => Radius * (Thing.Shape switch { SceneShape.Circle => 1, SceneShape.Square => HalfSquare, _ => Base0 });

    /// <summary>Where its centre may lie from left to right.</summary>
    public (double Low, double High) Columns(double border) => (border + Left, Scene.Side - border - Right);

    /// <summary>Where its centre may lie from top to bottom.</summary>
    public (double Low, double High) Rows(double border) => (border + Top, Scene.Side - border - Bottom);

    /// <summary>The share of a pixel that it covers, of 16 points.</summary>
    /// <param name="dx">From its centre to the pixel's left side.</param>
    /// <param name="dy">From its centre to the pixel's upper side.</param>
    /// <param name="pixel">Side of the pixel.</param>
    public double Coverage(double dx, double dy, double pixel)
    {
        const int Points = 4;
        if (dx > Right || dy > Bottom || dx + pixel < -Left || dy + pixel < -Top) return 0;
        int covered = 0;
        for (int row = 0; row < Points; row++)
            for (int column = 0; column < Points; column++)
                if (Covers(dx + (column + 0.5) / Points * pixel, dy + (row + 0.5) / Points * pixel)) covered++;
        return (double)covered / (Points * Points);
    }

    private bool Covers(double x, double y) => Thing.Shape switch
    {
        SceneShape.Circle => x * x + y * y <= Radius * Radius,
        SceneShape.Square => Math.Max(Math.Abs(x), Math.Abs(y)) <= HalfSquare * Radius,
        _ => y <= Base0 * Radius && Math.Abs(x) <= (y + Top0 * Radius) * Slope,
    };
}
