using System.Text.Json;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>
/// Settings that change what some decoder computes. One that is set, and that the family at hand did not ask for, is refused: a model is never
/// computed as if the setting were not there. Dropout and the losses of routers are the training's business, not the model's.
/// </summary>
internal static class ForeignSettings
{
    // The name, and the number at which it changes nothing; null, false, and empty lists never do.
    private static readonly (string Name, double? Neutral)[] Known =
    [
        // what is seen
        ("add_cross_attention", null), ("is_encoder_decoder", null), ("use_bidirectional_attention", null), ("use_sliding_window", null),
        ("attention_chunk_size", null), ("pruned_heads", null),
        // positions
        ("alibi", null), ("no_rope_layers", null), ("partial_rotary_factor", 1), ("rotary_pct", 1), ("rope_interleaved", null),
        ("rope_interleave", null), ("rope_local_base_freq", null),
        // factors, caps and norms
        ("attn_logit_softcapping", null), ("final_logit_softcapping", null), ("clip_qkv", null), ("query_pre_attn_scalar", null),
        ("scale_attn_by_inverse_layer_idx", null), ("logit_scale", 1), ("logits_scaling", 1), ("embedding_multiplier", 1), ("residual_multiplier", 1),
        ("attention_multiplier", null), ("lm_head_multiplier", 1), ("key_multiplier", 1), ("scale_emb", 1), ("scale_depth", null), ("scale_embedding", null),
        ("mup_attn_multiplier", 1), ("mup_embedding_multiplier", 1), ("mup_width_multiplier", 1), ("qk_layernorm", null), ("use_qk_norm", null),
        ("qk_norm", null), ("apply_residual_connection_post_layernorm", null),
        // parts
        ("num_nextn_predict_layers", 0), ("n_shared_experts", 0), ("num_shared_experts", 0), ("shared_expert_intermediate_size", 0),
        ("routed_scaling_factor", 1), ("num_kv_shared_layers", 0),
    ];

    /// <summary>Refuses what the family did not ask for.</summary>
    /// <exception cref="CratonException">Something is set that would change the numbers.</exception>
    public static void Refuse(ConfigReader read)
    {
        foreach (JsonProperty setting in read.Unread)
        {
            if (!ChangesNumbers(read, setting)) continue;
            string value = setting.Value.GetRawText();
            throw new CratonException(
                $"{read.File}: {setting.Name} is {(value.Length > 60 ? value[..60] + "…" : value)}, which models of type '{read.ModelType}' do not have here, "
                + "and without it other numbers would come out; take a model of a plain shape, or remove the setting if it means nothing");
        }
    }

    private static bool ChangesNumbers(ConfigReader read, JsonProperty setting) => setting.Name switch
    {
        "layer_types" => setting.Value.ValueKind == JsonValueKind.Array && setting.Value.EnumerateArray().Any(type => type.ToString() != "full_attention"),
        "sliding_window" => read.Flag("use_sliding_window", true),
        "rope_scaling" or "rope_parameters" => read.Object(setting.Name)!.TextOr("default", "rope_type", "type") != "default",
        _ => Array.Exists(Known, known => known.Name == setting.Name && IsSet(setting.Value, known.Neutral)),
    };

    private static bool IsSet(JsonElement value, double? neutral) => value.ValueKind switch
    {
        JsonValueKind.False => false,
        JsonValueKind.Number => value.GetDouble() != neutral,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => true,
    };
}
