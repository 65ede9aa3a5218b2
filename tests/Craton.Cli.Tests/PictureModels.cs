using System.Text.Json;
using Craton.Models;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Cli.Tests;

/// <summary>Directories of small models of images with random weights, a processor and a tokenizer of forty words.</summary>
internal static class PictureModels
{
    private const string Sizes = """ "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2 """;
    private const string Image = Sizes + """, "image_size": 8, "patch_size": 4 """;
    private const string BlipParts = """ "vision_config": {""" + Image + """}, "text_config": {""" + Sizes + """, "vocab_size": 40, "max_position_embeddings": 16, "bos_token_id": 1, "sep_token_id": 2}}""";

    private const string Blip = """{"model_type": "blip", "architectures": ["BlipForConditionalGeneration"], """ + BlipParts;

    private const string BlipAnswers = """{"model_type": "blip", "architectures": ["BlipForQuestionAnswering"], """ + BlipParts;

    private const string Joined = """{"model_type": "vision-encoder-decoder", "decoder_start_token_id": 1, "eos_token_id": 2, "encoder": {"model_type": "vit", """ + Image + """}, """
        + """ "decoder": {"model_type": "gpt2", "n_embd": 16, "n_head": 2, "n_layer": 1, "n_positions": 16, "vocab_size": 40, "add_cross_attention": true}}""";

    private const string Llava = """{"model_type": "llava", "image_token_index": 4, "vision_feature_layer": -1, "vision_config": {"model_type": "clip_vision_model", """ + Image + """}, """
        + """ "text_config": {"model_type": "llama", """ + Sizes + """, "vocab_size": 40, "max_position_embeddings": 48, "rms_norm_eps": 1e-6, "eos_token_id": 2}}""";

    private const string Clip = """{"model_type": "clip", "projection_dim": 8, "vision_config": {""" + Image + """}, "text_config": {""" + Sizes + """, "vocab_size": 40, "max_position_embeddings": 16, "eos_token_id": 2}}""";

    private const string Encoder = """{"model_type": "dinov2", "mlp_ratio": 2, """ + Image + "}";

    private const string Processor = """{"image_processor_type": "BlipImageProcessor", "size": {"height": 8, "width": 8}}""";

    /// <summary>Writes a model into a folder.</summary>
    /// <param name="kind">blip, blip-answers, joined, llava, clip or encoder.</param>
    /// <param name="folder">The folder, which is made.</param>
    public static string Write(string kind, string folder)
    {
        (string config, Func<ConfigReader, VisionModel> create) = kind switch
        {
            "blip" => (Blip, read => BlipCaptioner.Create(read)),
            "blip-answers" => (BlipAnswers, read => BlipAnswerer.Create(read)),
            "joined" => (Joined, read => VisionEncoderDecoder.Create(read, pooler: false)),
            "llava" => (Llava, read => Craton.Models.Vision.Llava.Create(read)),
            "clip" => (Clip, read => Craton.Models.Vision.Clip.Create(read)),
            _ => (Encoder, (Func<ConfigReader, VisionModel>)(read => new ImageModel(new Dinov2(new Dinov2Config(read))))),
        };
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), Processor);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer());
        VisionModel model = create(new ConfigReader("config.json", JsonElement.Parse(config)));
        uint index = 0;
        foreach ((_, Tensor weight) in model.NamedParameters())
            if (weight.Rank > 1) Init.Normal(weight, 0.5, seed: 3, index++);
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        SafetensorsWriter.Write(file, [.. model.NamedParameters().Select(p => Stored(p.Name, p.Tensor))]);
        return folder;
    }

    // Files hold the matrices of GPT-2 the other way round, which makes no difference to random ones.
    private static TensorSource Stored(string name, Tensor tensor)
    {
        TensorSource source = TensorFiles.Source(name, tensor);
        bool isTurned = name.Contains(".h.", StringComparison.Ordinal) && (name.Contains(".c_", StringComparison.Ordinal) || name.Contains(".q_", StringComparison.Ordinal));
        return isTurned ? source with { Shape = [.. source.Shape.Reverse()] } : source;
    }

    private static string Tokenizer()
    {
        string[] special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "<image>"], words = [.. Enumerable.Range(5, 35).Select(i => $"word{i}")];
        string added = string.Join(", ", special.Select((token, id) =>
            $$"""{"id": {{id}}, "content": "{{token}}", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}"""));
        string vocabulary = string.Join(", ", special.Concat(words).Select((word, id) => $"\"{word}\": {id}"));
        return $$"""
            {"version": "1.0", "added_tokens": [{{added}}], "pre_tokenizer": {"type": "Whitespace"},
             "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": { {{vocabulary}} } } }
            """;
    }
}
