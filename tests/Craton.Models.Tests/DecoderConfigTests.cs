using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Configurations of all families: what is set is computed or refused, never ignored.</summary>
public sealed class DecoderConfigTests
{
    private static readonly string[] Rotating =
        ["llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "smollm3", "olmo2", "phi3", "gemma", "gemma2", "gemma3_text", "starcoder2", "phi", "gpt_neox", "falcon"];

    public static TheoryData<string> Families => [.. DecoderCatalogue.ModelTypes];

    // Settings with which the same weights give other numbers.
    public static TheoryData<string, string> Changes()
    {
        var data = new TheoryData<string, string>();
        foreach (string family in Rotating)
        {
            data.Add(family, family == "gpt_neox" ? """{ "rotary_emb_base": 500 }""" : """{ "rope_theta": 500 }""");
            data.Add(family, """{ "rope_scaling": { "type": "linear", "factor": 2.0 } }""");
            data.Add(family, """{ "rope_scaling": { "rope_type": "dynamic", "factor": 2.0 }, "max_position_embeddings": 8 }""");
            data.Add(family, """{ "rope_scaling": { "rope_type": "llama3", "factor": 2.0, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8 } }""");
            data.Add(family, """{ "rope_scaling": { "type": "yarn", "factor": 2.0, "original_max_position_embeddings": 8 } }""");
            data.Add(family, """{ "rope_parameters": { "rope_type": "yarn", "factor": 2.0, "attention_factor": 1.5 } }""");
        }
        foreach (string family in new[] { "gpt2", "gptj", "gpt_neo", "bloom", "falcon" }) data.Add(family, """{ "layer_norm_epsilon": 0.1 }""");
        foreach (string family in new[] { "gpt_neox", "phi" }) data.Add(family, """{ "layer_norm_eps": 0.1 }""");
        foreach (string family in Rotating.Except(["starcoder2", "phi", "gpt_neox", "falcon"])) data.Add(family, """{ "rms_norm_eps": 0.1 }""");
        foreach (string family in new[] { "gpt2", "gptj", "gpt_neo", "opt" }) data.Add(family, """{ "activation_function": "silu" }""");
        foreach (string family in Rotating.Except(["gemma2", "gemma3_text", "falcon"])) data.Add(family, """{ "hidden_act": "relu" }""");
        foreach (string family in new[] { "gemma", "gemma2", "gemma3_text" }) data.Add(family, """{ "hidden_activation": "gelu" }""");
        foreach (string family in new[] { "mistral", "mixtral", "phi3", "starcoder2" }) data.Add(family, """{ "sliding_window": 3 }""");
        foreach (string family in new[] { "qwen2", "qwen3", "qwen3_moe" }) data.Add(family, """{ "use_sliding_window": true, "sliding_window": 3 }""");
        data.Add("qwen2", """{ "use_sliding_window": true, "layer_types": ["full_attention", "sliding_attention", "full_attention"] }""");
        data.Add("smollm3", """{ "use_sliding_window": true, "sliding_window": 3 }""");
        data.Add("smollm3", """{ "no_rope_layers": [1, 1, 1] }""");
        data.Add("smollm3", """{ "no_rope_layers": null, "no_rope_layer_interval": 3 }""");
        foreach (string family in new[] { "mixtral", "qwen3_moe" }) data.Add(family, """{ "num_experts_per_tok": 1 }""");
        data.Add("qwen3_moe", """{ "norm_topk_prob": false }""");
        foreach (string family in new[] { "gemma2", "gemma3_text" })
        {
            data.Add(family, """{ "query_pre_attn_scalar": 50 }""");
            data.Add(family, """{ "sliding_window": 3 }""");
            data.Add(family, """{ "attn_logit_softcapping": 1.0 }""");
            data.Add(family, """{ "final_logit_softcapping": 1.0 }""");
            data.Add(family, """{ "layer_types": ["full_attention", "full_attention", "sliding_attention"] }""");
        }
        data.Add("gemma2", """{ "attn_logit_softcapping": null }""");
        data.Add("gemma3_text", """{ "sliding_window_pattern": 3 }""");
        data.Add("gemma3_text", """{ "rope_local_base_freq": 50.0 }""");
        data.Add("phi", """{ "partial_rotary_factor": 0.25 }""");
        data.Add("phi3", """{ "partial_rotary_factor": 0.75 }""");
        data.Add("phi3", """{ "rope_scaling": { "type": "su", "short_factor": [1, 2, 3, 4], "long_factor": [4, 5, 6, 7] } }""");
        data.Add("phi3", """{ "rope_scaling": { "type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [4, 5, 6, 7] }, "original_max_position_embeddings": 8 }""");
        data.Add("gpt_neox", """{ "rotary_pct": 0.25 }""");
        data.Add("gpt_neox", """{ "use_parallel_residual": false }""");
        data.Add("gpt2", """{ "scale_attn_weights": false }""");
        data.Add("gpt2", """{ "scale_attn_by_inverse_layer_idx": true }""");
        data.Add("gptj", """{ "rotary_dim": 8 }""");
        data.Add("gpt_neo", """{ "window_size": 3 }""");
        data.Add("gpt_neo", """{ "attention_types": [[["global"], 2]] }""");
        data.Add("opt", """{ "do_layer_norm_before": false }""");
        data.Add("opt", """{ "_remove_final_layer_norm": true }""");
        data.Add("opt", """{ "enable_bias": false }""");
        data.Add("opt", """{ "layer_norm_elementwise_affine": false }""");
        data.Add("bloom", """{ "apply_residual_connection_post_layernorm": true }""");
        data.Add("falcon", """{ "alibi": true }""");
        data.Add("falcon", """{ "parallel_attn": false }""");
        data.Add("falcon", """{ "activation": "relu" }""");
        foreach (string family in DecoderCatalogue.ModelTypes)
            data.Add(family, TestConfigs.Model(TestConfigs.Of(family), memory: false).Config.TieWordEmbeddings ? """{ "tie_word_embeddings": false }""" : """{ "tie_word_embeddings": true }""");
        return data;
    }

    // The same setting, spelt as older and newer configurations have it.
    public static TheoryData<string, string, string> Spellings()
    {
        var data = new TheoryData<string, string, string>
        {
            { "gpt2", """{ "max_position_embeddings": 32 }""", """{ "n_positions": null, "n_ctx": 32 }""" },
            { "gpt2", """{ "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4 }""", "{}" },
            { "bloom", """{ "n_embed": null, "hidden_size": 32 }""", """{ "n_embed": null, "n_embd": 32 }""" },
            { "falcon", """{ "multi_query": false, "new_decoder_architecture": true, "num_kv_heads": 2 }""", """{ "multi_query": false, "new_decoder_architecture": true, "num_kv_heads": null, "n_head_kv": 2 }""" },
            { "gpt_neo", """{ "attention_layers": ["global", "local"], "attention_types": null }""", "{}" },
            { "gpt_neox", """{ "rope_parameters": { "rope_type": "default", "rope_theta": 500, "partial_rotary_factor": 0.25 }, "rotary_pct": null, "rotary_emb_base": null }""", """{ "rotary_pct": 0.25, "rotary_emb_base": 500 }""" },
            { "phi", """{ "rope_parameters": { "rope_theta": 500, "partial_rotary_factor": 0.25 }, "rope_theta": null, "partial_rotary_factor": null }""", """{ "rope_theta": 500, "partial_rotary_factor": 0.25 }""" },
            { "qwen3_moe", """{ "num_local_experts": 4, "num_experts": null }""", "{}" },
            { "gemma3_text", """{ "_sliding_window_pattern": 3, "sliding_window_pattern": null }""", """{ "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] }""" },
            {
                "gemma3_text",
                """{ "rope_parameters": { "full_attention": { "rope_type": "linear", "factor": 2, "rope_theta": 500 }, "sliding_attention": { "rope_type": "default", "rope_theta": 20 } } }""",
                """{ "rope_scaling": { "rope_type": "linear", "factor": 2 }, "rope_theta": 500, "rope_local_base_freq": 20 }"""
            },
            {
                "phi3",
                """{ "rope_parameters": { "rope_type": "longrope", "short_factor": [1, 2, 3, 4], "long_factor": [4, 5, 6, 7], "original_max_position_embeddings": 8 } }""",
                """{ "rope_scaling": { "type": "su", "short_factor": [1, 2, 3, 4], "long_factor": [4, 5, 6, 7] }, "original_max_position_embeddings": 8 }"""
            },
            { "mistral", "{}", """{ "sliding_window": 40 }""" },
            { "smollm3", """{ "tie_word_embeddings": true }""", """{ "tie_word_embeddings": null }""" },
        };
        foreach (string family in Rotating.Except(["gpt_neox", "gemma3_text"]))
            data.Add(family, """{ "rope_parameters": { "rope_type": "yarn", "factor": 2.0, "rope_theta": 500 } }""", """{ "rope_scaling": { "type": "yarn", "factor": 2.0 }, "rope_theta": 500 }""");
        return data;
    }

    public static TheoryData<string, string, string> Refusals()
    {
        var data = new TheoryData<string, string, string>
        {
            { "gpt2", """{ "add_cross_attention": true }""", "add_cross_attention" },
            { "gemma2", """{ "use_bidirectional_attention": true }""", "use_bidirectional_attention" },
            { "llama", """{ "final_logit_softcapping": 30.0 }""", "final_logit_softcapping" },
            { "llama", """{ "rope_interleaved": true }""", "rope_interleaved" },
            { "llama", """{ "sliding_window": 4 }""", "sliding_window" },
            { "qwen2", """{ "layer_types": ["full_attention", "sliding_attention", "full_attention"] }""", "layer_types" },
            { "olmo2", """{ "clip_qkv": 8.0 }""", "clip_qkv" },
            { "bloom", """{ "rope_scaling": { "type": "linear", "factor": 2 } }""", "rope_scaling" },
            { "gptj", """{ "n_embd": 30 }""", "hidden_size is 30" },
            { "gpt2", """{ "activation_function": "sigmoid" }""", "activation_function" },
            { "gptj", """{ "rotary_dim": 3 }""", "rotary_dim" },
            { "mixtral", """{ "num_experts_per_tok": 9 }""", "num_experts_per_tok" },
            { "falcon", """{ "new_decoder_architecture": true, "parallel_attn": false }""", "new_decoder_architecture" },
            { "smollm3", """{ "no_rope_layers": [1] }""", "no_rope_layers" },
        };
        foreach (string family in Rotating)
        {
            data.Add(family, """{ "rope_scaling": { "type": "linear" } }""", "factor");
            data.Add(family, """{ "rope_scaling": { "type": "mrope", "factor": 2.0 } }""", "mrope");
            data.Add(family, """{ "rope_scaling": { "type": "default", "mrope_section": [1, 1, 2] } }""", "mrope_section");
            data.Add(family, """{ "rope_scaling": { "rope_type": "linear", "factor": 2.0, "beta_fast": 16 } }""", "beta_fast");
            data.Add(family, """{ "rope_scaling": { "rope_type": "llama3", "factor": 2.0, "high_freq_factor": 4 } }""", "low_freq_factor");
        }
        foreach (string family in DecoderCatalogue.ModelTypes)
        {
            data.Add(family, """{ "quantization_config": { "bits": 4 } }""", "quantization_config");
            data.Add(family, """{ "is_encoder_decoder": true }""", "is_encoder_decoder");
            data.Add(family, """{ "embedding_multiplier": 12.0 }""", "embedding_multiplier");
            data.Add(family, """{ "architectures": ["BertModel"] }""", "architectures");
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void ASettingChangesTheNumbers(string family, string change)
    {
        float[] plain = TestConfigs.Logits(TestConfigs.Model(TestConfigs.Of(family))), changed = TestConfigs.Logits(TestConfigs.Model(Changed(family, change)));
        Assert.All(changed, value => Assert.True(float.IsFinite(value)));
        Assert.Contains(plain.Zip(changed), pair => Math.Abs(pair.First - pair.Second) > 1e-4);
    }

    [Theory]
    [MemberData(nameof(Spellings))]
    public void OlderAndNewerSpellingsAreTheSame(string family, string one, string other) => Assert.Equal(
        TestConfigs.Logits(TestConfigs.Model(Changed(family, one))), TestConfigs.Logits(TestConfigs.Model(Changed(family, other))));

    [Theory]
    [MemberData(nameof(Refusals))]
    public void WhatIsNotSupportedIsRefusedByName(string family, string change, string part) => Assert.Contains(
        part, Assert.Throws<CratonException>(() => TestConfigs.Model(Changed(family, change), memory: false)).Message, StringComparison.Ordinal);

    // Whatever a configuration says: it is refused in words, or the model computes.
    [Theory]
    [MemberData(nameof(Families))]
    public void DamagedConfigurationsAreRefusedInWords(string family)
    {
        string[] values = ["null", "true", "-1", "0", "1", "2", "3", "5", "0.3", "1e9", "1e300", "2147483647", "\"x\"", "\"linear\"", "[]", "[1]", "[[1, 2]]", "{}", """{ "rope_type": "yarn" }"""];
        foreach (string name in TestConfigs.Of(family).Select(p => p.Key).Concat(["rope_scaling", "rope_parameters", "layer_types", "head_dim", "num_key_value_heads", "intermediate_size", "eos_token_id"]))
        {
            foreach (string value in values)
            {
                JsonObject config = Changed(family, $$"""{ "{{name}}": {{value}} }""");
                try
                {
                    if (TestConfigs.Model(config, memory: false).ParameterCount < 1 << 17) _ = TestConfigs.Logits(TestConfigs.Model(config), length: 3);
                }
                catch (Exception e) when (e is not CratonException)
                {
                    throw new InvalidOperationException($"{name}: {value}", e);
                }
                catch (CratonException e)
                {
                    Assert.DoesNotContain("[", e.Message.Split(':')[0], StringComparison.Ordinal); // no operation met it first
                }
            }
        }
    }

    private static JsonObject Changed(string family, string change)
    {
        JsonObject config = TestConfigs.Of(family);
        foreach ((string name, JsonNode? value) in JsonNode.Parse(change)!.AsObject()) config[name] = value?.DeepClone();
        return config;
    }
}
