using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>What a <see cref="ControlNetModel"/> adds to a <see cref="UNet2DConditionModel"/>.</summary>
/// <param name="Down">Added to what each block on the way down leaves for the way up, in its order.</param>
/// <param name="Middle">Added to the coarsest features.</param>
public sealed record ControlResiduals(IReadOnlyList<Tensor> Down, Tensor Middle);

/// <summary>
/// A network that tells another one where things are to be, out of a picture such as one of edges. L. Zhang, A. Rao, M. Agrawala, "Adding Conditional
/// Control to Text-to-Image Diffusion Models", 2023.
/// </summary>
public sealed class ControlNetModel : Module
{
    private readonly UNetTime _time;
    private readonly SizeEmbedding? _sizes;
    private readonly UNetDescent _descent;
    private readonly ControlHint _hint;
    private readonly Conv2d[] _down;
    private readonly Conv2d _middle;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public ControlNetModel(ConfigReader read)
    {
        var config = new UNetConditionConfig(read, ascends: false);
        read.Refuse(read.Flag("global_pool_conditions"), "global_pool_conditions", "residuals keep their places");
        read.Choice("controlnet_conditioning_channel_order", "rgb");
        read.Refuse(!config.HasMiddle, "mid_block_type", "the coarsest block has a residual");
        _time = Inline(new UNetTime(config, config.Blocks.Activation));
        if (read.Choice("addition_embed_type", "", "text_time") == "text_time") _sizes = Inline(new SizeEmbedding(config));
        _hint = Child("controlnet_cond_embedding", new ControlHint(read, config.Channels[0]));
        _descent = Inline(new UNetDescent(config, config.InChannels));
        int[] left = [.. Left(config)];
        _down = Children("controlnet_down_blocks", left.Length, i => new Conv2d(left[i], left[i], 1));
        _middle = Child("controlnet_mid_block", new Conv2d(config.Channels[^1], config.Channels[^1], 1));
    }

    /// <summary>What the network adds.</summary>
    /// <param name="x">Codes with noise [N, C, h, w].</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="context">Vectors of the tokens of their texts, [N, T, width].</param>
    /// <param name="picture">Pictures of what is to be where, [N, 3, H, W] from 0 to 1, in the size of the images.</param>
    /// <param name="strength">Factor on all.</param>
    /// <param name="guesses">Fine residuals count less, down to a tenth: for captions that say nothing.</param>
    /// <param name="conditions">What else the network is told.</param>
    public ControlResiduals Forward(Tensor x, Tensor times, Tensor context, Tensor picture, double strength = 1, bool guesses = false, UNetConditions? conditions = null)
    {
        Tensor time = _time.Forward(times, conditions?.Classes);
        if (_sizes is not null) time += _sizes.Forward(conditions?.PooledText, conditions?.Sizes);
        var skips = new Stack<Tensor>();
        Tensor coarsest = _descent.Forward(x, time, TextContext.Of(context, conditions?.ContextMask), skips, _hint.Forward(picture));
        Tensor[] left = [.. skips.Reverse()];
        return new ControlResiduals([.. left.Select((skip, i) => _down[i].Forward(skip) * Factor(i))], _middle.Forward(coarsest) * Factor(left.Length));

        double Factor(int i) => strength * (guesses ? DeterministicMath.Exp(DeterministicMath.Log(10) * (-1 + (double)i / left.Length)) : 1);
    }

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static ControlNetModel Load(string directory)
    {
        ControlNetModel model = NetworkFolder.Load(directory, "ControlNetModel", read => new ControlNetModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);

    // Channels of what the way down leaves, in its order.
    private static IEnumerable<int> Left(UNetConfig config)
    {
        yield return config.Channels[0];
        for (int level = 0; level < config.Channels.Length; level++)
            for (int i = 0; i < config.Layers(level) + (level < config.Channels.Length - 1 ? 1 : 0); i++)
                yield return config.Channels[level];
    }
}

/// <summary>A picture in the size of codes.</summary>
internal sealed class ControlHint : Module
{
    private readonly Conv2d _in, _out;
    private readonly Conv2d[] _blocks;

    public ControlHint(ConfigReader read, int filters)
    {
        int[] channels = read.Ints("conditioning_embedding_out_channels") ?? [16, 32, 96, 256];
        if (channels.Length is < 1 or > 16 || channels.Any(c => c is < 1 or > 1 << 16))
            throw new CratonException($"{read.File}: conditioning_embedding_out_channels: expected 1 to 16 numbers from 1 to {1 << 16}");
        _in = Child("conv_in", new Conv2d(read.Count("conditioning_channels", 3, 1 << 10), channels[0], 3, new() { Padding = 1 }));
        _blocks = Children("blocks", 2 * (channels.Length - 1), i => new Conv2d(channels[i / 2], channels[(i + 1) / 2], 3, new() { Padding = 1, Stride = 1 + i % 2 }));
        _out = Child("conv_out", new Conv2d(channels[^1], filters, 3, new() { Padding = 1 }));
    }

    public Tensor Forward(Tensor picture)
    {
        Tensor x = Ops.Silu(_in.Forward(picture));
        foreach (Conv2d block in _blocks) x = Ops.Silu(block.Forward(x));
        return _out.Forward(x);
    }
}
