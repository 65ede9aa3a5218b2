using Craton.Data.Images;
using Craton.Tensors;

namespace Craton.Cli.Imagining;

/// <summary>One picture as it was asked for on the command line; what was not said is null.</summary>
internal sealed record PictureOrder
{
    public string? Caption { get; init; }

    public string? Negative { get; init; }

    public required ulong Seed { get; init; }

    public int? Steps { get; init; }

    public double? Guidance { get; init; }

    public (int Width, int Height)? Size { get; init; }

    /// <summary>What to begin from.</summary>
    public Picture? Image { get; init; }

    public double? Strength { get; init; }

    /// <summary>White where the image is to be painted anew.</summary>
    public Picture? Mask { get; init; }

    /// <summary>Told the steps that are done, and how many there are.</summary>
    public required Action<int, int> OnStep { get; init; }

    /// <summary>Refuses what was asked for and a kind of model cannot do.</summary>
    /// <exception cref="CratonException">It was asked for.</exception>
    public static void Refuse(object? given, string option, string why)
    {
        if (given is not null) throw new CratonException($"{option}: {why}; leave it out, or take another model");
    }
}
