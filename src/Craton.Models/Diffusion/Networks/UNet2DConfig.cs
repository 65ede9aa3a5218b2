using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>The settings of a <see cref="UNet2DModel"/>, under the names of its <c>config.json</c>.</summary>
internal sealed class UNet2DConfig : UNetConfig
{
    private readonly int _layers;
    private readonly int? _headWidth, _middleGroups;
    private readonly bool _residualDown, _residualUp;

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public UNet2DConfig(ConfigReader read) : base(
        read, [224, 448, 672, 896], ["DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"], ["AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"])
    {
        InChannels = read.Count("in_channels", 3, MostChannels);
        OutChannels = read.Count("out_channels", 3, MostChannels);
        _layers = read.Count("layers_per_block", 2, MostLayers);
        _headWidth = read.IsNull("attention_head_dim") ? null : read.Count("attention_head_dim", 8, MostChannels); // null: one head
        _middleGroups = read.Has("attn_norm_num_groups") ? read.Count("attn_norm_num_groups", 32, MostChannels) : Blocks.ScalesByTime ? null : Blocks.Groups;
        _residualDown = read.Choice("downsample_type", "conv", "resnet") == "resnet";
        _residualUp = read.Choice("upsample_type", "conv", "resnet") == "resnet";
        read.Choice("mid_block_type", "UNetMidBlock2D");
    }

    public int InChannels { get; }

    public int OutChannels { get; }

    /// <inheritdoc/>
    protected override string[] KnownTypes => ["*Block2D", "Attn*Block2D", "Resnet*sampleBlock2D"];

    /// <inheritdoc/>
    public override int Layers(int level) => _layers;

    /// <inheritdoc/>
    public override ImageAttention Attention(int level) => new PixelAttention(Channels[level], _headWidth, Blocks.Groups, Blocks.Eps);

    /// <inheritdoc/>
    public override ImageAttention? MiddleAttention() =>
        Read.Flag("add_attention", true) ? new PixelAttention(Channels[^1], _headWidth, _middleGroups, Blocks.Eps, MiddleDivisor) : null;

    /// <inheritdoc/>
    public override bool ResizesByResidual(string type) => type switch
    {
        "ResnetDownsampleBlock2D" or "ResnetUpsampleBlock2D" => true,
        "AttnDownBlock2D" => _residualDown,
        "AttnUpBlock2D" => _residualUp,
        _ => false,
    };
}
