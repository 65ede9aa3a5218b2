using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

// Of Transformers over patches of an image. N images, T patches, C width.

/// <summary>What the configurations of these networks say in the same words.</summary>
internal sealed class PatchSettings
{
    private const int Most = 1 << 12, MostWidth = 1 << 16, MostPatch = 1 << 6;

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="CratonException">A setting is out of range.</exception>
    public PatchSettings(ConfigReader read, int heads, int headWidth, int layers, int patch)
    {
        Heads = read.Count("num_attention_heads", heads, Most);
        HeadWidth = read.Count("attention_head_dim", headWidth, Most);
        Layers = read.Count("num_layers", layers, 1 << 10);
        if (Width > MostWidth) throw new CratonException($"{read.File}: num_attention_heads and attention_head_dim: expected a width of at most {MostWidth}, got {Heads} times {HeadWidth}");
        Patch = read.Count("patch_size", patch, MostPatch);
        Channels = read.Count("in_channels", 4, Most);
        OutChannels = read.Count("out_channels", Channels, Most);
    }

    public int Heads { get; }

    public int HeadWidth { get; }

    public int Layers { get; }

    public int Patch { get; }

    public int Channels { get; }

    public int OutChannels { get; }

    public int Width => Heads * HeadWidth;
}

/// <summary>Patches of an image as vectors, and back.</summary>
internal sealed class ImagePatches : Module
{
    private readonly Conv2d _projection;
    private readonly int _patch;
    private readonly Func<int, int, Tensor> _positions;

    /// <summary>Creates the layer.</summary>
    /// <param name="settings">Sizes.</param>
    /// <param name="grid">Patches in a row of the images of training.</param>
    /// <param name="scale">How far apart positions of finer images lie.</param>
    /// <param name="stored">Side of a table of positions that is stored; computed when null.</param>
    public ImagePatches(PatchSettings settings, int grid, double scale = 1, int? stored = null)
    {
        _patch = settings.Patch;
        _projection = Child("proj", new Conv2d(settings.Channels, settings.Width, _patch, new() { Stride = _patch }));
        if (stored is { } side)
        {
            Tensor table = Buffer("pos_embed", 0, 1, side * side, settings.Width);
            _positions = (rows, columns) => Centre(table, side, rows, columns);
        }
        else
        {
            _positions = (rows, columns) => Computed(settings.Width, rows, columns, grid, scale);
        }
    }

    /// <summary>x [N, channels, H, W] → [N, T, C].</summary>
    public Tensor Forward(Tensor x)
    {
        if (x.Rank != 4 || x.Size(2) % _patch != 0 || x.Size(3) % _patch != 0) throw new CratonException($"[patches] x: expected images of multiples of {_patch} rows and columns, got {x.Layout}");
        Tensor y = _projection.Forward(x);
        (int rows, int columns) = (y.Size(2), y.Size(3));
        return y.View(y.Size(0), y.Size(1), rows * columns).Permute(0, 2, 1).Contiguous() + _positions(rows, columns);
    }

    /// <summary>Vectors [N, T, patch · patch · channels] → [N, channels, H, W] of the size of another image.</summary>
    public static Tensor Joined(Tensor y, Tensor like, int patch)
    {
        (int rows, int columns, int channels) = (like.Size(2) / patch, like.Size(3) / patch, y.Size(2) / (patch * patch));
        return y.View(y.Size(0), rows, columns, patch, patch, channels).Permute(0, 5, 1, 3, 2, 4).Contiguous().View(y.Size(0), channels, rows * patch, columns * patch);
    }

    // The middle of the table.
    private static Tensor Centre(Tensor table, int side, int rows, int columns)
    {
        if (rows > side || columns > side) throw new CratonException($"[patches] x: expected at most {side} × {side} patches, which have positions, got {rows} × {columns}");
        (int top, int left, int width) = ((side - rows) / 2, (side - columns) / 2, table.Size(2));
        Tensor square = table.View(side, side, width);
        return Ops.Slice(Ops.Slice(square, 0, top, top + rows), 1, left, left + columns).Contiguous().View(1, rows * columns, width);
    }

    // Waves of the column in the first half, of the row in the second; sines before cosines in each.
    private static Tensor Computed(int width, int rows, int columns, int grid, double scale)
    {
        int quarter = width / 4;
        float[] values = new float[rows * columns * width];
        for (int i = 0; i < rows * columns; i++)
        {
            double row = i / columns * ((double)grid / rows) / scale, column = i % columns * ((double)grid / columns) / scale;
            for (int k = 0; k < quarter; k++)
            {
                double frequency = DeterministicMath.Exp(-DeterministicMath.Log(10000) * k / quarter);
                Span<float> vector = values.AsSpan(i * width, width);
                vector[k] = (float)DeterministicMath.Sin(column * frequency);
                vector[k + quarter] = (float)DeterministicMath.Cos(column * frequency);
                vector[k + 2 * quarter] = (float)DeterministicMath.Sin(row * frequency);
                vector[k + 3 * quarter] = (float)DeterministicMath.Cos(row * frequency);
            }
        }
        return Tensor.From(values, 1, rows * columns, width);
    }
}

/// <summary>A time, or another number, as a vector.</summary>
internal sealed class NumberEmbedding : Module
{
    private const int Waves = 256;

    private readonly TimestepEmbedding _waves;
    private readonly TimeLayers _layers;

    /// <summary>Creates the layer.</summary>
    /// <param name="name">The checkpoint's name of its layers.</param>
    /// <param name="width">Width of the vector.</param>
    /// <param name="shift">Taken from the half width in the divisor of the frequencies' exponents.</param>
    public NumberEmbedding(string name, int width, double shift = 0)
    {
        _waves = new TimestepEmbedding(Waves, 10000, cosineFirst: true, shift);
        _layers = Child(name, new TimeLayers(Waves, width));
    }

    /// <summary>Numbers F32 [N] → [N, width].</summary>
    public Tensor Forward(Tensor numbers) => _layers.Forward(_waves.Forward(numbers));
}

/// <summary>Norms whose shift and scale are told by a vector (adaptive norms; Peebles, Xie 2023).</summary>
internal static class Modulation
{
    /// <summary>Added to the variance in these norms.</summary>
    public const double Eps = 1e-6;

    /// <summary>norm(x) · (1 + scale) + shift, with shift and scale [N, 1, C].</summary>
    public static Tensor Norm(Tensor x, Tensor shift, Tensor scale, double eps = Eps) => Ops.LayerNorm(x, eps: eps) * (scale + 1) + shift;

    /// <summary>Equal parts of vectors [N, parts · C], each [N, 1, C].</summary>
    public static Tensor[] Parts(Tensor vectors, int parts)
    {
        (int batch, int width) = (vectors.Size(0), vectors.Size(1) / parts);
        return [.. Enumerable.Range(0, parts).Select(i => Ops.Slice(vectors, 1, i * width, (i + 1) * width).Contiguous().View(batch, 1, width))];
    }
}

/// <summary>The layer that makes shifts, scales and gates of a vector.</summary>
internal sealed class ModulationLayer : Module
{
    private readonly Linear _linear;
    private readonly int _parts;

    public ModulationLayer(int width, int parts)
    {
        _parts = parts;
        _linear = Child("linear", new Linear(width, parts * width, bias: true));
    }

    /// <summary>A vector [N, C] → parts [N, 1, C] each.</summary>
    public Tensor[] Forward(Tensor vector) => Modulation.Parts(_linear.Forward(vector, Activation.Silu), _parts);

    /// <summary>The last norm of a network, of whose two parts the scale is first.</summary>
    public Tensor Last(Tensor x, Tensor vector)
    {
        Tensor[] parts = Forward(vector);
        return Modulation.Norm(x, parts[1], parts[0]);
    }
}

/// <summary>The usual feed-forward layer of these networks.</summary>
internal static class PatchFeedForward
{
    public static FeedForward Create(int width) => new(width, 4 * width, Activation.GeluTanh, bias: true, ("net.0.proj", "net.2"));
}
