using Craton.Models.Diffusion.Networks;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>
/// A small network that tells what noise a picture holds, trained here: it sees patches of pixels, and is told the time, a vector that says
/// what is drawn, and tokens to look at. Times and vector scale and shift what is normalised (E. Perez et al., "FiLM", 2018). The form is that of
/// J. Ho et al., "Denoising Diffusion Probabilistic Models", 2020, and P. Dhariwal, A. Nichol, "Diffusion Models Beat GANs", 2021.
/// </summary>
public sealed class DrawingUNet : Module
{
    private const double Eps = 1e-5;

    private readonly TimestepEmbedding _waves;
    private readonly TimeLayers _time;
    private readonly Linear? _condition;
    private readonly Conv2d _in, _out;
    private readonly ConvolvedResize[] _halved;
    private readonly Conv2d[] _narrowed;
    private readonly DrawingBlock[] _down, _up;
    private readonly DrawingBlock _middle;
    private readonly GroupNorm _norm;

    /// <summary>Creates the network with zeroed weights.</summary>
    /// <exception cref="CratonException">The shape is out of range.</exception>
    public DrawingUNet(DrawingUNetConfig config)
    {
        Config = config.Checked("[drawing_unet]");
        int[] widths = [.. config.Widths];
        int first = widths[0], time = 4 * first, pixels = config.Channels * config.Patch * config.Patch, levels = widths.Length;
        _waves = new TimestepEmbedding(first);
        _time = Child("time", new TimeLayers(first, time));
        if (config.Condition > 0) _condition = Child("condition", new Linear(config.Condition, time));
        _in = Child("in", new Conv2d(pixels + (config.Coordinates ? 2 : 0), first, 3, new() { Padding = 1 }));
        _halved = Children("halved", levels - 1, i => new ConvolvedResize(widths[i], doubles: false));
        _down = Children("down", levels * config.Blocks, i => Block(widths[Below(i) ? i / config.Blocks - 1 : i / config.Blocks], i / config.Blocks));
        _middle = Child("middle", Block(widths[^1], levels - 1, attends: true));
        _up = Children("up", levels * config.Blocks, i => Block(2 * widths[levels - 1 - i / config.Blocks], levels - 1 - i / config.Blocks));
        _narrowed = Children("narrowed", levels - 1, i => new Conv2d(widths[levels - 1 - i], widths[levels - 2 - i], 1));
        _norm = Child("norm", new GroupNorm(config.Groups, first, Eps));
        _out = Child("out", new Conv2d(first, pixels, 3, new() { Padding = 1 }));

        DrawingBlock Block(int channels, int level, bool attends = false) => new(
            channels, widths[level], config, new BlockSettings(time, config.Groups, Eps, Activation.Silu, ScalesByTime: true),
            attends || level >= levels - config.AttentionLevels);

        bool Below(int block) => block % config.Blocks == 0 && block > 0;
    }

    /// <summary>Its shape.</summary>
    public DrawingUNetConfig Config { get; }

    /// <summary>First weights: normal, of variance 1 / inputs, but 0 where a residual part ends, so that every block begins as a shortcut, and 0 at the end.</summary>
    /// <param name="seed">Seed of the model.</param>
    public DrawingUNet Initialize(ulong seed)
    {
        uint index = 0;
        foreach ((string name, Tensor weight) in NamedParameters())
            if (weight.Rank >= 2 && !EndsInZero(name)) Init.Normal(weight, Math.Sqrt((double)weight.Size(0) / weight.Count), seed, index++);
        return this;

        static bool EndsInZero(string name) =>
            name is "out.weight" || name.EndsWith("conv2.weight", StringComparison.Ordinal) || name.EndsWith("to_out.0.weight", StringComparison.Ordinal);
    }

    /// <summary>What the network answers.</summary>
    /// <param name="x">Pictures with noise [N, C, H, W], both sides multiples of <see cref="DrawingUNetConfig.Multiple"/>.</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="condition">What is drawn, F32 [N, <see cref="DrawingUNetConfig.Condition"/>], where the shape has it.</param>
    /// <param name="context">Tokens to look at, F32 [N, T, <see cref="DrawingUNetConfig.Context"/>], where the shape has them.</param>
    /// <param name="attended">Gets, for each block that looks at tokens, the shares of each pixel's attention, [N, T, H, W], the mean over heads.</param>
    /// <returns>[N, C, H, W].</returns>
    /// <exception cref="CratonException">Something is missing, or shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor times, Tensor? condition = null, Tensor? context = null, ICollection<Tensor>? attended = null)
    {
        if (x.Rank != 4 || x.Size(1) != Config.Channels || x.Size(2) % Config.Multiple != 0 || x.Size(3) % Config.Multiple != 0)
            throw new CratonException($"[drawing_unet] x: expected pictures [N, {Config.Channels}, H, W] with sides that are multiples of {Config.Multiple}, got {x.Layout}");
        if (condition is not null != _condition is not null || context is not null != Config.Context > 0)
            throw new CratonException($"[drawing_unet] expected {(_condition is null ? "no" : "a")} condition and {(Config.Context == 0 ? "no" : "a")} context, since the network was made so");
        Tensor time = _time.Forward(_waves.Forward(times));
        if (condition is not null) time += _condition!.Forward(condition);
        var seen = new DrawingContext(time, context, attended);
        x = Ops.PixelUnshuffle(x, Config.Patch);
        x = _in.Forward(Config.Coordinates ? Ops.Concat(1, x, Places(x)) : x);
        var skips = new Stack<Tensor>();
        for (int i = 0; i < _down.Length; i++)
        {
            if (i > 0 && i % Config.Blocks == 0) x = _halved[i / Config.Blocks - 1].Forward(x);
            x = _down[i].Forward(x, seen);
            skips.Push(x);
        }
        x = _middle.Forward(x, seen);
        for (int i = 0; i < _up.Length; i++)
        {
            if (i > 0 && i % Config.Blocks == 0) x = Doubled(_narrowed[i / Config.Blocks - 1].Forward(x));
            x = _up[i].Forward(Ops.Concat(1, x, skips.Pop()), seen);
        }
        return Ops.PixelShuffle(_out.Forward(Ops.Silu(_norm.Forward(x))), Config.Patch);
    }

    // The column and the row of every pixel of x, each from −1 to 1: [N, 2, H, W].
    private static Tensor Places(Tensor x)
    {
        (int height, int width) = (x.Size(2), x.Size(3));
        Tensor places = Tensor.Empty(DType.F32, 1, 2, height, width);
        Span<float> values = places.AsSpan<float>();
        for (int i = 0; i < height * width; i++)
            (values[i], values[height * width + i]) = ((2 * (i % width) + 1f) / width - 1, (2 * (i / width) + 1f) / height - 1);
        return Ops.Expand(places, x.Size(0), 2, height, width);
    }

    private static Tensor Doubled(Tensor x) => Ops.Interpolate(x, (2 * x.Size(2), 2 * x.Size(3)));
}

/// <summary>What every block of a <see cref="DrawingUNet"/> is told.</summary>
/// <param name="Time">The time and what is drawn, [N, width].</param>
/// <param name="Tokens">What attention looks at, [N, T, context], or null.</param>
/// <param name="Attended">Gets the attention to tokens, where somebody wants to see it.</param>
internal readonly record struct DrawingContext(Tensor Time, Tensor? Tokens, ICollection<Tensor>? Attended);

/// <summary>A residual block; then attention of all pixels to each other, where its level has it, and to the tokens, where there are some.</summary>
internal sealed class DrawingBlock : Module
{
    private readonly ResidualBlock _residual;
    private readonly PixelAttention? _attention;
    private readonly TokenAttention? _tokens;

    public DrawingBlock(int channels, int filters, DrawingUNetConfig config, BlockSettings settings, bool attends)
    {
        _residual = Child("residual", new ResidualBlock(channels, filters, settings));
        if (attends) _attention = Child("attention", new PixelAttention(filters, config.HeadWidth, settings.Groups, settings.Eps));
        if (config.Context > 0) _tokens = Child("tokens", new TokenAttention(filters, config, settings));
    }

    public Tensor Forward(Tensor x, in DrawingContext seen)
    {
        x = _residual.Forward(x, seen.Time);
        if (_attention is not null) x = _attention.Forward(x);
        return _tokens is null ? x : _tokens.Forward(x, seen);
    }
}

/// <summary>
/// Attention of every pixel to tokens (Rombach et al. 2022), and by the same scores of every token to pixels, both added to the picture. The first
/// tells a pixel which token it belongs to; the second, a softmax over pixels, whether the token's place is here or elsewhere, which softmax over
/// tokens cannot tell: without it what a token names is drawn in several places.
/// </summary>
internal sealed class TokenAttention : Module
{
    private readonly GroupNorm _norm;
    private readonly LayerNorm _tokenNorm;
    private readonly Linear _query, _key, _value, _placed, _out;
    private readonly int _heads;

    public TokenAttention(int channels, DrawingUNetConfig config, BlockSettings settings)
    {
        _heads = channels / config.HeadWidth;
        _norm = Child("group_norm", new GroupNorm(settings.Groups, channels, settings.Eps));
        _tokenNorm = Child("token_norm", new LayerNorm(config.Context));
        _query = Child("to_q", new Linear(channels, channels));
        _key = Child("to_k", new Linear(config.Context, channels));
        _value = Child("to_v", new Linear(config.Context, channels));
        _placed = Child("to_placed", new Linear(config.Context, channels));
        _out = Child("to_out.0", new Linear(channels, channels, bias: true));
    }

    /// <summary>x [N, C, H, W] → [N, C, H, W].</summary>
    public Tensor Forward(Tensor x, in DrawingContext seen)
    {
        // Tokens are few and pixels many: pixels stay side by side throughout, and a head's values are rows of its matrices.
        (int batch, int channels, int height, int width) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
        Tensor tokens = _tokenNorm.Forward(seen.Tokens!);
        Tensor query = OfPixels(_query, _norm.Forward(x)).View(batch, _heads, channels / _heads, height * width);
        Tensor scores = Ops.MatMul(Split(_key.Forward(tokens)), query) / Math.Sqrt(channels / _heads);
        Tensor shares = Ops.Softmax(scores, 2);
        Tensor places = Ops.Softmax(scores, 3) * Math.Sqrt(height * width); // of about the size of shares where a token's place is small
        seen.Attended?.Add(Ops.Mean(shares, [1]).View(batch, tokens.Size(1), height, width));
        Tensor y = Ops.MatMul(Split(_value.Forward(tokens)).Transpose(), shares) + Ops.MatMul(Split(_placed.Forward(tokens)).Transpose(), places);
        return x + OfPixels(_out, y.View(batch, channels, height, width));
    }

    // The layer at every pixel.
    private static Tensor OfPixels(Linear layer, Tensor x) => Ops.Conv2d(x, layer.Weight.View(layer.Weight.Size(0), layer.Weight.Size(1), 1, 1), layer.Bias);

    // [N, T, C] → [N, heads, T, width].
    private Tensor Split(Tensor x) => x.View(x.Size(0), x.Size(1), _heads, x.Size(2) / _heads).Permute(0, 2, 1, 3);
}
