using System.Globalization;
using Craton.Tensors;

namespace Craton.Data.Images.Scenes;

/// <summary>
/// Endless scenes for training, new ones at every step, and scenes whose combinations of things none of them ever shows: what a caption says of
/// size, colour, shape and relation together decides which it is. "A above B" and "B below A" are one combination. Each scene is a function of its
/// numbers, so that a place among them is no state.
/// </summary>
public sealed class SceneSplit : IResumable
{
    private const ulong HeldOutKey = 0x48656C644F7574;

    private readonly ulong _seed;
    private readonly double _share;

    /// <summary>Divides the combinations.</summary>
    /// <param name="seed">Seed of the scenes; which combinations are held out does not depend on it.</param>
    /// <param name="share">Share of the combinations that is held out, 0.01 to 0.9.</param>
    /// <exception cref="CratonException">The share is out of its range.</exception>
    public SceneSplit(ulong seed, double share)
    {
        if (share is not (>= 0.01 and <= 0.9)) throw new CratonException($"scenes: expected a held-out share from 0.01 to 0.9, got {share}");
        (_seed, _share) = (seed, share);
        Fingerprint = StableHash.Of(string.Create(CultureInfo.InvariantCulture, $"scenes {seed} {share}")).ToString("x16", CultureInfo.InvariantCulture);
    }

    /// <summary>Tells the scenes from those of another seed or share.</summary>
    public string Fingerprint { get; }

    /// <summary>Nothing but which scenes they are.</summary>
    public LoaderState State
    {
        get => new(Fingerprint, 0, []);
        set => BatchLoader.Check(value, Fingerprint, 0);
    }

    /// <summary>Whether a caption's combination is held out.</summary>
    public bool IsHeldOut(SceneCaption caption)
    {
        (SceneThing first, SceneThing? second) = caption.Relation is SceneRelation.Below or SceneRelation.Right ? (caption.Other!, caption.Thing) : (caption.Thing, caption.Other);
        string combination = caption.Other is null
            ? $"{caption.Count} {first} {SceneWords.Of(caption.Background)}"
            : $"{first} {(caption.Relation is SceneRelation.Above or SceneRelation.Below ? SceneRelation.Above : SceneRelation.Left)} {second}";
        return StableHash.ToUnit(StableHash.Of(combination)) < _share;
    }

    /// <summary>A scene for training.</summary>
    /// <param name="step">The optimizer step.</param>
    /// <param name="index">Its number within the step.</param>
    public Scene Training(long step, int index) => Draw(StableHash.Combine(_seed, (ulong)step), index, heldOut: false);

    /// <summary>A held-out scene by its number.</summary>
    public Scene HeldOut(int number) => Draw(StableHash.Combine(_seed, HeldOutKey), number, heldOut: true);

    private Scene Draw(ulong key, int index, bool heldOut)
    {
        for (ulong attempt = 0; ; attempt++)
        {
            Scene scene = new SceneGenerator(StableHash.Combine(key, attempt))[index];
            if (IsHeldOut(scene.Caption) == heldOut) return scene;
        }
    }
}
