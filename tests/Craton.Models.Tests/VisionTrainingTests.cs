using System.Text.Json;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Gradients of models of images, on small ones.</summary>
public sealed class VisionTrainingTests
{
    private const string Sizes = """ "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, """;
    private const string Image = "{" + Sizes + """ "model_type": "vit", "image_size": 8, "patch_size": 4} """;
    private const string Words = """ "vision_config": """ + Image + """, "text_config": {""" + Sizes + """ "vocab_size": 12, "max_position_embeddings": 8, "bos_token_id": 1, "sep_token_id": 2, "label_smoothing": 0.1}}""";

    private static readonly Dictionary<string, string> s_configs = new(StringComparer.Ordinal)
    {
        ["basic"] = """{"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 2], "layer_type": "basic"}""",
        ["bottleneck"] = """{"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "embedding_size": 4, "hidden_sizes": [8, 16], "depths": [2, 1], "downsample_in_first_stage": true}""",
        ["early"] = """{"model_type": "resnet", "architectures": ["ResNetForImageClassification"], "embedding_size": 4, "hidden_sizes": [8, 16], "depths": [1, 1], "downsample_in_bottleneck": true, "hidden_act": "gelu"}""",
        ["convnext"] = """{"model_type": "convnext", "architectures": ["ConvNextForImageClassification"], "patch_size": 2, "hidden_sizes": [4, 8], "depths": [1, 2]}""",
        ["unscaled"] = """{"model_type": "convnext", "architectures": ["ConvNextForImageClassification"], "patch_size": 2, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_scale_init_value": 0}""",
        ["blip"] = """{"model_type": "blip", """ + Words,
        ["blip-answers"] = """{"model_type": "blip", "architectures": ["BlipForQuestionAnswering"], """ + Words,
        ["joined"] = """{"model_type": "vision-encoder-decoder", "decoder_start_token_id": 1, "encoder": """ + Image
            + """, "decoder": {"model_type": "gpt2", "n_embd": 12, "n_head": 2, "n_layer": 2, "n_positions": 8, "vocab_size": 12, "add_cross_attention": true, "tie_word_embeddings": false, "scale_attn_by_inverse_layer_idx": true}}""",
    };

    public static TheoryData<string> Kinds => [.. s_configs.Keys];

    // Along the gradient, the loss rises by the gradient's length.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheGradientIsTheSlopeOfTheLoss(string kind)
    {
        using var scope = TensorScope.Open("test");
        VisionModel model = VisionDirectory.Create(new ConfigReader("config.json", JsonElement.Parse(s_configs[kind])), pooler: false);
        uint index = 0;
        foreach ((string name, Tensor weight) in model.NamedParameters())
            if (weight.Rank > 1 || name.EndsWith("layer_scale_parameter", StringComparison.Ordinal)) Init.Normal(weight, 0.3, seed: 7, index++);
        using (Tape tape = Tape.Start()) tape.Backward(Loss(model));
        Assert.DoesNotContain(model.NamedParameters(), p => p.Tensor.Grad is null);
        (Tensor Weight, float[] Gradient)[] all = [.. model.NamedParameters().Select(p => (p.Tensor, p.Tensor.Grad!.ToArray<float>()))];
        double norm = Math.Sqrt(all.Sum(p => p.Gradient.Sum(g => (double)g * g)));
        const double step = 2e-4; // so small, since rectifiers have corners
        Move(step);
        double above = Loss(model).Item();
        Move(-2 * step);
        double slope = (above - Loss(model).Item()) / (2 * step);
        Assert.InRange(slope / norm, 0.98, 1.02);

        void Move(double by)
        {
            foreach ((Tensor weight, float[] gradient) in all)
            {
                Span<float> values = weight.AsSpan<float>();
                for (int i = 0; i < values.Length; i++) values[i] += (float)(by * gradient[i] / norm);
            }
        }
    }

    private static Tensor Loss(VisionModel model)
    {
        Tensor pixels = Tensor.From(Enumerable.Range(0, 2 * 3 * 8 * 8).Select(i => (float)Math.Sin(i * 0.7)).ToArray(), 2, 3, 8, 8);
        Tensor ids = Tensor.From([1, 5, 6, 2, 1, 7, 8, 9], 2, 4);
        return model switch
        {
            ImageClassifier m => m.Loss(pixels, Tensor.From([0, 1], 2)),
            BlipCaptioner m => m.Loss(pixels, ids, ids),
            BlipAnswerer m => m.Loss(m.Read(pixels, Tensor.From([3, 4, 11, 10], 2, 2)), ids, ids),
            VisionEncoderDecoder m => m.Loss(pixels, ids),
            _ => throw new InvalidOperationException("a model without a loss"),
        };
    }
}
