using System.Text;
using System.Text.Json;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Networks;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Tests;

/// <summary>Settings and files of networks of diffusion that are damaged, or ask for what is not built.</summary>
public sealed class NetworkSettingsTests
{
    private const int Mutations = 100_000;

    private static readonly (string Settings, Func<ConfigReader, Module> Create)[] Networks =
    [
        ("""{"block_out_channels":[4,8],"down_block_types":["DownBlock2D","AttnDownBlock2D"],"up_block_types":["AttnUpBlock2D","UpBlock2D"],"layers_per_block":1,"norm_num_groups":2,"attention_head_dim":4,"sample_size":8}""", read => new UNet2DModel(read)),
        ("""{"block_out_channels":[4,8],"down_block_types":["CrossAttnDownBlock2D","DownBlock2D"],"up_block_types":["UpBlock2D","CrossAttnUpBlock2D"],"layers_per_block":1,"attention_head_dim":[2,4],"cross_attention_dim":6,"norm_num_groups":2,"transformer_layers_per_block":[1,2],"sample_size":[8,8],"addition_embed_type":"text_time","addition_time_embed_dim":4,"projection_class_embeddings_input_dim":30}""", read => new UNet2DConditionModel(read)),
        ("""{"block_out_channels":[4,8],"down_block_types":["CrossAttnDownBlock2D","DownBlock2D"],"layers_per_block":1,"attention_head_dim":2,"cross_attention_dim":6,"norm_num_groups":2,"conditioning_embedding_out_channels":[4,6]}""", read => new ControlNetModel(read)),
        ("""{"in_channels":8,"num_attention_heads":2,"attention_head_dim":4,"num_layers":1,"cross_attention_dim":6,"norm_num_groups":4,"activation_fn":"geglu"}""", read => new Transformer2DModel(read)),
        ("""{"in_channels":4,"num_attention_heads":2,"attention_head_dim":4,"num_layers":1,"patch_size":2,"sample_size":8,"num_embeds_ada_norm":3,"norm_elementwise_affine":false}""", read => new DitTransformer2DModel(read)),
        ("""{"in_channels":4,"num_attention_heads":2,"attention_head_dim":4,"num_layers":1,"patch_size":2,"sample_size":8,"norm_type":"ada_norm_single","caption_channels":6,"cross_attention_dim":8}""", read => new PixArtTransformer2DModel(read)),
        ("""{"in_channels":4,"num_attention_heads":2,"attention_head_dim":4,"num_layers":2,"patch_size":2,"sample_size":8,"pos_embed_max_size":6,"caption_projection_dim":8,"joint_attention_dim":6,"pooled_projection_dim":5,"dual_attention_layers":[0]}""", read => new Sd3Transformer2DModel(read)),
        ("""{"in_channels":4,"num_attention_heads":2,"attention_head_dim":8,"num_layers":1,"num_single_layers":1,"axes_dims_rope":[2,2,4],"joint_attention_dim":6,"pooled_projection_dim":5,"guidance_embeds":true}""", read => new FluxTransformer2DModel(read)),
    ];

    [Fact]
    public void DamagedSettingsGiveTypedErrors()
    {
        var random = new Random(11);
        int read = 0;
        for (int i = 0; i < Mutations; i++)
        {
            (string settings, Func<ConfigReader, Module> create) = Networks[i % Networks.Length];
            byte[] bytes = Encoding.UTF8.GetBytes(settings);
            for (int k = random.Next(1, 4); k > 0; k--) bytes[random.Next(bytes.Length)] = (byte)" 0123456789.-e\"tf,:{}[]"[random.Next(23)];
            try
            {
                _ = create(new ConfigReader("settings", JsonElement.Parse(bytes)));
                read++;
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
            }
        }
        Assert.True(read > Mutations / 20, $"only {read} of {Mutations} were read");
    }

    [Theory]
    [InlineData("\"only_cross_attention\":true", "only_cross_attention")]
    [InlineData("\"num_attention_heads\":8", "num_attention_heads")]
    [InlineData("\"class_embed_type\":\"projection\"", "class_embed_type")]
    [InlineData("\"encoder_hid_dim\":8", "encoder_hid_dim")]
    [InlineData("\"block_out_channels\":[6,8,8,8],\"attention_head_dim\":4", "attention_head_dim")]
    [InlineData("\"transformer_layers_per_block\":64,\"layers_per_block\":64", "transformer_layers_per_block")]
    public void WhatIsNotBuiltIsRefusedByName(string setting, string name) => Assert.Contains(
        name, Assert.Throws<CratonException>(() => new UNet2DConditionModel(new ConfigReader("settings", JsonElement.Parse($"{{{setting}}}")))).Message, StringComparison.Ordinal);

    [Fact]
    public void ALowRankUpdateIsTakenBack()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("lora.safetensors");
        Write(path, "unet.layer.lora.down.weight", "unet.layer.lora.up.weight");
        var network = new OneLayer();
        Init.Normal(network.Layer.Weight, 1, 3, 0);
        float[] before = network.Layer.Weight.ToArray<float>();
        LoraFile lora = LoraFile.Load(path);
        lora.MergeInto(network, 0.5);
        Assert.Equal(before[0] + 0.5f * 2 * 0.25f * 0.25f, network.Layer.Weight.ToArray<float>()[0], 5);
        lora.MergeInto(network, -0.5);
        Assert.Equal(before[0], network.Layer.Weight.ToArray<float>()[0], 5);
        Write(path, "lora_te_text_model_layer.lora_down.weight", "lora_te_text_model_layer.lora_up.weight");
        Assert.Contains("text encoder", Assert.Throws<CratonException>(() => LoraFile.Load(path).MergeInto(network)).Message, StringComparison.Ordinal);
        var texts = new OneLayer();
        LoraFile.Load(path).MergeInto(network, 1, texts);
        Assert.Equal(2 * 0.25f * 0.25f, texts.Layer.Weight.ToArray<float>()[0], 5);
        Assert.Equal(before[0], network.Layer.Weight.ToArray<float>()[0], 5);
        Write(path, "unet.other.lora.down.weight", "unet.other.lora.up.weight");
        Assert.Contains("'other'", Assert.Throws<CratonException>(() => LoraFile.Load(path).MergeInto(network)).Message, StringComparison.Ordinal);
        Write(path, "unet.layer.lora.down.weight", "unet.layer.norm.weight");
        Assert.Contains("none '.lora.up.weight'", Assert.Throws<CratonException>(() => LoraFile.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedUpdatesGiveTypedErrors()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("lora.safetensors");
        Write(path, "unet.layer.lora.down.weight", "unet.layer.lora.up.weight");
        byte[] whole = File.ReadAllBytes(path);
        using FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var network = new OneLayer();
        var random = new Random(5);
        int read = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] bytes = [.. whole];
            for (int k = random.Next(1, 4); k > 0; k--) bytes[8 + random.Next(bytes.Length - 8)] = (byte)" 0123456789.-e\"tf,:{}[]"[random.Next(23)];
            RandomAccess.Write(file.SafeFileHandle, bytes, 0);
            try
            {
                LoraFile.Load(path).MergeInto(network);
                read++;
            }
            catch (CratonException)
            {
            }
        }
        Assert.True(read > Mutations / 20, $"only {read} of {Mutations} were read");
    }

    // Factors of rank 2 of a layer from 4 to 3, all elements ¼.
    private static void Write(string path, string down, string up)
    {
        using var scope = TensorScope.Open("write");
        TensorSource[] tensors =
        [
            DecoderWeights.Source(down, Tensor.Full(0.25f, 2, 4), transposed: false, DType.F32), DecoderWeights.Source(up, Tensor.Full(0.25f, 3, 2), transposed: false, DType.F32),
        ];
        using FileStream stream = File.Create(path);
        SafetensorsWriter.Write(stream, tensors);
    }

    private sealed class OneLayer : Module
    {
        public OneLayer() => Layer = Child("layer", new Linear(4, 3));

        public Linear Layer { get; }
    }
}
