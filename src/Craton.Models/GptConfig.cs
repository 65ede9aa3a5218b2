using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>
/// The shape of a <see cref="Gpt"/>. On disk it is Hugging Face's <c>config.json</c> of a <c>LlamaForCausalLM</c>, or of a
/// <c>Qwen3ForCausalLM</c> when queries and keys are normalised, so that other libraries open what is trained here.
/// </summary>
public sealed record GptConfig
{
    /// <summary>Number of token ids.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the feed-forward layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Number of key and value heads; several query heads share one (Ainslie et al. 2023).</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>Width of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Longest sequence.</summary>
    public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Added to the mean square in the norms.</summary>
    public double RmsNormEps { get; init; } = 1e-5;

    /// <summary>Whether the output projection is the embedding table.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Whether queries and keys are normalised per head before rotation (Henry et al. 2020).</summary>
    public bool QkNorm { get; init; }

    /// <summary>Whether the attention projections have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the feed-forward projections have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Standard deviation of initial weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id that begins a text, or null.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Id that ends a text or a turn, or null.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>Id that fills free places of a batch, or null.</summary>
    public int? PadTokenId { get; init; }

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

    /// <summary>Trained values, the embedding table counted once when tied.</summary>
    public long ParameterCount
    {
        get
        {
            long attention = (long)HiddenSize * HeadDim * (2 * NumAttentionHeads + 2 * NumKeyValueHeads);
            long block = attention + 3L * HiddenSize * IntermediateSize + 2L * HiddenSize + (QkNorm ? 2 * HeadDim : 0);
            return NumHiddenLayers * block + HiddenSize + (long)VocabSize * HiddenSize * (TieWordEmbeddings ? 1 : 2);
        }
    }

    /// <summary>Reads <c>config.json</c>, in the newer or the older spelling.</summary>
    /// <exception cref="CratonException">The file is no configuration of this family, or a value is missing or out of range.</exception>
    public static GptConfig Load(string file) => Parse(file, JsonFile.Read(file));

    /// <summary>Reads the content of a <c>config.json</c>.</summary>
    /// <param name="file">Where it is from, for errors.</param>
    /// <param name="root">The object.</param>
    public static GptConfig Parse(string file, JsonElement root)
    {
        string type = root.TryGetProperty("model_type", out JsonElement t) ? t.GetString() ?? "" : "";
        if (type is not ("llama" or "qwen3"))
            throw new CratonException($"{file}: model_type is '{type}', expected 'llama' or 'qwen3'; this family cannot be opened as a Gpt");
        var read = new ConfigReader(file, root);
        int hidden = read.Int("hidden_size"), heads = read.Int("num_attention_heads");
        if (root.TryGetProperty("rope_scaling", out JsonElement scaling) && scaling.ValueKind == JsonValueKind.Object
            && !(scaling.TryGetProperty("rope_type", out JsonElement plain) && plain.ValueEquals("default")))
            throw new CratonException($"{file}: rope_scaling is set, expected unscaled rotary positions; such models are not supported yet");
        JsonElement rope = root.TryGetProperty("rope_parameters", out JsonElement r) && r.ValueKind == JsonValueKind.Object ? r : root;
        if (rope.TryGetProperty("rope_type", out JsonElement kind) && kind.GetString() != "default")
            throw new CratonException($"{file}: rope_type is '{kind.GetString()}', expected 'default'; scaled rotary positions are not supported yet");
        if (root.TryGetProperty("layer_types", out JsonElement types) && types.ValueKind == JsonValueKind.Array && types.EnumerateArray().Any(e => e.ToString() != "full_attention"))
            throw new CratonException($"{file}: layer_types has layers other than 'full_attention'; attention windows are not supported yet");
        if (read.Flag("use_sliding_window")) throw new CratonException($"{file}: use_sliding_window is set; attention windows are not supported yet");
        if (new ConfigReader(file, rope).Number("partial_rotary_factor", 1) != 1)
            throw new CratonException($"{file}: partial_rotary_factor is set, expected heads that are rotated as a whole; such models are not supported yet");
        if (root.TryGetProperty("hidden_act", out JsonElement act) && act.GetString() != "silu")
            throw new CratonException($"{file}: hidden_act is '{act.GetString()}', expected 'silu'");
        var config = new GptConfig
        {
            VocabSize = read.Int("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = read.Int("intermediate_size"),
            NumHiddenLayers = read.Int("num_hidden_layers"),
            NumAttentionHeads = heads,
            NumKeyValueHeads = read.Int("num_key_value_heads", heads),
            HeadDim = read.Int("head_dim", hidden / Math.Max(1, heads)),
            MaxPositionEmbeddings = read.Int("max_position_embeddings"),
            RopeTheta = new ConfigReader(file, rope).Number("rope_theta", 10000),
            RmsNormEps = read.Number("rms_norm_eps", 1e-6),
            TieWordEmbeddings = read.Flag("tie_word_embeddings"),
            QkNorm = type == "qwen3",
            AttentionBias = read.Flag("attention_bias"),
            MlpBias = read.Flag("mlp_bias"),
            InitializerRange = read.Number("initializer_range", 0.02),
            BosTokenId = read.Id("bos_token_id"),
            EosTokenId = read.Id("eos_token_id"),
            PadTokenId = read.Id("pad_token_id"),
        };
        config.Validate(file);
        return config;
    }

    /// <summary>Writes <c>config.json</c>, in the newer and the older spelling at once: rotary positions and the type of the weights.</summary>
    public JsonObject ToJson() => new()
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

    /// <summary>Refuses sizes that cannot be computed with, before memory is asked for.</summary>
    public void Validate(string source)
    {
        Positive(VocabSize, "vocab_size", 1 << 24);
        Positive(HiddenSize, "hidden_size", 1 << 17);
        Positive(IntermediateSize, "intermediate_size", 1 << 20);
        Positive(NumHiddenLayers, "num_hidden_layers", 1 << 10);
        Positive(NumAttentionHeads, "num_attention_heads", 1 << 12);
        Positive(NumKeyValueHeads, "num_key_value_heads", 1 << 12);
        Positive(HeadDim, "head_dim", 1 << 12);
        Positive(MaxPositionEmbeddings, "max_position_embeddings", 1 << 24);
        if (NumAttentionHeads % NumKeyValueHeads != 0)
            throw new CratonException($"{source}: num_attention_heads is {NumAttentionHeads}, expected a multiple of num_key_value_heads ({NumKeyValueHeads})");
        if (HeadDim % 2 != 0) throw new CratonException($"{source}: head_dim is {HeadDim}, expected an even number, since rotary positions turn pairs");

        void Positive(int value, string name, int most)
        {
            if (value < 1 || value > most) throw new CratonException($"{source}: {name} is {value}, expected 1 to {most}");
        }
    }

    private readonly struct ConfigReader(string file, JsonElement root)
    {
        public int Int(string name, int? otherwise = null) =>
            root.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int value) ? value
            : e.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null && otherwise is { } d ? d
            : throw new CratonException($"{file}: {name}: expected an integer, got {Describe(e)}");

        public double Number(string name, double otherwise) =>
            !root.TryGetProperty(name, out JsonElement e) || e.ValueKind == JsonValueKind.Null ? otherwise
            : e.ValueKind == JsonValueKind.Number && e.GetDouble() is > 0 and < double.PositiveInfinity and var value ? value
            : throw new CratonException($"{file}: {name}: expected a positive number, got {Describe(e)}");

        public bool Flag(string name) =>
            root.TryGetProperty(name, out JsonElement e) && e.ValueKind is not (JsonValueKind.Null or JsonValueKind.False)
            && (e.ValueKind == JsonValueKind.True ? true : throw new CratonException($"{file}: {name}: expected true or false, got {Describe(e)}"));

        // Some configurations list several end ids: the first is the one that ends a text.
        public int? Id(string name) =>
            !root.TryGetProperty(name, out JsonElement e) ? null
            : e.ValueKind == JsonValueKind.Number ? e.GetInt32()
            : e.ValueKind == JsonValueKind.Array && e.GetArrayLength() > 0 ? e[0].GetInt32()
            : null;

        private static string Describe(JsonElement e) => e.ValueKind == JsonValueKind.Undefined ? "nothing" : e.GetRawText();
    }
}
