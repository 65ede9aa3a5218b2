using System.Text;
using System.Text.Json;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Configurations of models of images.</summary>
public sealed class VisionConfigTests
{
    private const string Sizes = """ "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, """;
    private const string Vision = "{" + Sizes + """ "model_type": "clip_vision_model", "image_size": 8, "patch_size": 4, "hidden_act": "quick_gelu"} """;
    private const string Text = "{" + Sizes + """ "vocab_size": 9, "max_position_embeddings": 8, "eos_token_id": 2, "hidden_act": "gelu"} """;
    private const string Parts = """ "text_config": """ + Text + """, "vision_config": """ + Vision + "}";
    private const string Clip = """{"model_type": "clip", "projection_dim": 4, """ + Parts;
    private const string Siglip = """{"model_type": "siglip", """ + Parts;
    private const string Dinov2 = "{" + Sizes + """ "model_type": "dinov2", "image_size": 8, "patch_size": 4, "mlp_ratio": 2, "use_swiglu_ffn": true} """;
    private const string Vit = "{" + Sizes + """ "model_type": "vit", "architectures": ["ViTForImageClassification"], "image_size": 8, "patch_size": 4, "id2label": {"0": "cat", "1": "dog"}} """;

    private const string ResNet = """{"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "embedding_size": 4, "hidden_sizes": [8, 8], "depths": [1, 2], "layer_type": "bottleneck"}""";
    private const string ConvNext = """{"model_type": "convnext", "patch_size": 4, "num_stages": 2, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_scale_init_value": 1e-6}""";
    private const string BlipParts = """ "vision_config": {""" + Sizes + """ "image_size": 8, "patch_size": 4}, "text_config": {""" + Sizes + """ "vocab_size": 9, "max_position_embeddings": 8, "is_decoder": true, "label_smoothing": 0.1}}""";
    private const string Blip = """{"model_type": "blip", """ + BlipParts;
    private const string Asked = """{"model_type": "blip", "architectures": ["BlipForQuestionAnswering"], """ + BlipParts;
    private const string Joined = """{"model_type": "vision-encoder-decoder", "decoder_start_token_id": 1, "encoder": {""" + Sizes + """ "model_type": "vit", "image_size": 8, "patch_size": 4}, """
        + """ "decoder": {"model_type": "gpt2", "n_embd": 4, "n_head": 2, "n_layer": 1, "n_positions": 8, "vocab_size": 9, "add_cross_attention": true}}""";

    private const string Convolutions = """ "image": {"kind": "conv", "image_size": 16, "widths": [4, 8], "depth": 2, "first_stride": 1} """;
    private const string Words = """ "text": {"kind": "transformer", "words": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "longest": 12}}""";
    private const string Classifier = """{"model_type": "craton_classifier", "id2label": {"0": "cat", "1": "dog"}, "image": {"kind": "vit", "image_size": 8, "patch_size": 4,""" + Sizes + """ "qkv_bias": true}}""";
    private const string Answerer = """{"model_type": "craton_vqa", "width": 8, "embedding": 4, "words": 9, "id2label": {"0": "yes", "1": "no"}, """ + Convolutions + "}";
    private const string PictureText = """{"model_type": "craton_clip", "projection_dim": 4, """ + Convolutions + ", " + Words;
    private const string Captioner = """{"model_type": "craton_caption", """ + Convolutions + ", " + Words;

    public static TheoryData<string> Configs => [Clip, Siglip, Dinov2, Vit, ResNet, ConvNext, Blip, Asked, Joined, Classifier, Answerer, PictureText, Captioner];

    [Theory]
    [MemberData(nameof(Configs))]
    public void DamagedConfigurationsGiveTypedErrors(string config)
    {
        byte[] original = Encoding.UTF8.GetBytes(config);
        Create(original);
        var random = new Random(11);
        for (int i = 0; i < 30_000; i++)
        {
            byte[] bytes = [.. original];
            for (int n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length)] = original[random.Next(bytes.Length)];
            try
            {
                Create(bytes);
            }
            catch (Exception e) when (e is CratonException or JsonException)
            {
                // JSON is parsed by the framework, which the readers of files wrap.
            }
        }
    }

    [Theory]
    [InlineData(Vit, "\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "num_attention_heads")]
    [InlineData(Vit, "\"patch_size\": 4", "\"patch_size\": 16", "patch_size")]
    [InlineData(Vit, "ViTForImageClassification", "ViTForMaskedImageModeling", "ViTForMaskedImageModeling")]
    [InlineData(Siglip, "\"patch_size\": 4", "\"vision_use_head\": false", "vision_use_head")]
    [InlineData(Clip, "quick_gelu", "mish", "hidden_act")]
    [InlineData(ResNet, "\"depths\": [1, 2]", "\"depths\": [1]", "depths")]
    [InlineData(ResNet, "bottleneck", "wide", "layer_type")]
    [InlineData(ConvNext, "\"num_stages\": 2", "\"num_stages\": 3", "num_stages")]
    [InlineData(Blip, "\"is_decoder\": true", "\"is_decoder\": false", "is_decoder")]
    [InlineData(Blip, "\"label_smoothing\": 0.1", "\"label_smoothing\": 1", "label_smoothing")]
    [InlineData(Joined, "\"add_cross_attention\": true", "\"add_cross_attention\": false", "add_cross_attention")]
    [InlineData(Joined, "gpt2", "mbart", "decoder.model_type")]
    [InlineData(Joined, "\"vit\"", "\"swin\"", "encoder.model_type")]
    [InlineData(Joined, "\"n_layer\": 1", "\"n_layer\": 0", "num_hidden_layers")]
    [InlineData(Classifier, "\"kind\": \"vit\"", "\"kind\": \"swin\"", "image.kind")]
    [InlineData(Answerer, "[4, 8]", "[]", "image.widths")]
    [InlineData(Answerer, "\"depth\": 2", "\"depth\": 0", "image.depth")]
    [InlineData(PictureText, "transformer", "lstm", "text.kind")]
    [InlineData(Captioner, "\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "num_attention_heads")]
    public void WhatIsNotSupportedIsNamed(string config, string setting, string other, string name) =>
        Assert.Contains(name, Assert.Throws<CratonException>(() => Create(Encoding.UTF8.GetBytes(config.Replace(setting, other, StringComparison.Ordinal)))).Message, StringComparison.Ordinal);

    private static void Create(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
        VisionDirectory.Create(new ConfigReader("config.json", document.RootElement), pooler: false);
    }
}
