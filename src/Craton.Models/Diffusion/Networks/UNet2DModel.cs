using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// The network that tells what noise an image holds at a time, and of a class where it knows classes. J. Ho, A. Jain, P. Abbeel, "Denoising
/// Diffusion Probabilistic Models", 2020. On disk it is a folder in the layout of diffusers.
/// </summary>
public sealed class UNet2DModel : Module
{
    private readonly TimestepEmbedding _waves;
    private readonly TimeLayers _time;
    private readonly Embedding? _classTable;
    private readonly TimeLayers? _classTime;
    private readonly Conv2d _in, _out;
    private readonly DownBlock[] _down;
    private readonly MiddleBlock _middle;
    private readonly UpBlock[] _up;
    private readonly GroupNorm _norm;
    private readonly Activation _activation;
    private readonly bool _centres;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public UNet2DModel(ConfigReader read)
    {
        var config = new UNet2DConfig(read);
        (int width, int time) = (config.Channels[0], config.TimeWidth);
        (_activation, _centres) = (config.Blocks.Activation, read.Flag("center_input_sample"));
        _waves = new TimestepEmbedding(width, 10000, read.Flag("flip_sin_to_cos", true), read.Real("freq_shift", 0));
        _in = Child("conv_in", new Conv2d(config.InChannels, width, 3, new() { Padding = 1 }));
        _time = Child("time_embedding", new TimeLayers(width, time));
        string classes = read.TextOr("", "class_embed_type");
        if (classes is not ("" or "timestep")) throw new CratonException($"{read.File}: class_embed_type is '{classes}', expected timestep or none");
        if (classes == "timestep") _classTime = Child("class_embedding", new TimeLayers(width, time));
        else if (read.IntOr(0, "num_class_embeds") is > 0 and var count) _classTable = Child("class_embedding", new Embedding(count, time));
        _down = Children("down_blocks", config.Channels.Length, i => new DownBlock(config, i));
        _middle = Child("mid_block", new MiddleBlock(config));
        _up = Children("up_blocks", config.Channels.Length, i => new UpBlock(config, i));
        _norm = Child("conv_norm_out", new GroupNorm(config.Blocks.Groups, width, config.Blocks.Eps));
        _out = Child("conv_out", new Conv2d(width, config.OutChannels, 3, new() { Padding = 1 }));
    }

    /// <summary>Whether <see cref="Forward"/> needs classes.</summary>
    public bool KnowsClasses => _classTable is not null || _classTime is not null;

    /// <summary>What the network answers.</summary>
    /// <param name="x">Images with noise [N, C, H, W]; rows and columns are halved at each level but the last.</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="classes">Their classes, I32 [N], where the network knows classes.</param>
    /// <returns>[N, channels, H, W].</returns>
    /// <exception cref="CratonException">Classes are missing or not known, or shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor times, Tensor? classes = null)
    {
        if (KnowsClasses != classes is not null)
            throw new CratonException($"[unet2d] classes: expected {(KnowsClasses ? "a tensor of one class for each image" : "none, since the network knows none")}");
        Tensor time = _time.Forward(_waves.Forward(times));
        if (_classTable is not null) time += _classTable.Forward(classes!);
        else if (_classTime is not null) time += _classTime.Forward(_waves.Forward(Ops.Cast(classes!, DType.F32)));
        x = _in.Forward(_centres ? x * 2 - 1 : x);
        var skips = new Stack<Tensor>([x]);
        foreach (DownBlock block in _down) x = block.Forward(x, time, skips);
        x = _middle.Forward(x, time);
        foreach (UpBlock block in _up) x = block.Forward(x, time, skips);
        return _out.Forward(Ops.Activate(_norm.Forward(x), _activation));
    }

    /// <summary>Reads a network from its folder; weights in BF16 or F16 are widened.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static UNet2DModel Load(string directory)
    {
        UNet2DModel model = NetworkFolder.Load(directory, "UNet2DModel", read => new UNet2DModel(read), out EncoderSource source);
        model._source = source;
        return model;
    }

    /// <summary>Writes a network that was read from a folder: the configuration it had, and the weights as they are now, in F32.</summary>
    /// <exception cref="CratonException">The network was not read from a folder.</exception>
    public void Save(string directory) => NetworkFolder.Save(directory, this, _source);
}

/// <summary>Two layers over the waves of a time.</summary>
internal sealed class TimeLayers : Module
{
    private readonly Linear _first, _second;

    public TimeLayers(int inputs, int outputs)
    {
        _first = Child("linear_1", new Linear(inputs, outputs, bias: true));
        _second = Child("linear_2", new Linear(outputs, outputs, bias: true));
    }

    public Tensor Forward(Tensor x) => _second.Forward(_first.Forward(x), Activation.Silu);
}
