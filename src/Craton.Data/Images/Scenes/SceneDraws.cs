using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>The numbers of one scene, taken one after the other.</summary>
internal sealed class SceneDraws(CounterRandom random)
{
    private long _next;

    public int Below(int bound) => random.NextInt(_next++, bound);

    public double Between((double Low, double High) range) => range.Low + random.Uniform(_next++) * (range.High - range.Low);

    public SceneThing Thing() => new((SceneSize)Below(2), (SceneColour)Below(6), (SceneShape)Below(3));

    public SceneThing OtherThan(SceneThing thing)
    {
        int other = ((int)thing.Colour * 3 + (int)thing.Shape + 1 + Below(17)) % 18; // any pair of colour and shape but its own
        return new((SceneSize)Below(2), (SceneColour)(other / 3), (SceneShape)(other % 3));
    }

    public SceneBackground Background() => (SceneBackground)Below(Enum.GetValues<SceneBackground>().Length);

    /// <summary>The radius of a thing of this size, in units of <see cref="Scene.Side"/>. Shapes of one size are of about one width, so their areas tell them apart too.</summary>
    public double Radius(SceneSize size, SceneShape shape) =>
        Between(size == SceneSize.Small ? (2.8, 3.3) : (5.2, 5.9)) * (shape switch { SceneShape.Circle => 1, SceneShape.Square => 1.08, _ => 0.84 });

    public SceneBox Box(SceneThing thing) => new(thing, Radius(thing.Size, thing.Shape));

    public int[] Order(int count)
    {
        int[] order = new int[count];
        random.Permute(order);
        return order;
    }
}
