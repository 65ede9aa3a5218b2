namespace Craton.Models.Gguf;

internal sealed partial record GgufArchitecture
{
    private static readonly (string, string)[] Sizes =
    [
        ("context_length", "max_position_embeddings"), ("embedding_length", "hidden_size"), ("block_count", "num_hidden_layers"),
        ("feed_forward_length", "intermediate_size"), ("attention.head_count", "num_attention_heads"),
    ];

    private static readonly (string, string)[] DecoderSettings =
    [
        .. Sizes, ("attention.head_count_kv", "num_key_value_heads"), ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
        ("rope.freq_base", "rope_theta"), ("attention.key_length", "head_dim"),
    ];

    private static readonly (string, string)[] WindowSettings = [.. DecoderSettings, ("attention.sliding_window", "sliding_window")];

    private static readonly (string, string)[] ExpertSettings =
        [.. DecoderSettings, ("expert_count", "num_experts"), ("expert_used_count", "num_experts_per_tok"), ("expert_feed_forward_length", "moe_intermediate_size")];

    private static readonly (string, string)[] Gpt2Settings =
    [
        ("context_length", "n_positions"), ("embedding_length", "n_embd"), ("block_count", "n_layer"), ("feed_forward_length", "n_inner"),
        ("attention.head_count", "n_head"), ("attention.layer_norm_epsilon", "layer_norm_epsilon"),
    ];

    private static readonly GgufName[] DecoderNames =
    [
        new("token_embd.weight", "model.embed_tokens.weight"), .. Both("output_norm", "model.norm"), .. Both("output", "lm_head"),
        .. Layer("attn_norm", "input_layernorm"),
        .. Layer("attn_q", "self_attn.q_proj"), .. Layer("attn_k", "self_attn.k_proj"), .. Layer("attn_v", "self_attn.v_proj"), .. Layer("attn_output", "self_attn.o_proj"),
        .. Layer("attn_q_norm", "self_attn.q_norm"), .. Layer("attn_k_norm", "self_attn.k_norm"),
        .. Layer("ffn_gate", "mlp.gate_proj"), .. Layer("ffn_up", "mlp.up_proj"), .. Layer("ffn_down", "mlp.down_proj"),
    ];

    private static readonly GgufName[] PreNorm = [.. DecoderNames, .. Layer("ffn_norm", "post_attention_layernorm")];

    // The names of GPT-2 and those that came after it.
    private static readonly GgufName[] GptNames = [.. Both("output_norm", "transformer.ln_f"), new("output.weight", "lm_head.weight")];

    private static readonly GgufName[] FalconNames =
    [
        .. GptNames, new("token_embd.weight", "transformer.word_embeddings.weight"),
        .. Block("attn_qkv", "self_attention.query_key_value", GgufTransform.GroupedQkv), .. Block("attn_output", "self_attention.dense"),
        .. Block("ffn_up", "mlp.dense_h_to_4h"), .. Block("ffn_down", "mlp.dense_4h_to_h"),
    ];

    private static readonly (string, string)[] FalconSettings =
        [.. Sizes.Select(s => s.Item2 == "intermediate_size" ? (s.Item1, "ffn_hidden_size") : s), ("attention.head_count_kv", "num_kv_heads"), ("attention.layer_norm_epsilon", "layer_norm_epsilon"), ("rope.freq_base", "rope_theta")];

    private static readonly (string, string)[] Silu = [("hidden_act", "\"silu\"")];

    private static readonly (string, string)[] GeluTanh = [("hidden_activation", "\"gelu_pytorch_tanh\"")];

    /// <summary>The architectures that are known.</summary>
    public static GgufArchitecture[] All { get; } =
    [
        new("llama", "mixtral", "MixtralForCausalLM", ExpertSettings, Silu,
        [
            .. Turned(PreNorm), .. Layer("ffn_gate_inp", "block_sparse_moe.gate"),
            .. Experts("ffn_gate_exps", "block_sparse_moe.experts.{}.w1"), .. Experts("ffn_up_exps", "block_sparse_moe.experts.{}.w3"), .. Experts("ffn_down_exps", "block_sparse_moe.experts.{}.w2"),
        ]) { Marker = "blk.0.ffn_gate_inp.weight" },
        new("llama", "llama", "LlamaForCausalLM", WindowSettings, Silu, Turned(PreNorm)),
        new("smollm3", "smollm3", "SmolLM3ForCausalLM", DecoderSettings, [.. Silu, ("no_rope_layer_interval", "4")], Turned(PreNorm)),
        new("qwen2", "qwen2", "Qwen2ForCausalLM", DecoderSettings, Silu, PreNorm),
        new("qwen3", "qwen3", "Qwen3ForCausalLM", DecoderSettings, Silu, PreNorm),
        new("qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM", ExpertSettings, [.. Silu, ("norm_topk_prob", "true")],
        [
            .. PreNorm, .. Layer("ffn_gate_inp", "mlp.gate"),
            .. Experts("ffn_gate_exps", "mlp.experts.{}.gate_proj"), .. Experts("ffn_up_exps", "mlp.experts.{}.up_proj"), .. Experts("ffn_down_exps", "mlp.experts.{}.down_proj"),
        ]),
        new("gemma", "gemma", "GemmaForCausalLM", DecoderSettings, [("hidden_act", "\"gelu_pytorch_tanh\""), .. GeluTanh], AddOne(PreNorm)),
        new("gemma2", "gemma2", "Gemma2ForCausalLM",
            [.. WindowSettings, ("attn_logit_softcapping", "attn_logit_softcapping"), ("final_logit_softcapping", "final_logit_softcapping")], GeluTanh, AddOne(FourNorms())),
        new("gemma3", "gemma3_text", "Gemma3ForCausalLM", WindowSettings, [.. GeluTanh, ("rope_local_base_freq", "10000.0"), ("sliding_window_pattern", "6")], AddOne(FourNorms())),
        new("olmo2", "olmo2", "Olmo2ForCausalLM", DecoderSettings, Silu,
            [.. DecoderNames.Where(n => !n.Gguf.Contains("attn_norm", StringComparison.Ordinal)), .. Layer("post_attention_norm", "post_attention_layernorm"), .. Layer("post_ffw_norm", "post_feedforward_layernorm")]),
        new("starcoder2", "starcoder2", "Starcoder2ForCausalLM", [.. WindowSettings, ("attention.layer_norm_epsilon", "norm_epsilon")], [("hidden_act", "\"gelu_pytorch_tanh\"")],
        [
            .. PreNorm.Where(n => !n.Gguf.Contains("ffn_", StringComparison.Ordinal)),
            .. Layer("ffn_norm", "post_attention_layernorm"), .. Layer("ffn_up", "mlp.c_fc"), .. Layer("ffn_down", "mlp.c_proj"),
        ]),
        new("phi2", "phi", "PhiForCausalLM", [.. DecoderSettings, ("attention.layer_norm_epsilon", "layer_norm_eps")], [("hidden_act", "\"gelu_new\"")],
        [
            new("token_embd.weight", "model.embed_tokens.weight"), .. Both("output_norm", "model.final_layernorm"), .. Both("output", "lm_head"), .. Layer("attn_norm", "input_layernorm"),
            .. Layer("attn_q", "self_attn.q_proj"), .. Layer("attn_k", "self_attn.k_proj"), .. Layer("attn_v", "self_attn.v_proj"), .. Layer("attn_output", "self_attn.dense"),
            .. Layer("ffn_up", "mlp.fc1"), .. Layer("ffn_down", "mlp.fc2"),
        ]),
        new("phi3", "phi3", "Phi3ForCausalLM", [.. WindowSettings, ("rope.scaling.original_context_length", "original_max_position_embeddings")], Silu,
        [
            .. PreNorm.Where(n => n.Gguf is not "blk.{}.ffn_up.weight" and not "blk.{}.ffn_up.bias" && !n.Gguf.Contains("ffn_gate", StringComparison.Ordinal)),
            .. Layer("attn_qkv", "self_attn.qkv_proj"), .. Layer("ffn_up", "mlp.gate_up_proj"),
        ]),
        new("gpt2", "gpt2", "GPT2LMHeadModel", Gpt2Settings, [("activation_function", "\"gelu_new\"")],
        [
            .. GptNames, new("token_embd.weight", "transformer.wte.weight"), new("position_embd.weight", "transformer.wpe.weight"),
            .. Block("attn_norm", "ln_1"), .. Block("ffn_norm", "ln_2"), .. Block("attn_qkv", "attn.c_attn", GgufTransform.Transposed), .. Block("attn_output", "attn.c_proj", GgufTransform.Transposed),
            .. Block("ffn_up", "mlp.c_fc", GgufTransform.Transposed), .. Block("ffn_down", "mlp.c_proj", GgufTransform.Transposed),
        ]),
        new("gptj", "gptj", "GPTJForCausalLM", [.. Gpt2Settings, ("rope.dimension_count", "rotary_dim")], [("activation_function", "\"gelu_new\"")],
        [
            .. GptNames, new("output.bias", "lm_head.bias"), new("token_embd.weight", "transformer.wte.weight"), .. Block("attn_norm", "ln_1"),
            .. Block("attn_q", "attn.q_proj"), .. Block("attn_k", "attn.k_proj"), .. Block("attn_v", "attn.v_proj"), .. Block("attn_output", "attn.out_proj"),
            .. Block("ffn_up", "mlp.fc_in"), .. Block("ffn_down", "mlp.fc_out"),
        ]),
        new("gptneox", "gpt_neox", "GPTNeoXForCausalLM",
            [.. Sizes, ("attention.layer_norm_epsilon", "layer_norm_eps"), ("rope.freq_base", "rope_theta"), ("use_parallel_residual", "use_parallel_residual")], [("hidden_act", "\"gelu\"")],
        [
            new("token_embd.weight", "gpt_neox.embed_in.weight"), .. Both("output_norm", "gpt_neox.final_layer_norm"), new("output.weight", "embed_out.weight"),
            .. In("gpt_neox.layers.{}", "attn_norm", "input_layernorm"), .. In("gpt_neox.layers.{}", "ffn_norm", "post_attention_layernorm"),
            .. In("gpt_neox.layers.{}", "attn_qkv", "attention.query_key_value", GgufTransform.GroupedQkv), .. In("gpt_neox.layers.{}", "attn_output", "attention.dense"),
            .. In("gpt_neox.layers.{}", "ffn_up", "mlp.dense_h_to_4h"), .. In("gpt_neox.layers.{}", "ffn_down", "mlp.dense_4h_to_h"),
        ]),
        new("bloom", "bloom", "BloomForCausalLM",
            [("context_length", "seq_length"), ("embedding_length", "hidden_size"), ("block_count", "n_layer"), ("feed_forward_length", "n_inner"), ("attention.head_count", "n_head"), ("attention.layer_norm_epsilon", "layer_norm_epsilon")], [],
            [.. FalconNames, .. Both("token_embd_norm", "transformer.word_embeddings_layernorm"), .. Block("attn_norm", "input_layernorm"), .. Block("ffn_norm", "post_attention_layernorm")]),
        new("falcon", "falcon", "FalconForCausalLM", FalconSettings, [("activation", "\"gelu\""), ("new_decoder_architecture", "true"), ("num_ln_in_parallel_attn", "2")],
            [.. FalconNames, .. Block("attn_norm_2", "ln_attn"), .. Block("attn_norm", "ln_mlp")]) { Marker = "blk.0.attn_norm_2.weight" },
        new("falcon", "falcon", "FalconForCausalLM", FalconSettings, [("activation", "\"gelu\""), ("new_decoder_architecture", "true"), ("num_ln_in_parallel_attn", "1")],
            [.. FalconNames, .. Block("attn_norm", "input_layernorm")]),
        new("bert", "bert", "BertModel", [.. Sizes, ("attention.layer_norm_epsilon", "layer_norm_eps")], [("hidden_act", "\"gelu\"")],
        [
            new("token_embd.weight", "embeddings.word_embeddings.weight"), new("position_embd.weight", "embeddings.position_embeddings.weight"),
            new("token_types.weight", "embeddings.token_type_embeddings.weight"), .. Both("token_embd_norm", "embeddings.LayerNorm"),
            .. In("encoder.layer.{}", "attn_q", "attention.self.query"), .. In("encoder.layer.{}", "attn_k", "attention.self.key"), .. In("encoder.layer.{}", "attn_v", "attention.self.value"),
            .. In("encoder.layer.{}", "attn_output", "attention.output.dense"), .. In("encoder.layer.{}", "attn_output_norm", "attention.output.LayerNorm"),
            .. In("encoder.layer.{}", "ffn_up", "intermediate.dense"), .. In("encoder.layer.{}", "ffn_down", "output.dense"), .. In("encoder.layer.{}", "layer_output_norm", "output.LayerNorm"),
        ]),
    ];

    private static GgufName[] FourNorms() => [.. DecoderNames, .. Layer("post_attention_norm", "post_attention_layernorm"), .. Layer("ffn_norm", "pre_feedforward_layernorm"), .. Layer("post_ffw_norm", "post_feedforward_layernorm")];

    private static GgufName[] AddOne(GgufName[] names) =>
        [.. names.Select(n => n.Gguf.EndsWith("norm.weight", StringComparison.Ordinal) ? n with { Transform = GgufTransform.PlusOne } : n)];

    // Where rotation turns neighbours in the file.
    private static GgufName[] Turned(GgufName[] names) =>
    [
        .. names.Select(n => n with
        {
            Transform = n.Gguf.Contains("attn_q.", StringComparison.Ordinal) ? GgufTransform.QueryHeads : n.Gguf.Contains("attn_k.", StringComparison.Ordinal) ? GgufTransform.KeyHeads : n.Transform,
        }),
    ];

    private static GgufName[] Layer(string gguf, string huggingFace) => In("model.layers.{}", gguf, huggingFace);

    private static GgufName[] Block(string gguf, string huggingFace, GgufTransform transform = GgufTransform.None) => In("transformer.h.{}", gguf, huggingFace, transform);

    private static GgufName[] Experts(string gguf, string huggingFace) => [new($"blk.{{}}.{gguf}.weight", $"model.layers.{{}}.{huggingFace}.weight", GgufTransform.Experts)];

    // A weight and its bias; a bias is never transposed.
    private static GgufName[] In(string layer, string gguf, string huggingFace, GgufTransform transform = GgufTransform.None) =>
    [
        new($"blk.{{}}.{gguf}.weight", $"{layer}.{huggingFace}.weight", transform),
        new($"blk.{{}}.{gguf}.bias", $"{layer}.{huggingFace}.bias", transform == GgufTransform.Transposed ? GgufTransform.None : transform),
    ];

    private static GgufName[] Both(string gguf, string huggingFace) => [new($"{gguf}.weight", $"{huggingFace}.weight"), new($"{gguf}.bias", $"{huggingFace}.bias")];
}
