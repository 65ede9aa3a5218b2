using System.Text.Json.Nodes;
using Craton.Models.Gguf;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;
using Microsoft.Win32.SafeHandles;

namespace Craton.Models.Tests;

/// <summary>Every family that GGUF has a name for: written, read, and the same model.</summary>
public sealed class GgufFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string> Families() => new()
    {
        { "llama", "{}" },
        { "llama", """{ "attention_bias": true, "mlp_bias": true, "head_dim": 16, "tie_word_embeddings": true }""" },
        { "llama", """{ "rope_scaling": { "type": "linear", "factor": 2.0 } }""" },
        { "llama", """{ "rope_scaling": { "type": "yarn", "factor": 2.0, "original_max_position_embeddings": 16 } }""" },
        { "llama", """{ "partial_rotary_factor": 0.5 }""" },
        { "mistral", """{ "sliding_window": 3 }""" },
        { "mixtral", "{}" },
        { "qwen2", "{}" },
        { "qwen3", "{}" },
        { "qwen3_moe", """{ "mlp_only_layers": [1] }""" },
        { "smollm3", """{ "no_rope_layers": null, "no_rope_layer_interval": 4 }""" },
        { "olmo2", "{}" },
        { "starcoder2", """{ "sliding_window": 3, "hidden_act": "gelu_pytorch_tanh", "tie_word_embeddings": true }""" },
        { "starcoder2", """{ "use_bias": false, "hidden_act": "gelu_pytorch_tanh" }""" },
        { "phi", """{ "hidden_act": "gelu_new" }""" },
        { "phi3", """{ "partial_rotary_factor": 0.75, "sliding_window": 3 }""" },
        { "phi3", """{ "rope_scaling": { "type": "longrope", "short_factor": [1, 1, 2, 3], "long_factor": [4, 5, 6, 7] }, "original_max_position_embeddings": 8 }""" },
        { "gpt2", "{}" },
        { "gptj", "{}" },
        { "gpt_neox", "{}" },
        { "gpt_neox", """{ "use_parallel_residual": false, "attention_bias": false, "rope_parameters": { "rope_theta": 500, "partial_rotary_factor": 1.0 } }""" },
        { "bloom", """{ "seq_length": 32 }""" },
        { "falcon", "{}" },
        { "falcon", """{ "new_decoder_architecture": true }""" },
        { "falcon", """{ "new_decoder_architecture": true, "num_ln_in_parallel_attn": 1 }""" },
        { "falcon", """{ "multi_query": false, "num_kv_heads": null }""" },
        { "gemma", """{ "hidden_act": "gelu_pytorch_tanh" }""" },
        { "gemma2", """{ "query_pre_attn_scalar": 8, "hidden_act": "gelu_pytorch_tanh" }""" },
        { "gemma3_text", """{ "query_pre_attn_scalar": 8, "hidden_act": "gelu_pytorch_tanh", "sliding_window_pattern": 6, "rope_local_base_freq": 10000, "num_hidden_layers": 7 }""" },
    };

    public static TheoryData<string, string, string> Unsayable() => new()
    {
        { "bloom", """{ "apply_residual_connection_post_layernorm": true }""", "residual_from_norm" },
        { "falcon", """{ "alibi": true }""", "alibi" },
        { "falcon", """{ "parallel_attn": false }""", "post_attention_layernorm" },
        { "gpt2", """{ "scale_attn_by_inverse_layer_idx": true }""", "scale_by_layer" },
        { "gemma2", """{ "hidden_act": "gelu_pytorch_tanh" }""", "scale" },
        { "gemma3_text", """{ "query_pre_attn_scalar": 8, "hidden_act": "gelu_pytorch_tanh", "rope_local_base_freq": 10000 }""", "windowed_layers" },
        { "smollm3", "{}", "rotated_layers" },
        { "qwen2", """{ "use_sliding_window": true }""", "sliding_window" },
        { "qwen3_moe", """{ "norm_topk_prob": false }""", "experts" },
        { "llama", """{ "hidden_act": "relu" }""", "activation" },
        { "llama", """{ "rope_scaling": { "rope_type": "dynamic", "factor": 2.0 } }""", "Dynamic" },
        { "llama", """{ "rope_scaling": { "type": "yarn", "factor": 2.0, "beta_fast": 16 } }""", "rope_scaling" },
        { "opt", "{}", "'opt'" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void AModelComesBackWithTheSameBits(string family, string change)
    {
        CausalLanguageModel model = Saved(family, change);
        ModelExport.ToGguf(_folder.At("model"), _folder.At("model.gguf"), BlockType.F32);
        CausalLanguageModel read = GgufModel.Load(_folder.At("model.gguf"));
        ModelExport.ToDirectory(_folder.At("model.gguf"), _folder.At("again"));
        float[] expected = TestConfigs.Logits(model), fromFile = TestConfigs.Logits(read), fromDirectory = TestConfigs.Logits(ModelDirectory.LoadModel(_folder.At("again")));
        Assert.Equal(fromFile, fromDirectory);
        if (!family.StartsWith("gemma", StringComparison.Ordinal) && !change.Contains("longrope", StringComparison.Ordinal)) Assert.Equal(expected, fromFile);
        // 1 is added to Gemma's norms and taken off again, and the factor of LongRope is rounded: both cost last bits.
        else Assert.All(expected.Zip(fromFile), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void MatricesInBlocksComputeNearlyTheSame(string family, string change)
    {
        CausalLanguageModel model = Saved(family, change);
        ModelExport.ToGguf(_folder.At("model"), _folder.At("model.gguf"), BlockType.Q8_0);
        CausalLanguageModel blocks = GgufModel.Load(_folder.At("model.gguf")), floats = GgufModel.Load(_folder.At("model.gguf"), keepBlocks: false);
        Assert.Contains(blocks.NamedParameters(), p => p.Tensor.Quantized is not null);
        float[] expected = TestConfigs.Logits(model);
        double deviation = Math.Sqrt(expected.Average(v => (double)v * v));
        Assert.InRange(Difference(TestConfigs.Logits(floats)), 0, 0.2 * deviation);
        Assert.InRange(Difference(TestConfigs.Logits(blocks)), 0, 0.25 * deviation);

        double Difference(float[] got) => Math.Sqrt(expected.Zip(got).Average(p => Math.Pow(p.First - p.Second, 2)));
    }

    [Theory]
    [MemberData(nameof(Unsayable))]
    public void WhatAFileCannotSayIsRefusedAndNothingIsWritten(string family, string change, string part)
    {
        Saved(family, change);
        File.WriteAllText(_folder.At("model.gguf"), "precious");
        Assert.Contains(part, Assert.Throws<CratonException>(() => ModelExport.ToGguf(_folder.At("model"), _folder.At("model.gguf"), BlockType.F32)).Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(_folder.At("model.gguf")));
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder.Path).Length);
    }

    [Theory]
    [InlineData("mixtral", "{}")]
    [InlineData("falcon", """{ "new_decoder_architecture": true }""")]
    [InlineData("gpt_neox", "{}")]
    [InlineData("phi3", """{ "rope_scaling": { "type": "longrope", "short_factor": [1, 1, 2, 3], "long_factor": [4, 5, 6, 7] }, "original_max_position_embeddings": 8 }""")]
    public void DamagedFilesGiveNothingButTypedErrors(string family, string change)
    {
        const int count = 1500;
        Saved(family, change);
        string path = _folder.At("model.gguf");
        ModelExport.ToGguf(_folder.At("model"), path, BlockType.Q8_0);
        byte[] good = File.ReadAllBytes(path);
        int header, refused = 0;
        using (GgufFile written = GgufFile.Open(path)) header = (int)written.Tensors.Min(t => t.Offset);
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var random = new Random(1);
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--) mutant[random.Next(header)] = (byte)random.Next(256);
            RandomAccess.Write(file, mutant, 0);
            try
            {
                CausalLanguageModel model = GgufModel.Load(path);
                if (model.Config.MaxPositionEmbeddings >= 3) _ = TestConfigs.Logits(model, length: 3);
            }
            catch (CratonException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, count / 10, count);
    }

    private CausalLanguageModel Saved(string family, string change)
    {
        JsonObject config = TestConfigs.Of(family);
        foreach ((string name, JsonNode? value) in JsonNode.Parse(change)!.AsObject()) config[name] = value?.DeepClone();
        CausalLanguageModel model = TestConfigs.Model(config);
        model.Source = new ModelSource(config, null, DType.F32, HasPrefix: true);
        ModelDirectory.Save(_folder.At("model"), model, null, new ModelCard { Kind = "pretrain" });
        return model;
    }
}
