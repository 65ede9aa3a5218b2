using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>The settings of a <see cref="UNet2DModel"/>, under the names of its <c>config.json</c>.</summary>
internal sealed class UNet2DConfig
{
    private const int MostChannels = 1 << 16, MostLayers = 64, MostLevels = 16;

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public UNet2DConfig(ConfigReader read)
    {
        Read = read;
        Channels = read.Ints("block_out_channels") ?? [224, 448, 672, 896];
        DownTypes = read.Texts("down_block_types") ?? ["DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"];
        UpTypes = read.Texts("up_block_types") ?? ["AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"];
        if (Channels.Length is < 1 or > MostLevels || Channels.Any(c => c is < 1 or > MostChannels))
            throw new CratonException($"{read.File}: block_out_channels: expected 1 to {MostLevels} numbers from 1 to {MostChannels}");
        if (DownTypes.Length != Channels.Length || UpTypes.Length != Channels.Length)
            throw new CratonException($"{read.File}: expected as many down_block_types and up_block_types as block_out_channels, {Channels.Length}, got {DownTypes.Length} and {UpTypes.Length}");
        InChannels = Count("in_channels", 3, MostChannels);
        OutChannels = Count("out_channels", 3, MostChannels);
        Layers = Count("layers_per_block", 2, MostLayers);
        HeadWidth = read.Has("attention_head_dim") ? Count("attention_head_dim", 8, MostChannels) : (int?)read.NumberOrNull("attention_head_dim", 8); // null: one head
        bool scales = Choice("resnet_time_scale_shift", "default", "default", "scale_shift") == "scale_shift";
        TimeWidth = Count("time_embedding_dim", 4 * Channels[0], 4 * MostChannels);
        Blocks = new BlockSettings(TimeWidth, Count("norm_num_groups", 32, MostChannels), read.Number("norm_eps", 1e-5), read.Activation("silu", "act_fn"), scales);
        MiddleGroups = read.Has("attn_norm_num_groups") ? Count("attn_norm_num_groups", 32, MostChannels) : scales ? null : Blocks.Groups;
        Padding = read.IntOr(1, "downsample_padding");
        if (Padding is not (0 or 1)) throw new CratonException($"{read.File}: downsample_padding: expected 0 or 1, got {Padding}");
        ResidualDown = Choice("downsample_type", "conv", "conv", "resnet") == "resnet";
        ResidualUp = Choice("upsample_type", "conv", "conv", "resnet") == "resnet";
        MiddleDivisor = read.Number("mid_block_scale_factor", 1);
        Choice("time_embedding_type", "positional", "positional");
        Choice("mid_block_type", "UNetMidBlock2D", "UNetMidBlock2D");
        read.Refuse(read.Probability("dropout") > 0, "dropout", "these blocks have none; set it to 0 to use the weights as they are");
    }

    public ConfigReader Read { get; }

    public int[] Channels { get; }

    public string[] DownTypes { get; }

    public string[] UpTypes { get; }

    public int InChannels { get; }

    public int OutChannels { get; }

    public int Layers { get; }

    public int? HeadWidth { get; }

    public int? MiddleGroups { get; }

    public double MiddleDivisor { get; }

    public int Padding { get; }

    public bool ResidualDown { get; }

    public bool ResidualUp { get; }

    public int TimeWidth { get; }

    public BlockSettings Blocks { get; }

    private int Count(string name, int otherwise, int most) => Read.IntOr(otherwise, name) is var value && value >= 1 && value <= most
        ? value
        : throw new CratonException($"{Read.File}: {name}: expected 1 to {most}, got {value}");

    private string Choice(string name, string otherwise, params string[] known) => Read.TextOr(otherwise, name) is var value && known.Contains(value)
        ? value
        : throw new CratonException($"{Read.File}: {name} is '{value}', expected {string.Join(" or ", known)}");
}
