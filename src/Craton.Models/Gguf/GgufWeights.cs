using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;

namespace Craton.Models.Gguf;

/// <summary>A GGUF file as a Hugging Face model: tensors and settings under the names of the family, rows in its order.</summary>
internal sealed class GgufWeights : ModelWeights
{
    private const string RopeFactors = "rope_freqs.weight";

    private readonly GgufFile _file;
    private readonly GgufArchitecture _architecture;
    private readonly Dictionary<string, (GgufEntry Entry, GgufTransform Transform)> _tensors = new(StringComparer.Ordinal);
    private readonly int _queryHeads, _keyHeads;

    public GgufWeights(string path)
    {
        _file = GgufFile.Open(path);
        try
        {
            string name = _file.Find("general.architecture")?.Content as string
                ?? throw new CratonException($"{path}: general.architecture is missing, expected the name of a family; this file holds no model");
            _architecture = Array.Find(GgufArchitecture.All, a => a.Name == name)
                ?? throw new CratonException($"{path}: general.architecture is '{name}', expected one of {string.Join(", ", GgufArchitecture.All.Select(a => a.Name))}; this family is not supported yet");
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

    public override IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Tensors =>
        [.. _tensors.Select(t => (t.Key, ShapeOf(t.Value.Entry, t.Value.Transform)))];

    /// <summary>The file.</summary>
    public GgufFile File => _file;

    public override void Read(string name, Span<float> values)
    {
        (GgufEntry entry, GgufTransform transform) = _tensors[name];
        switch (transform)
        {
            case GgufTransform.QueryHeads or GgufTransform.KeyHeads when entry.Shape.Count == 2:
                int length = (int)entry.RowLength;
                for (int row = 0; row < values.Length / length; row++)
                    _file.ReadFloats(entry, values.Slice(row * length, length), StoredRow(entry, transform, row) * length);
                break;
            case GgufTransform.QueryHeads or GgufTransform.KeyHeads:
                float[] vector = Stored(entry);
                for (int i = 0; i < vector.Length; i++) values[i] = vector[StoredRow(entry, transform, i)];
                break;
            case GgufTransform.Transposed:
                float[] matrix = Stored(entry);
                int rows = (int)entry.Shape[0], columns = (int)entry.Shape[1];
                for (int i = 0; i < matrix.Length; i++) values[i] = matrix[i % rows * columns + i / rows];
                break;
            default:
                _file.ReadFloats(entry, values);
                for (int i = 0; i < values.Length && transform == GgufTransform.PlusOne; i++) values[i] -= 1;
                break;
        }
    }

    private float[] Stored(GgufEntry entry)
    {
        float[] values = new float[entry.Count];
        _file.ReadFloats(entry, values);
        return values;
    }

    public override QuantizedMatrix? ReadBlocks(string name, bool transposed)
    {
        (GgufEntry entry, GgufTransform transform) = _tensors[name];
        if (entry.Shape.Count != 2 || entry.Shape[0] > int.MaxValue || entry.RowLength > int.MaxValue || !QuantizedMatrix.Supports(entry.Type, entry.RowLength)
            || transform == GgufTransform.PlusOne || transposed != (transform == GgufTransform.Transposed)) return null;
        return QuantizedMatrix.FromBlocks(entry.Type, (int)entry.Shape[0], (int)entry.RowLength,
            (row, blocks) => _file.Read(entry, blocks, StoredRow(entry, transform, row) * blocks.Length));
    }

    protected override void Dispose(bool disposing) => _file.Dispose();

    private static IReadOnlyList<long> ShapeOf(GgufEntry entry, GgufTransform transform) => transform == GgufTransform.Transposed ? [.. entry.Shape.Reverse()] : entry.Shape;

    private void Map()
    {
        foreach (GgufEntry entry in _file.Tensors)
        {
            if (entry.Name is RopeFactors or "rope_factors_long.weight" or "rope_factors_short.weight") continue; // settings, not weights
            GgufName name = _architecture.Find(entry.Name)
                ?? throw new CratonException($"{Path}: tensor '{entry.Name}' is not one that '{_architecture.Name}' has; this variant is not supported yet");
            int heads = name.Transform == GgufTransform.QueryHeads ? _queryHeads : name.Transform == GgufTransform.KeyHeads ? _keyHeads : 0;
            if (heads != 0 && (heads < 0 || entry.Shape.Count == 0 || entry.Shape[0] % (2L * heads) != 0))
                throw new CratonException($"{Path}: tensor '{entry.Name}' has {(entry.Shape.Count == 0 ? 1 : entry.Shape[0])} rows, expected pairs of rows for {heads} heads; the file is damaged");
            if (name.Transform == GgufTransform.Transposed && entry.Shape.Count != 2) throw new CratonException($"{Path}: tensor '{entry.Name}' has {entry.Shape.Count} dimensions, expected 2; the file is damaged");
            _tensors.Add(name.HuggingFace, (entry, name.Transform));
        }
    }

    // Row r of a head lies at 2r, and row r + d/2 behind it.
    private long StoredRow(GgufEntry entry, GgufTransform transform, long row)
    {
        if (transform is not (GgufTransform.QueryHeads or GgufTransform.KeyHeads)) return row;
        long size = entry.Shape[0] / (transform == GgufTransform.QueryHeads ? _queryHeads : _keyHeads), head = row / size, inside = row % size;
        return head * size + (inside < size / 2 ? 2 * inside : 2 * (inside - size / 2) + 1);
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
        if (_architecture.Name.StartsWith("gemma", StringComparison.Ordinal))
        {
            // The file does not say by what scores are divided: it is √ of the head's size.
            long head = Integer("attention.key_length") ?? (Integer("embedding_length") ?? 0) / _queryHeads;
            config["head_dim"] = head;
            if (_architecture.Name != "gemma") config["query_pre_attn_scalar"] = head;
        }
        AddRope(config);
        return JsonNode.Parse(config.ToJsonString())!.AsObject(); // as if it had been read: numbers convert to what is asked for
    }

    private void AddRope(JsonObject config)
    {
        if (!config.ContainsKey("rope_theta") && Array.Exists(_architecture.Settings, s => s.Gguf == "rope.freq_base")) config["rope_theta"] = Shortest(10000);
        string? type = (Metadata("rope.scaling.type")?.Content as string) is { } scaling and not "none" ? scaling : null;
        if (_file.Contains(RopeFactors))
        {
            // What the frequencies are divided by, pair for pair: Llama 3's scaling, worked out.
            float[] factors = new float[_file[RopeFactors].Count];
            _file.ReadFloats(_file[RopeFactors], factors);
            config["rope_scaling"] = new JsonObject
            {
                ["rope_type"] = "longrope",
                ["short_factor"] = new JsonArray([.. factors.Select(Shortest)]),
                ["long_factor"] = new JsonArray([.. factors.Select(Shortest)]),
                ["attention_factor"] = Shortest(1),
                ["original_max_position_embeddings"] = config["max_position_embeddings"]?.DeepClone(),
            };
        }
        else if (type is not null)
        {
            var rope = new JsonObject { ["rope_type"] = type };
            foreach ((string gguf, string huggingFace) in new[] { ("factor", "factor"), ("original_context_length", "original_max_position_embeddings"), ("attn_factor", "attention_factor") })
                if (Metadata($"rope.scaling.{gguf}") is { } value && Number(value) is { } number) rope[huggingFace] = number;
            config["rope_scaling"] = rope;
        }
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
        double number => JsonValue.Create(number),
        _ => value.AsInteger() is { } integer ? JsonValue.Create(integer) : null,
    };

    // 1e-05 in single precision is 1e-05 in a configuration, not 9.999999747378752e-06.
    // And with a point or an exponent: other libraries refuse a whole number where they expect a real one.
    private static JsonNode Shortest(float value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return float.IsFinite(value) ? JsonNode.Parse(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0")! : JsonValue.Create(0.0);
    }
}
