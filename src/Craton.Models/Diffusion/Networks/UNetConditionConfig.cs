using Craton.Tensors;

namespace Craton.Models.Diffusion.Networks;

/// <summary>The settings of a <see cref="UNet2DConditionModel"/> or a <see cref="ControlNetModel"/>, under the names of its <c>config.json</c>.</summary>
internal sealed class UNetConditionConfig : UNetConfig
{
    private const int MostTransformerLayers = 1 << 12; // in all

    private readonly int[] _layers, _heads, _depths, _contextWidths;
    private readonly bool _linear;

    /// <summary>Reads and checks them.</summary>
    /// <param name="read">The configuration.</param>
    /// <param name="ascends">Whether the network has a way up.</param>
    /// <exception cref="CratonException">A setting is out of range or not supported.</exception>
    public UNetConditionConfig(ConfigReader read, bool ascends = true) : base(
        read, [320, 640, 1280, 1280], ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        ascends ? ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"] : null)
    {
        InChannels = read.Count("in_channels", 4, MostChannels);
        _layers = PerLevel("layers_per_block", 2, MostLayers);
        _heads = PerLevel("attention_head_dim", 8, MostChannels); // so called, and yet the number of heads
        _depths = PerLevel("transformer_layers_per_block", 1, MostLayers);
        _contextWidths = PerLevel("cross_attention_dim", 1280, MostChannels);
        _linear = read.Flag("use_linear_projection");
        HasMiddle = !read.IsNull("mid_block_type");
        if (HasMiddle) read.Choice("mid_block_type", "UNetMidBlock2DCrossAttn");
        for (int level = 0; level < Channels.Length; level++)
            if (Channels[level] % _heads[level] != 0)
                throw new CratonException($"{read.File}: attention_head_dim: expected a divisor of the {Channels[level]} channels of level {level}, got {_heads[level]}");
        long all = Enumerable.Range(0, Channels.Length).Sum(level => (2L * _layers[level] + 2) * _depths[level]);
        if (all > MostTransformerLayers) throw new CratonException($"{read.File}: transformer_layers_per_block: expected at most {MostTransformerLayers} layers in all levels together, got {all}");
        RefuseOthers(read);
    }

    public int InChannels { get; }

    /// <inheritdoc/>
    public override bool HasMiddle { get; }

    /// <inheritdoc/>
    protected override string[] KnownTypes => ["*Block2D", "CrossAttn*Block2D"];

    /// <inheritdoc/>
    public override int Layers(int level) => _layers[level];

    /// <inheritdoc/>
    public override ImageAttention Attention(int level) => new SpatialTransformer(new TransformerSettings(
        Channels[level], _heads[level], Channels[level] / _heads[level], _depths[level], _contextWidths[level], Blocks.Groups, _linear));

    /// <inheritdoc/>
    public override ImageAttention? MiddleAttention() => Attention(Channels.Length - 1);

    // One number for all levels, or one for each.
    private int[] PerLevel(string name, int otherwise, int most)
    {
        int[] values = Read.IsList(name) ? Read.Ints(name)! : [.. Enumerable.Repeat(Read.Count(name, otherwise, most), Channels.Length)];
        if (values.Length != Channels.Length || values.Any(v => v < 1 || v > most))
            throw new CratonException($"{Read.File}: {name}: expected {Channels.Length} numbers from 1 to {most}, one for each of block_out_channels, got {string.Join(", ", values)}");
        return values;
    }

    private static void RefuseOthers(ConfigReader read)
    {
        read.Choice("attention_type", "default");
        read.Refuse(read.Number("resnet_out_scale_factor", 1) != 1, "resnet_out_scale_factor", "residual blocks are added as they are");
        foreach (string flag in (string[])["dual_cross_attention", "only_cross_attention", "mid_block_only_cross_attention", "resnet_skip_time_act", "class_embeddings_concat"])
            read.Refuse(read.IsList(flag) || read.Flag(flag), flag, "these blocks are not built");
        foreach (string name in (string[])
        [
            "num_attention_heads", "reverse_transformer_layers_per_block", "encoder_hid_dim", "encoder_hid_dim_type", "time_cond_proj_dim", "timestep_post_act",
            "time_embedding_act_fn", "cross_attention_norm",
        ])
            read.Refuse(read.Has(name), name, "what it does is not built");
    }
}
