using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>A small configuration of every family of decoders, as published ones spell it.</summary>
internal static class TestConfigs
{
    private const string Llama = """
        "vocab_size": 40, "hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
        "hidden_act": "silu", "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false
        """;

    private const string Gpt2 = """
        "vocab_size": 40, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 32, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5
        """;

    private static readonly Dictionary<string, string> All = new(StringComparer.Ordinal)
    {
        ["llama"] = Llama,
        ["mistral"] = Llama + """, "sliding_window": null""",
        ["mixtral"] = Llama + """, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": null""",
        ["qwen2"] = Llama + """, "use_sliding_window": false, "sliding_window": 4, "max_window_layers": 1""",
        ["qwen3"] = Llama + """, "head_dim": 8, "attention_bias": false, "use_sliding_window": false, "sliding_window": 4, "max_window_layers": 1""",
        ["qwen3_moe"] = Llama + """, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 12, "norm_topk_prob": true, "mlp_only_layers": [], "decoder_sparse_step": 1""",
        ["smollm3"] = Llama + """, "no_rope_layers": [1, 0, 1], "no_rope_layer_interval": 2, "use_sliding_window": false, "sliding_window": null""",
        ["olmo2"] = Llama + """, "attention_bias": false""",
        ["phi3"] = Llama + """, "sliding_window": null""",
        ["gemma"] = Llama + """, "head_dim": 8""",
        ["gemma2"] = Llama + """, "head_dim": 8, "query_pre_attn_scalar": 12, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0, "sliding_window": 4""",
        ["gemma3_text"] = Llama + """, "head_dim": 8, "query_pre_attn_scalar": 12, "sliding_window": 4, "sliding_window_pattern": 2, "rope_local_base_freq": 100.0""",
        ["starcoder2"] = Llama + """, "norm_epsilon": 1e-5, "use_bias": true, "sliding_window": null""",
        ["phi"] = Llama + """, "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5, "qk_layernorm": false""",
        ["gpt_neox"] = """
            "vocab_size": 40, "hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "hidden_act": "gelu",
            "max_position_embeddings": 32, "layer_norm_eps": 1e-5, "rotary_pct": 0.5, "rotary_emb_base": 10000, "use_parallel_residual": true, "attention_bias": true
            """,
        ["gpt2"] = Gpt2 + """, "n_inner": null, "scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false""",
        ["gptj"] = Gpt2 + """, "rotary_dim": 4""",
        ["gpt_neo"] = """
            "vocab_size": 40, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "intermediate_size": null, "max_position_embeddings": 32, "activation_function": "gelu_new",
            "attention_types": [[["global", "local"], 1]], "window_size": 4, "layer_norm_epsilon": 1e-5
            """,
        ["opt"] = """
            "vocab_size": 40, "hidden_size": 32, "ffn_dim": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 32, "activation_function": "relu",
            "do_layer_norm_before": true, "word_embed_proj_dim": 32, "_remove_final_layer_norm": false, "enable_bias": true, "layer_norm_elementwise_affine": true
            """,
        ["bloom"] = """
            "vocab_size": 40, "n_embed": 32, "n_layer": 3, "num_attention_heads": 4, "layer_norm_epsilon": 1e-5, "apply_residual_connection_post_layernorm": false
            """,
        ["falcon"] = """
            "vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_kv_heads": 2, "multi_query": true, "new_decoder_architecture": false,
            "parallel_attn": true, "bias": false, "alibi": false, "layer_norm_epsilon": 1e-5, "rope_theta": 10000.0
            """,
    };

    /// <summary>The configuration of a family.</summary>
    public static JsonObject Of(string family)
    {
        JsonObject config = JsonNode.Parse($$"""{ {{All[family]}} }""")!.AsObject();
        config["model_type"] = family;
        return config;
    }

    /// <summary>The model of a configuration, its weights random: the same for parameters of the same names and shapes.</summary>
    public static CausalLanguageModel Model(JsonObject config, bool memory = true)
    {
        var read = new ConfigReader("config.json", JsonElement.Parse(config.ToJsonString()));
        if (!memory) return DecoderCatalogue.Create(read);
        CausalLanguageModel model = DecoderCatalogue.Create(read);
        foreach ((string name, Tensor tensor) in model.NamedParameters()) Init.Normal(tensor, 0.3, 5, (uint)name.Sum(c => c * 31));
        return model;
    }

    /// <summary>Scores of a text of some length.</summary>
    public static float[] Logits(CausalLanguageModel model, int length = 12)
    {
        using var scope = TensorScope.Open("test");
        return model.Forward(Tensor.From(Enumerable.Range(0, length).Select(i => i * 7 % model.Config.VocabSize).ToArray(), 1, length)).ToArray<float>();
    }
}
