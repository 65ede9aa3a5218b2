using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>What the configurations of all networks in the shape of a U say.</summary>
internal abstract class UNetConfig
{
    /// <summary>Most channels of a layer.</summary>
    protected const int MostChannels = 1 << 16;

    /// <summary>Most layers of a level.</summary>
    protected const int MostLayers = 64;

    private const int MostLevels = 16;

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    protected UNetConfig(ConfigReader read, int[] channels, string[] downTypes, string[]? upTypes)
    {
        Read = read;
        Channels = read.Ints("block_out_channels") ?? channels;
        if (Channels.Length is < 1 or > MostLevels || Channels.Any(c => c is < 1 or > MostChannels))
            throw new CratonException($"{read.File}: block_out_channels: expected 1 to {MostLevels} numbers from 1 to {MostChannels}");
        DownTypes = Types("down_block_types", downTypes);
        UpTypes = upTypes is null ? [] : Types("up_block_types", upTypes); // null: there is no way up
        bool scales = read.Choice("resnet_time_scale_shift", "default", "scale_shift") == "scale_shift";
        TimeWidth = read.Count("time_embedding_dim", 4 * Channels[0], 4 * MostChannels);
        read.Refuse(read.IsNull("norm_num_groups"), "norm_num_groups", "blocks without normalisation are not built");
        Blocks = new BlockSettings(TimeWidth, read.Count("norm_num_groups", 32, MostChannels), read.Number("norm_eps", 1e-5), read.Activation("silu", "act_fn"), scales);
        Padding = read.IntOr(1, "downsample_padding");
        if (Padding is not (0 or 1)) throw new CratonException($"{read.File}: downsample_padding: expected 0 or 1, got {Padding}");
        SampleSize = Size();
        MiddleDivisor = read.Number("mid_block_scale_factor", 1);
        read.Choice("time_embedding_type", "positional");
        read.Refuse(read.Probability("dropout") > 0, "dropout", "these blocks have none; set it to 0 to use the weights as they are");
    }

    public ConfigReader Read { get; }

    public int[] Channels { get; }

    public string[] DownTypes { get; }

    public string[] UpTypes { get; }

    public int TimeWidth { get; }

    public BlockSettings Blocks { get; }

    public int Padding { get; }

    /// <summary>Height and width of the images it was trained on; null where the configuration does not say.</summary>
    public (int Height, int Width)? SampleSize { get; }

    public double MiddleDivisor { get; }

    /// <summary>Number of residual blocks of a level on the way down; on the way up it has one more.</summary>
    public abstract int Layers(int level);

    /// <summary>The attention of a level that attends.</summary>
    public abstract ImageAttention Attention(int level);

    /// <summary>The attention of the coarsest block; null for none.</summary>
    public abstract ImageAttention? MiddleAttention();

    /// <summary>Whether there is a coarsest block.</summary>
    public virtual bool HasMiddle => true;

    /// <summary>Whether blocks of a type change the size by a residual block rather than by a convolution.</summary>
    public virtual bool ResizesByResidual(string type) => false;

    /// <summary>Types of blocks that are built, without those that attend.</summary>
    protected abstract string[] KnownTypes { get; }

    private (int, int)? Size()
    {
        const int Most = 1 << 14;
        int[] sizes = Read.IsList("sample_size") ? Read.Ints("sample_size")! : Read.Has("sample_size") ? [.. Enumerable.Repeat(Read.Count("sample_size", 0, Most), 2)] : [];
        return sizes switch
        {
            [] => null,
            [>= 1 and <= Most, >= 1 and <= Most] => (sizes[0], sizes[1]),
            _ => throw new CratonException($"{Read.File}: sample_size: expected a height and a width from 1 to {Most}, got {string.Join(", ", sizes)}"),
        };
    }

    private string[] Types(string name, string[] otherwise)
    {
        string[] types = Read.Texts(name) ?? otherwise;
        string way = name == "down_block_types" ? "Down" : "Up";
        string[] known = [.. KnownTypes.Select(t => t.Replace("*", way, StringComparison.Ordinal))];
        if (types.Length != Channels.Length) throw new CratonException($"{Read.File}: {name}: expected one for each of the {Channels.Length} block_out_channels, got {types.Length}");
        foreach (string type in types)
            if (!known.Contains(type)) throw new CratonException($"{Read.File}: {name}: expected {string.Join(" or ", known)}, got '{type}'");
        return types;
    }
}
