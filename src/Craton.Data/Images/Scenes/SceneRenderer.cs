using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>Paints scenes, with smooth edges.</summary>
public static class SceneRenderer
{
    /// <summary>Least and most pixels of a side.</summary>
    public const int LeastSide = 16, MostSide = 512;

    /// <summary>The picture of a scene, red, green and blue.</summary>
    /// <param name="scene">The scene.</param>
    /// <param name="side">Pixels of a side.</param>
    /// <exception cref="CratonException">The side is outside of 16 to 512.</exception>
    public static Picture Render(Scene scene, int side = Scene.Side)
    {
        if (side is < LeastSide or > MostSide) throw new CratonException($"scene: expected a picture of {LeastSide} to {MostSide} pixels a side, got {side}");
        byte[] samples = new byte[3 * side * side];
        double pixel = (double)Scene.Side / side;
        (int R, int G, int B) behind = Rgb(scene.Caption.Background);
        for (int at = 0; at < samples.Length; at += 3)
        {
            (double r, double g, double b) = behind;
            foreach (SceneObject thing in scene.Objects)
            {
                double share = new SceneBox(thing.Thing, thing.Radius).Coverage(at / 3 % side * pixel - thing.X, at / 3 / side * pixel - thing.Y, pixel);
                (int R, int G, int B) colour = Rgb(thing.Thing.Colour);
                (r, g, b) = (r + share * (colour.R - r), g + share * (colour.G - g), b + share * (colour.B - b));
            }
            (samples[at], samples[at + 1], samples[at + 2]) = ((byte)(r + 0.5), (byte)(g + 0.5), (byte)(b + 0.5));
        }
        return new(side, side, 3, samples);
    }

    internal static (int R, int G, int B) Rgb(SceneBackground background) => background switch
    {
        SceneBackground.Black => (0, 0, 0),
        SceneBackground.Grey => (128, 128, 128),
        _ => (255, 255, 255),
    };

    internal static (int R, int G, int B) Rgb(SceneColour colour) => colour switch
    {
        SceneColour.Red => (230, 30, 30),
        SceneColour.Green => (30, 180, 50),
        SceneColour.Blue => (40, 70, 230),
        SceneColour.Yellow => (245, 220, 30),
        SceneColour.Purple => (170, 50, 210),
        _ => (40, 210, 220),
    };
}
