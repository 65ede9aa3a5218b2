using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;

namespace Craton.Models.Gguf;

/// <summary>A GGUF file as a Hugging Face model: tensors and settings under the names of the family, rows in its order.</summary>
internal sealed class GgufWeights : ModelWeights
{
    /// <summary>Tensors of what rotary frequencies are divided by.</summary>
    public const string RopeFactors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";

    private const int MostExperts = 1 << 12;

    private readonly GgufFile _file;
    private readonly GgufArchitecture _architecture;
    private readonly Dictionary<string, Stored> _tensors = new(StringComparer.Ordinal);
    private readonly int _queryHeads, _keyHeads;

    public GgufWeights(string path)
    {
        _file = GgufFile.Open(path);
        try
        {
            string name = _file.Find("general.architecture")?.Content as string
                ?? throw new CratonException($"{path}: general.architecture is missing, expected the name of a family; this file holds no model");
            _architecture = GgufArchitecture.Of(name, _file.Contains)
                ?? throw new CratonException($"{path}: general.architecture is '{name}', expected one of {string.Join(", ", GgufArchitecture.All.Select(a => a.Name).Distinct())}; this family is not supported yet");
            _queryHeads = (int)(Integer("attention.head_count") ?? 1);
            _keyHeads = (int)(Integer("attention.head_count_kv") ?? _queryHeads);
            Map();
            Config = MakeConfig();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public override string Path => _file.Path;

    public override JsonObject Config { get; }

    public override IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Tensors => [.. _tensors.Select(t => (t.Key, t.Value.Shape))];

    /// <summary>The file.</summary>
    public GgufFile File => _file;

    public override void Read(string name, Span<float> values)
    {
        Stored stored = _tensors[name];
        GgufEntry entry = stored.Entry;
        switch (stored.Transform)
        {
            case GgufTransform.QueryHeads or GgufTransform.KeyHeads or GgufTransform.GroupedQkv when entry.Shape.Count == 2:
                int length = (int)entry.RowLength;
                for (int row = 0; row < values.Length / length; row++)
                    _file.ReadFloats(entry, values.Slice(row * length, length), StoredRow(stored, row) * length);
                break;
            case GgufTransform.QueryHeads or GgufTransform.KeyHeads or GgufTransform.GroupedQkv:
                float[] vector = Whole(entry);
                for (int i = 0; i < vector.Length; i++) values[i] = vector[StoredRow(stored, i)];
                break;
            case GgufTransform.Transposed:
                float[] matrix = Whole(entry);
                int rows = (int)entry.Shape[0], columns = (int)entry.Shape[1];
                for (int i = 0; i < matrix.Length; i++) values[i] = matrix[i % rows * columns + i / rows];
                break;
            default:
                _file.ReadFloats(entry, values, StoredRow(stored, 0) * entry.RowLength);
                for (int i = 0; i < values.Length && stored.Transform == GgufTransform.PlusOne; i++) values[i] -= 1;
                break;
        }
    }

    private float[] Whole(GgufEntry entry)
    {
        float[] values = new float[entry.Count];
        _file.ReadFloats(entry, values);
        return values;
    }

    public override QuantizedMatrix? ReadBlocks(string name, bool transposed)
    {
        Stored stored = _tensors[name];
        (GgufEntry entry, IReadOnlyList<long> shape) = (stored.Entry, stored.Shape);
        if (shape.Count != 2 || shape[0] > int.MaxValue || entry.RowLength > int.MaxValue || !QuantizedMatrix.Supports(entry.Type, entry.RowLength)
            || stored.Transform == GgufTransform.PlusOne || transposed != (stored.Transform == GgufTransform.Transposed)) return null;
        return QuantizedMatrix.FromBlocks(entry.Type, (int)(transposed ? shape[1] : shape[0]), (int)entry.RowLength,
            (row, blocks) => _file.Read(entry, blocks, StoredRow(stored, row) * blocks.Length));
    }

    public override bool HasSixteenBits(string name) => _tensors[name].Entry.Type is BlockType.BF16 or BlockType.F16;

    protected override void Dispose(bool disposing) => _file.Dispose();

    // Also where the file has one tensor for all experts.
    private long StoredRow(Stored stored, long row) => stored.Expert > 0
        ? stored.Expert * stored.Shape[0] + row
        : GgufRows.Stored(stored.Transform, row, stored.Entry.Shape.Count == 0 ? 1 : stored.Entry.Shape[0], _queryHeads, _keyHeads);

    private void Map()
    {
        foreach (GgufEntry entry in _file.Tensors)
        {
            if (entry.Name is RopeFactors or LongFactors or ShortFactors) continue; // settings, not weights
            GgufName name = _architecture.Find(entry.Name)
                ?? throw new CratonException($"{Path}: tensor '{entry.Name}' is not one that '{_architecture.Name}' has; this variant is not supported yet");
            long rows = entry.Shape.Count == 0 ? 1 : entry.Shape[0];
            if (!GgufRows.Fit(name.Transform, rows, _queryHeads, _keyHeads))
                throw new CratonException($"{Path}: tensor '{entry.Name}' has {rows} rows, expected some that divide among {_queryHeads} query and {_keyHeads} key heads; the file is damaged");
            int dimensions = name.Transform switch { GgufTransform.Transposed => 2, GgufTransform.Experts => 3, _ => entry.Shape.Count };
            if (entry.Shape.Count != dimensions || (dimensions == 3 && rows > MostExperts))
                throw new CratonException($"{Path}: tensor '{entry.Name}' has the shape [{string.Join(", ", entry.Shape)}], expected {dimensions} dimensions and at most {MostExperts} experts; the file is damaged");
            if (name.Transform != GgufTransform.Experts) Add(name.HuggingFace, new Stored(entry, name.Transform, 0));
            else for (int expert = 0; expert < rows; expert++) Add(GgufArchitecture.Filled(name.HuggingFace, [expert.ToString(CultureInfo.InvariantCulture)]), new Stored(entry, name.Transform, expert));
        }

        void Add(string name, Stored stored)
        {
            if (!_tensors.TryAdd(name, stored)) throw new CratonException($"{Path}: tensor '{stored.Entry.Name}' is there under another name too; the file is damaged");
        }
    }

    private JsonObject MakeConfig()
    {
        var config = new JsonObject { ["architectures"] = new JsonArray(_architecture.ClassName), ["model_type"] = _architecture.ModelType };
        foreach ((string gguf, string huggingFace) in _architecture.Settings)
            if (Metadata(gguf) is { } value && Number(value) is { } number) config[huggingFace] = number;
        foreach ((string key, string json) in _architecture.Fixed) config[key] = JsonNode.Parse(json);
        foreach ((string key, string name) in new[] { ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("padding", "pad_token_id") })
            if (_file.Find($"tokenizer.ggml.{key}_token_id") is { } id && id.AsInteger() is { } number and >= 0 and < int.MaxValue) config[name] = number; // 2^32 − 1 means none
        if (_file.Contains("token_embd.weight")) config["vocab_size"] = _file["token_embd.weight"].Shape[0];
        config["tie_word_embeddings"] = !_file.Contains("output.weight");
        config["attention_bias"] = _file.Contains("blk.0.attn_q.bias");
        config["mlp_bias"] = _file.Contains("blk.0.ffn_up.bias");
        if (_file.Contains("token_types.weight")) config["type_vocab_size"] = _file["token_types.weight"].Shape[0];
        AddFamily(config);
        AddRope(config);
        return JsonNode.Parse(config.ToJsonString())!.AsObject(); // as if it had been read: numbers convert to what is asked for
    }

    // What a family's settings follow from.
    private void AddFamily(JsonObject config)
    {
        switch (_architecture.ModelType)
        {
            case "gemma" or "gemma2" or "gemma3_text":
                // The file does not say by what scores are divided: it is √ of the head's size.
                config["head_dim"] = HeadSize();
                if (_architecture.Name != "gemma") config["query_pre_attn_scalar"] = HeadSize();
                break;
            case "llama" when config.ContainsKey("sliding_window"):
                (config["model_type"], config["architectures"]) = ("mistral", new JsonArray("MistralForCausalLM"));
                break;
            case "mixtral":
                config["num_local_experts"] = config["num_experts"]?.DeepClone();
                break;
            case "qwen3_moe":
                config["mlp_only_layers"] = new JsonArray([.. Enumerable.Range(0, (int)(Integer("block_count") ?? 0)).Where(i => !_file.Contains($"blk.{i}.ffn_gate_inp.weight")).Select(i => (JsonNode)i)]);
                break;
            case "starcoder2":
                config["use_bias"] = _file.Contains("blk.0.attn_output.bias");
                break;
            case "gpt_neox":
                config["attention_bias"] = _file.Contains("blk.0.attn_qkv.bias");
                break;
        }
        bool isPartial = Metadata("rope.dimension_count") is not null && Integer("rope.dimension_count") != HeadSize();
        if (isPartial && _architecture.Name != "gptj") config["partial_rotary_factor"] = Share(Integer("rope.dimension_count")!.Value, HeadSize());
        else if (config.ContainsKey("rope_theta") && _architecture.ModelType is "phi" or "gpt_neox") config["partial_rotary_factor"] = Shortest(1);
    }

    private long HeadSize() => (Integer("attention.key_length") ?? (Integer("embedding_length") ?? 0) / _queryHeads) is > 0 and var size
        ? size
        : throw new CratonException($"{Path}: {_architecture.Name}.embedding_length is missing or smaller than the {_queryHeads} heads; the file is damaged");

    // Other libraries round the product of both down.
    private static double Share(long part, long whole)
    {
        double share = (double)part / whole;
        return (long)(whole * share) < part ? Math.BitIncrement(share) : share;
    }

    private void AddRope(JsonObject config)
    {
        if (!config.ContainsKey("rope_theta") && Array.Exists(_architecture.Settings, s => s.Gguf == "rope.freq_base")) config["rope_theta"] = Shortest(10000);
        string? type = (Metadata("rope.scaling.type")?.Content as string) is { } scaling and not "none" ? scaling : null;
        if (_file.Contains(RopeFactors))
        {
            // What the frequencies are divided by, pair for pair: Llama 3's scaling, worked out.
            config["rope_scaling"] = LongRope(RopeFactors, RopeFactors, config["max_position_embeddings"], Shortest(1));
        }
        else if (_file.Contains(LongFactors) && _file.Contains(ShortFactors))
        {
            config["rope_scaling"] = LongRope(ShortFactors, LongFactors, config["original_max_position_embeddings"], Metadata("rope.scaling.attn_factor") is { } factor ? Number(factor) : null);
        }
        else if (type is not null)
        {
            var rope = new JsonObject { ["rope_type"] = type };
            foreach ((string gguf, string huggingFace) in new[] { ("factor", "factor"), ("original_context_length", "original_max_position_embeddings"), ("attn_factor", "attention_factor") })
                if (Metadata($"rope.scaling.{gguf}") is { } value && Number(value) is { } number) rope[huggingFace] = number;
            config["rope_scaling"] = rope;
        }
    }

    private JsonObject LongRope(string shortFactors, string longFactors, JsonNode? context, JsonNode? attentionFactor)
    {
        var rope = new JsonObject
        {
            ["rope_type"] = "longrope",
            ["short_factor"] = new JsonArray([.. Whole(_file[shortFactors]).Select(Shortest)]),
            ["long_factor"] = new JsonArray([.. Whole(_file[longFactors]).Select(Shortest)]),
            ["original_max_position_embeddings"] = context?.DeepClone(),
        };
        if (attentionFactor is not null) rope["attention_factor"] = attentionFactor;
        return rope;
    }

    private GgufValue? Metadata(string key) => _file.Find($"{_architecture.Name}.{key}");

    private long? Integer(string key)
    {
        long? value = Metadata(key)?.AsInteger();
        return value is < 1 or > 1 << 20 ? throw new CratonException($"{Path}: {_architecture.Name}.{key} is {value}, expected 1 to {1 << 20}; the file is damaged") : value;
    }

    private static JsonNode? Number(GgufValue value) => value.Content switch
    {
        float single => Shortest(single),
        double number => JsonValue.Create(double.IsFinite(number) ? number : 0.0),
        bool flag => JsonValue.Create(flag),
        _ => value.AsInteger() is { } integer ? JsonValue.Create(integer) : null,
    };

    // 1e-05 in single precision is 1e-05 in a configuration, not 9.999999747378752e-06.
    // And with a point or an exponent: other libraries refuse a whole number where they expect a real one.
    private static JsonNode Shortest(float value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return float.IsFinite(value) ? JsonNode.Parse(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0")! : JsonValue.Create(0.0);
    }

    // A tensor as the file has it; of one for all experts, the part of one.
    private sealed record Stored(GgufEntry Entry, GgufTransform Transform, int Expert)
    {
        public IReadOnlyList<long> Shape { get; } = Transform switch
        {
            GgufTransform.Transposed => [.. Entry.Shape.Reverse()],
            GgufTransform.Experts => [.. Entry.Shape.Skip(1)],
            _ => Entry.Shape,
        };
    }
}
