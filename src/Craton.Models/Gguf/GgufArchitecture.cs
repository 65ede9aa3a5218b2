using System.Globalization;

namespace Craton.Models.Gguf;

/// <summary>What a GGUF file changes about a tensor of the Hugging Face layout.</summary>
internal enum GgufTransform
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>Rows of each query head are in the order 0, d/2, 1, d/2 + 1, …</summary>
    QueryHeads,
    /// <summary>The same for key heads.</summary>
    KeyHeads,
    /// <summary>[in, out] there, [out, in] here.</summary>
    Transposed,
    /// <summary>1 is added.</summary>
    PlusOne,
}

/// <summary>One tensor under both names; <c>{}</c> stands for the number of a layer.</summary>
internal readonly record struct GgufName(string Gguf, string HuggingFace, GgufTransform Transform = GgufTransform.None);

/// <summary>
/// How an architecture of GGUF corresponds to a family of Hugging Face: names of tensors and of settings. Pure data, taken from what the converters
/// of llama.cpp write. A new architecture is one more row in <see cref="All"/>.
/// </summary>
/// <param name="Name">The architecture's name in the file.</param>
/// <param name="ModelType">The family's <c>model_type</c>.</param>
/// <param name="ClassName">The family's class.</param>
/// <param name="Settings">Keys of the metadata (without the architecture) and of <c>config.json</c>.</param>
/// <param name="Fixed">Settings that the file does not say, as JSON.</param>
/// <param name="Names">All tensors that a file may have.</param>
internal sealed record GgufArchitecture(
    string Name, string ModelType, string ClassName, (string Gguf, string HuggingFace)[] Settings, (string Key, string Json)[] Fixed, GgufName[] Names)
{
    private static readonly (string, string)[] DecoderSettings =
    [
        ("context_length", "max_position_embeddings"), ("embedding_length", "hidden_size"), ("block_count", "num_hidden_layers"),
        ("feed_forward_length", "intermediate_size"), ("attention.head_count", "num_attention_heads"), ("attention.head_count_kv", "num_key_value_heads"),
        ("attention.layer_norm_rms_epsilon", "rms_norm_eps"), ("rope.freq_base", "rope_theta"), ("attention.key_length", "head_dim"),
        ("attention.sliding_window", "sliding_window"),
    ];

    private static readonly GgufName[] DecoderNames =
    [
        new("token_embd.weight", "model.embed_tokens.weight"), new("output_norm.weight", "model.norm.weight"), new("output.weight", "lm_head.weight"),
        .. Layer("attn_norm", "input_layernorm"),
        .. Layer("attn_q", "self_attn.q_proj"), .. Layer("attn_k", "self_attn.k_proj"), .. Layer("attn_v", "self_attn.v_proj"), .. Layer("attn_output", "self_attn.o_proj"),
        .. Layer("attn_q_norm", "self_attn.q_norm"), .. Layer("attn_k_norm", "self_attn.k_norm"),
        .. Layer("ffn_gate", "mlp.gate_proj"), .. Layer("ffn_up", "mlp.up_proj"), .. Layer("ffn_down", "mlp.down_proj"),
    ];

    private static readonly GgufName[] PreNorm = [.. DecoderNames, .. Layer("ffn_norm", "post_attention_layernorm")];

    private static readonly (string, string)[] Silu = [("hidden_act", "\"silu\"")];

    /// <summary>The architectures that are known.</summary>
    public static GgufArchitecture[] All { get; } =
    [
        new("llama", "llama", "LlamaForCausalLM", DecoderSettings, Silu,
            [.. PreNorm.Select(n => n with { Transform = n.Gguf.Contains("attn_q.", StringComparison.Ordinal) ? GgufTransform.QueryHeads : n.Gguf.Contains("attn_k.", StringComparison.Ordinal) ? GgufTransform.KeyHeads : GgufTransform.None })]),
        new("qwen2", "qwen2", "Qwen2ForCausalLM", DecoderSettings, Silu, PreNorm),
        new("qwen3", "qwen3", "Qwen3ForCausalLM", DecoderSettings, Silu, PreNorm),
        new("gemma", "gemma", "GemmaForCausalLM", DecoderSettings, [("hidden_act", "\"gelu_pytorch_tanh\""), ("hidden_activation", "\"gelu_pytorch_tanh\"")], AddOne(PreNorm)),
        new("gemma2", "gemma2", "Gemma2ForCausalLM",
            [.. DecoderSettings, ("attn_logit_softcapping", "attn_logit_softcapping"), ("final_logit_softcapping", "final_logit_softcapping")],
            [("hidden_activation", "\"gelu_pytorch_tanh\"")], AddOne(FourNorms())),
        new("gemma3", "gemma3_text", "Gemma3ForCausalLM", DecoderSettings,
            [("hidden_activation", "\"gelu_pytorch_tanh\""), ("rope_local_base_freq", "10000.0"), ("sliding_window_pattern", "6")], AddOne(FourNorms())),
        new("olmo2", "olmo2", "Olmo2ForCausalLM", DecoderSettings, Silu,
            [.. DecoderNames.Where(n => !n.Gguf.Contains("attn_norm", StringComparison.Ordinal)), .. Layer("post_attention_norm", "post_attention_layernorm"), .. Layer("post_ffw_norm", "post_feedforward_layernorm")]),
        new("starcoder2", "starcoder2", "Starcoder2ForCausalLM", [.. DecoderSettings, ("attention.layer_norm_epsilon", "norm_epsilon")], [("hidden_act", "\"gelu_pytorch_tanh\"")],
        [
            .. PreNorm.Where(n => !n.Gguf.Contains("ffn_", StringComparison.Ordinal)), new("output_norm.bias", "model.norm.bias"),
            .. Layer("ffn_norm", "post_attention_layernorm"), .. Layer("ffn_up", "mlp.c_fc"), .. Layer("ffn_down", "mlp.c_proj"),
        ]),
        new("phi3", "phi3", "Phi3ForCausalLM", [.. DecoderSettings, ("rope.scaling.original_context_length", "original_max_position_embeddings")], Silu,
        [
            .. PreNorm.Where(n => n.Gguf is not "blk.{}.ffn_up.weight" and not "blk.{}.ffn_up.bias" && !n.Gguf.Contains("ffn_gate", StringComparison.Ordinal)),
            .. Layer("attn_qkv", "self_attn.qkv_proj"), .. Layer("ffn_up", "mlp.gate_up_proj"),
        ]),
        new("gpt2", "gpt2", "GPT2LMHeadModel",
            [("context_length", "n_positions"), ("embedding_length", "n_embd"), ("block_count", "n_layer"), ("feed_forward_length", "n_inner"),
             ("attention.head_count", "n_head"), ("attention.layer_norm_epsilon", "layer_norm_epsilon")],
            [("activation_function", "\"gelu_new\"")],
        [
            new("token_embd.weight", "transformer.wte.weight"), new("position_embd.weight", "transformer.wpe.weight"), new("output.weight", "lm_head.weight"),
            new("output_norm.weight", "transformer.ln_f.weight"), new("output_norm.bias", "transformer.ln_f.bias"),
            .. Gpt2Layer("attn_norm", "ln_1"), .. Gpt2Layer("ffn_norm", "ln_2"), .. Gpt2Layer("attn_qkv", "attn.c_attn"), .. Gpt2Layer("attn_output", "attn.c_proj"),
            .. Gpt2Layer("ffn_up", "mlp.c_fc"), .. Gpt2Layer("ffn_down", "mlp.c_proj"),
        ]),
        new("bert", "bert", "BertModel",
            [("context_length", "max_position_embeddings"), ("embedding_length", "hidden_size"), ("block_count", "num_hidden_layers"),
             ("feed_forward_length", "intermediate_size"), ("attention.head_count", "num_attention_heads"), ("attention.layer_norm_epsilon", "layer_norm_eps")],
            [("hidden_act", "\"gelu\"")],
        [
            new("token_embd.weight", "embeddings.word_embeddings.weight"), new("position_embd.weight", "embeddings.position_embeddings.weight"),
            new("token_types.weight", "embeddings.token_type_embeddings.weight"),
            new("token_embd_norm.weight", "embeddings.LayerNorm.weight"), new("token_embd_norm.bias", "embeddings.LayerNorm.bias"),
            .. BertLayer("attn_q", "attention.self.query"), .. BertLayer("attn_k", "attention.self.key"), .. BertLayer("attn_v", "attention.self.value"),
            .. BertLayer("attn_output", "attention.output.dense"), .. BertLayer("attn_output_norm", "attention.output.LayerNorm"),
            .. BertLayer("ffn_up", "intermediate.dense"), .. BertLayer("ffn_down", "output.dense"), .. BertLayer("layer_output_norm", "output.LayerNorm"),
        ]),
    ];

    /// <summary>The name and the change of a tensor of the file; null when the architecture has no such tensor.</summary>
    public GgufName? Find(string gguf)
    {
        (string pattern, string layer) = Pattern(gguf, "blk.");
        foreach (GgufName name in Names)
            if (name.Gguf == pattern) return name with { Gguf = gguf, HuggingFace = name.HuggingFace.Replace("{}", layer, StringComparison.Ordinal) };
        return null;
    }

    /// <summary>The name and the change of a tensor of a Hugging Face model; null when the architecture has no such tensor.</summary>
    public GgufName? FindHuggingFace(string huggingFace)
    {
        foreach (GgufName name in Names)
        {
            int at = name.HuggingFace.IndexOf("{}", StringComparison.Ordinal);
            if (at < 0 ? name.HuggingFace == huggingFace : huggingFace.AsSpan().StartsWith(name.HuggingFace.AsSpan(0, at)))
            {
                if (at < 0) return name;
                (string pattern, string layer) = Pattern(huggingFace, name.HuggingFace[..at]);
                if (pattern == name.HuggingFace) return name with { HuggingFace = huggingFace, Gguf = name.Gguf.Replace("{}", layer, StringComparison.Ordinal) };
            }
        }
        return null;
    }

    // The name with {} for the number behind the prefix.
    private static (string Pattern, string Layer) Pattern(string name, string prefix)
    {
        int end = name.StartsWith(prefix, StringComparison.Ordinal) ? name.IndexOf('.', prefix.Length) : -1;
        return end > 0 && int.TryParse(name.AsSpan(prefix.Length, end - prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer)
            ? ($"{prefix}{{}}{name[end..]}", layer.ToString(CultureInfo.InvariantCulture))
            : (name, "");
    }

    private static GgufName[] FourNorms() => [.. DecoderNames, .. Layer("post_attention_norm", "post_attention_layernorm"), .. Layer("ffn_norm", "pre_feedforward_layernorm"), .. Layer("post_ffw_norm", "post_feedforward_layernorm")];

    private static GgufName[] AddOne(GgufName[] names) =>
        [.. names.Select(n => n.Gguf.EndsWith("norm.weight", StringComparison.Ordinal) ? n with { Transform = GgufTransform.PlusOne } : n)];

    private static GgufName[] Layer(string gguf, string huggingFace) =>
        [new($"blk.{{}}.{gguf}.weight", $"model.layers.{{}}.{huggingFace}.weight"), new($"blk.{{}}.{gguf}.bias", $"model.layers.{{}}.{huggingFace}.bias")];

    private static GgufName[] BertLayer(string gguf, string huggingFace) =>
        [new($"blk.{{}}.{gguf}.weight", $"encoder.layer.{{}}.{huggingFace}.weight"), new($"blk.{{}}.{gguf}.bias", $"encoder.layer.{{}}.{huggingFace}.bias")];

    private static GgufName[] Gpt2Layer(string gguf, string huggingFace) =>
    [
        new($"blk.{{}}.{gguf}.weight", $"transformer.h.{{}}.{huggingFace}.weight", gguf.EndsWith("norm", StringComparison.Ordinal) ? GgufTransform.None : GgufTransform.Transposed),
        new($"blk.{{}}.{gguf}.bias", $"transformer.h.{{}}.{huggingFace}.bias"),
    ];
}
