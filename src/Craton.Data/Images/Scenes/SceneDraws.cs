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

    public double Radius(SceneSize size) => Between(size == SceneSize.Small ? (2.4, 2.9) : (4.4, 5));

    public SceneBox Box(SceneThing thing) => new(thing, Radius(thing.Size));

    public int[] Order(int count)
    {
        int[] order = new int[count];
        random.Permute(order);
        return order;
    }
}
