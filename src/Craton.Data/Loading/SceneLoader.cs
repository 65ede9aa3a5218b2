using System.Globalization;
using Craton.Data.Images.Scenes;
using Craton.Tensors;

namespace Craton.Data;

/// <summary>Gives out scenes that were never given out before, endless and resumable: those of a <see cref="SceneGenerator"/> in order, without those on the other side of <see cref="SceneSplit"/>. Not thread-safe.</summary>
/// <param name="seed">Seed of the scenes.</param>
/// <param name="heldOut">True: those that are held out from training; false: the others.</param>
public sealed class SceneLoader(ulong seed, bool heldOut = false) : IResumable
{
    private readonly SceneGenerator _generator = new(seed);
    private readonly string _fingerprint = StableHash.Of(string.Create(CultureInfo.InvariantCulture, $"scenes {seed} {heldOut}")).ToString("x16", CultureInfo.InvariantCulture);
    private int _next;
    private long _given;

    /// <inheritdoc/>
    public LoaderState State
    {
        get => new(_fingerprint, _given, [new SourceCursor(0, _next, 0, _given)]);
        set
        {
            BatchLoader.Check(value, _fingerprint, 1);
            if (value.Sources[0].Document is < 0 or > int.MaxValue) throw new CratonException("The checkpoint's place in the scenes is damaged: there is no such scene; resume from an earlier checkpoint.");
            (_next, _given) = ((int)value.Sources[0].Document, value.Rows);
        }
    }

    /// <summary>The next scene.</summary>
    public Scene Next()
    {
        while (true)
        {
            Scene scene = _generator[checked(_next++)];
            if (SceneSplit.IsHeldOut(scene.Caption) != heldOut) continue;
            _given++;
            return scene;
        }
    }
}
