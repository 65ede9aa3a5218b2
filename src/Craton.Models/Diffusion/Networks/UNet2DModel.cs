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
    private readonly UNetTime _time;
    private readonly UNetDescent _descent;
    private readonly UNetAscent _ascent;
    private EncoderSource? _source;

    /// <summary>Creates the network that a configuration describes, with zeroed weights.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public UNet2DModel(ConfigReader read)
    {
        var config = new UNet2DConfig(read);
        (InChannels, SampleSize) = (config.InChannels, config.SampleSize);
        _time = Inline(new UNetTime(config));
        _descent = Inline(new UNetDescent(config, config.InChannels));
        _ascent = Inline(new UNetAscent(config, config.OutChannels));
    }

    /// <summary>Channels of the images it is shown.</summary>
    public int InChannels { get; }

    /// <summary>Height and width of the images it was trained on; null where the configuration does not say.</summary>
    public (int Height, int Width)? SampleSize { get; }

    /// <summary>Whether <see cref="Forward"/> needs classes.</summary>
    public bool KnowsClasses => _time.KnowsClasses;

    /// <summary>What the network answers.</summary>
    /// <param name="x">Images with noise [N, C, H, W]; rows and columns are halved at each level but the last.</param>
    /// <param name="times">Their times, F32 [N].</param>
    /// <param name="classes">Their classes, I32 [N], where the network knows classes.</param>
    /// <returns>[N, channels, H, W].</returns>
    /// <exception cref="CratonException">Classes are missing or not known, or shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor times, Tensor? classes = null)
    {
        Tensor time = _time.Forward(times, classes);
        var skips = new Stack<Tensor>();
        x = _descent.Forward(x, time, null, skips);
        return _ascent.Forward(x, time, null, skips);
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
