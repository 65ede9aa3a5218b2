using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>The pictures that a <see cref="LabelledGenerator"/> draws.</summary>
/// <param name="Channels">1 grey, 3 red, green and blue.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Labels">Number of labels that can be asked for; 0 where nothing can.</param>
public sealed record LabelledShape(int Channels, int Height, int Width, int Labels)
{
    private const int MostSide = 1 << 12, MostLabels = 1 << 16;

    /// <summary>What <see cref="Read"/> reads.</summary>
    internal JsonObject ToJson() => new() { ["channels"] = Channels, ["height"] = Height, ["width"] = Width, ["labels"] = Labels };

    /// <summary>Reads the shape from a <c>config.json</c>.</summary>
    /// <exception cref="CratonException">A value is missing or out of range.</exception>
    internal static LabelledShape Read(ConfigReader read, int leastLabels = 1)
    {
        return new(Size("channels", 4), Size("height", MostSide), Size("width", MostSide), Size("labels", MostLabels, leastLabels));

        int Size(string name, int most, int least = 1) => read.Int(name) is var value && value >= least && value <= most
            ? value
            : throw new CratonException($"{read.File}: {name}: expected {least} to {most}, got {value}");
    }
}

/// <summary>A model that draws pictures of what a label asks for, out of noise.</summary>
public abstract class LabelledGenerator : Module
{
    private static readonly uint s_place = CounterRandom.PlaceOf("generator.noise");

    private protected LabelledGenerator(LabelledShape shape) => Shape = shape;

    /// <summary>What it draws.</summary>
    public LabelledShape Shape { get; }

    /// <summary>The noise of one picture.</summary>
    public abstract IReadOnlyList<int> NoiseShape { get; }

    /// <summary>Draws a picture for each label.</summary>
    /// <param name="labels">What to draw: N numbers below the number of labels; all 0 where nothing can be asked for.</param>
    /// <param name="noise">Normal noise, [N, ..<see cref="NoiseShape"/>].</param>
    /// <returns>Pictures [N, C, H, W] of 0 to 1.</returns>
    public abstract Tensor Draw(ReadOnlySpan<int> labels, Tensor noise);

    /// <summary>The same out of the noise of a seed: a picture depends on its label, the seed and its number alone.</summary>
    /// <param name="labels">What to draw.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="first">Number of the first picture.</param>
    public Tensor Draw(ReadOnlySpan<int> labels, ulong seed, int first = 0) => Draw(labels, Noise(labels.Length, seed, first));

    /// <summary>The noise of pictures of a seed, [count, ..<see cref="NoiseShape"/>].</summary>
    public Tensor Noise(int count, ulong seed, int first = 0)
    {
        Tensor noise = Tensor.Empty(DType.F32, [count, .. NoiseShape]);
        int size = (int)(noise.Count / Math.Max(1, count));
        for (int i = 0; i < count; i++) new CounterRandom(seed, (uint)(first + i), s_place).FillNormal(noise.AsSpan<float>().Slice(i * size, size));
        return noise;
    }
}
