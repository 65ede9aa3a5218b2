using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>
/// The shape of a <see cref="Gpt"/>. On disk it is Hugging Face's <c>config.json</c> of a <c>LlamaForCausalLM</c>, or of a
/// <c>Qwen3ForCausalLM</c> when queries and keys are normalised, so that other libraries open what is trained here. Mistral, Qwen 2, SmolLM 3,
/// Mixtral and Qwen 3's mixture of experts are read as the settings that tell them from Llama.
/// </summary>
public sealed record GptConfig : DecoderConfig
{
    /// <summary>For object initialisers.</summary>
    public GptConfig() { }

    /// <summary>Takes over what a <c>config.json</c> says.</summary>
    [SetsRequiredMembers]
    internal GptConfig(ConfigReader read) : base(read)
    {
        string type = read.ModelType;
        if (type == "qwen3") HeadDim = read.IntOr(128, "head_dim");
        RmsNormEps = read.Number("rms_norm_eps", type == "mixtral" ? 1e-5 : 1e-6);
        Activation = read.Activation("silu", "hidden_act");
        QkNorm = type is "qwen3" or "qwen3_moe";
        AttentionBias = type == "qwen2" || (type is "llama" or "qwen3" or "qwen3_moe" or "smollm3" && read.Flag("attention_bias"));
        if (type == "qwen2") AttentionOutputBias = false;
        MlpBias = type is "llama" or "smollm3" && read.Flag("mlp_bias");
        RotarySettings rotary = read.Rotary(HeadDim, MaxPositionEmbeddings, theta: type switch { "mixtral" => 1e6, "smollm3" => 2e6, _ => 10000 });
        RopeTheta = rotary.Theta;
        if (rotary.Scaling != RotaryScaling.None || rotary.Dim != HeadDim) RopeScaling = rotary;
        MaxPositionEmbeddings = rotary.Reach(MaxPositionEmbeddings);
        if (type == "smollm3") (RotatedLayers, TieWordEmbeddings) = (Rotated(read), read.Flag("tie_word_embeddings", true));
        SlidingWindow = Window(read, type);
        if (SlidingWindow is not null) WindowedLayers = Windowed(read, type);
        if (type is "mixtral" or "qwen3_moe") Experts = new ExpertSettings(read, NumHiddenLayers);
    }

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Rotary positions that are scaled or turn a part of each head only; null for plain ones.</summary>
    public RotarySettings? RopeScaling { get; init; }

    /// <summary>Added to the mean square in the norms.</summary>
    public double RmsNormEps { get; init; } = 1e-5;

    /// <summary>Whether queries and keys are normalised per head before rotation (Henry et al. 2020).</summary>
    public bool QkNorm { get; init; }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the attention's output has one; like the others when null.</summary>
    public bool? AttentionOutputBias { get; init; }

    /// <summary>Whether the feed-forward projections have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Applied to the gate of the feed-forward layers.</summary>
    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>How many tokens a windowed layer sees; null for all.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>For every layer, whether it is windowed; null when all are alike.</summary>
    public IReadOnlyList<bool>? WindowedLayers { get; init; }

    /// <summary>For every layer, whether it turns queries and keys; null when all do.</summary>
    public IReadOnlyList<bool>? RotatedLayers { get; init; }

    /// <summary>The mixture of experts in place of feed-forward layers, or null.</summary>
    public ExpertSettings? Experts { get; init; }

    /// <summary>Trained values, the embedding table counted once when tied.</summary>
    public long ParameterCount => new Gpt(this).ParameterCount;

    /// <summary>
    /// The one dial: a depth of L gives L blocks of width 64·L with heads of 64 (32 below depth 4), a key/value head for every two query
    /// heads from width 256 on, and a feed-forward width of 8/3 of the width, in multiples of 64.
    /// </summary>
    public static GptConfig FromDepth(int depth, int vocabSize, int context)
    {
        int width = 64 * depth, headDim = depth < 4 ? 32 : 64, heads = width / headDim;
        return new GptConfig
        {
            VocabSize = vocabSize,
            HiddenSize = width,
            IntermediateSize = (width * 8 / 3 + 63) / 64 * 64,
            NumHiddenLayers = depth,
            NumAttentionHeads = heads,
            NumKeyValueHeads = heads % 2 == 0 && width >= 256 ? heads / 2 : heads,
            HeadDim = headDim,
            MaxPositionEmbeddings = context,
        };
    }

    private bool[]? Rotated(ConfigReader read)
    {
        int interval = read.IntOr(4, "no_rope_layer_interval");
        int[] layers = read.Ints("no_rope_layers") ?? [.. Enumerable.Range(1, NumHiddenLayers).Select(i => interval > 0 && i % interval == 0 ? 0 : 1)];
        if (layers.Length != NumHiddenLayers) throw new CratonException($"{read.File}: no_rope_layers: expected {NumHiddenLayers} entries, one for each layer, got {layers.Length}");
        return layers.Contains(0) ? [.. layers.Select(l => l != 0)] : null;
    }

    // What stands for the window when nothing is said differs from what null says.
    private static int? Window(ConfigReader read, string type) => type switch
    {
        "mistral" => read.Window("sliding_window", 4096),
        "mixtral" => read.Window("sliding_window", null),
        "qwen2" or "qwen3" or "qwen3_moe" when read.Flag("use_sliding_window") => read.Window("sliding_window", 4096),
        "smollm3" when read.Flag("use_sliding_window") => read.Window("sliding_window", null),
        _ => null,
    };

    private bool[]? Windowed(ConfigReader read, string type)
    {
        int first = read.IntOr(28, "max_window_layers");
        return type switch
        {
            "qwen2" or "qwen3" => read.Windowed(NumHiddenLayers, layer => layer >= first) ?? new bool[NumHiddenLayers],
            "smollm3" => read.Windowed(NumHiddenLayers, layer => RotatedLayers is { } rotated && !rotated[layer]) ?? new bool[NumHiddenLayers],
            _ => null,
        };
    }

    /// <summary>Writes <c>config.json</c>, in the newer and the older spelling at once: rotary positions and the type of the weights.</summary>
    public override JsonObject ToJson()
    {
        if (SlidingWindow is not null || RotatedLayers is not null || Experts is not null || RopeScaling is not null || AttentionOutputBias is not null || Activation != Activation.Silu)
            throw new CratonException("a model with windows, experts or scaled positions cannot be written as one of Llama; such models are opened from a directory, which brings its own config.json");
        return Write();
    }

    private JsonObject Write() => new()
    {
        ["architectures"] = new JsonArray(QkNorm ? "Qwen3ForCausalLM" : "LlamaForCausalLM"),
        ["model_type"] = QkNorm ? "qwen3" : "llama",
        ["vocab_size"] = VocabSize,
        ["hidden_size"] = HiddenSize,
        ["intermediate_size"] = IntermediateSize,
        ["num_hidden_layers"] = NumHiddenLayers,
        ["num_attention_heads"] = NumAttentionHeads,
        ["num_key_value_heads"] = NumKeyValueHeads,
        ["head_dim"] = HeadDim,
        ["max_position_embeddings"] = MaxPositionEmbeddings,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = Real(RmsNormEps),
        ["rope_parameters"] = new JsonObject { ["rope_theta"] = Real(RopeTheta), ["rope_type"] = "default" },
        ["rope_theta"] = Real(RopeTheta),
        ["rope_scaling"] = null,
        ["attention_bias"] = AttentionBias,
        ["attention_dropout"] = Real(0),
        ["mlp_bias"] = MlpBias,
        ["tie_word_embeddings"] = TieWordEmbeddings,
        ["initializer_range"] = Real(InitializerRange),
        ["bos_token_id"] = BosTokenId,
        ["eos_token_id"] = EosTokenId,
        ["pad_token_id"] = PadTokenId,
        ["pretraining_tp"] = 1,
        ["dtype"] = "float32",
        ["torch_dtype"] = "float32",
        ["use_cache"] = true,
    };

    // With a point or an exponent: other libraries refuse a whole number where they expect a real one.
    private static JsonNode Real(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return JsonNode.Parse(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0")!;
    }

    /// <inheritdoc/>
    public override void Validate(string source)
    {
        base.Validate(source);
        if (HeadDim % 2 != 0) throw new CratonException($"{source}: head_dim is {HeadDim}, expected an even number, since rotary positions turn pairs");
        if (SlidingWindow < 1) throw new CratonException($"{source}: sliding_window is {SlidingWindow}, expected 1 or more");
        Experts?.Validate(source, NumHiddenLayers);
    }
}

/// <summary>A mixture of experts.</summary>
public sealed record ExpertSettings
{
    private const int MostExperts = 1 << 16;

    internal ExpertSettings(ConfigReader read, int layers)
    {
        IsMixtral = read.ModelType == "mixtral";
        Count = read.Int("num_local_experts", "num_experts");
        Chosen = read.IntOr(IsMixtral ? 2 : 8, "num_experts_per_tok");
        IntermediateSize = IsMixtral ? read.Int("intermediate_size") : read.Int("moe_intermediate_size");
        Normalize = IsMixtral || read.Flag("norm_topk_prob");
        int[] dense = read.Ints("mlp_only_layers") ?? [];
        int step = Math.Max(1, read.IntOr(1, "decoder_sparse_step"));
        Layers = [.. Enumerable.Range(0, Math.Clamp(layers, 0, MostExperts)).Select(i => IsMixtral || (!dense.Contains(i) && (i + 1) % step == 0))];
    }

    /// <summary>Whether names and layout are Mixtral's, not Qwen's.</summary>
    public bool IsMixtral { get; }

    /// <summary>Number of experts.</summary>
    public int Count { get; }

    /// <summary>How many compute a token.</summary>
    public int Chosen { get; }

    /// <summary>Width inside an expert.</summary>
    public int IntermediateSize { get; }

    /// <summary>Whether the weights of the chosen ones are scaled to a sum of 1.</summary>
    public bool Normalize { get; }

    /// <summary>For every layer, whether it has experts.</summary>
    public IReadOnlyList<bool> Layers { get; }

    internal void Validate(string source, int layers)
    {
        if (Count < 1 || (long)Count * layers > MostExperts) throw new CratonException($"{source}: num_experts is {Count}, expected 1 to {MostExperts} in all layers together");
        if (Chosen < 1 || Chosen > Count) throw new CratonException($"{source}: num_experts_per_tok is {Chosen}, expected 1 to {Count}, the number of experts");
        if (IntermediateSize < 1 || IntermediateSize > 1 << 20) throw new CratonException($"{source}: the experts' intermediate size is {IntermediateSize}, expected 1 to {1 << 20}");
    }
}
