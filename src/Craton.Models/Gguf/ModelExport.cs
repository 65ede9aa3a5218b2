using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Models.Adapters;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;

namespace Craton.Models.Gguf;

/// <summary>Writes models in the layout that other programs open: one GGUF file, or a Hugging Face directory.</summary>
public static class ModelExport
{
    /// <summary>Writes a GGUF file, its matrices in the type asked for.</summary>
    /// <remarks>
    /// Vectors stay F32. Matrices whose rows are no whole blocks of the type become Q8_0, or F16 when they are not whole blocks of that either. The
    /// embedding and the output matrix keep at least 6 bits, as they cost most when rounded.
    /// </remarks>
    /// <param name="source">A model directory or a GGUF file.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="type">The type of the matrices.</param>
    /// <returns>Bytes of the file.</returns>
    /// <exception cref="CratonException">The source is damaged, or of a family that GGUF has no name for here.</exception>
    public static long ToGguf(string source, string path, BlockType type)
    {
        using ModelWeights weights = ModelWeights.Open(source);
        return ToGguf(weights, path, type);
    }

    /// <summary>Writes weights that lie anywhere as a GGUF file; the rules are those of <see cref="ToGguf(string, string, BlockType)"/>.</summary>
    /// <param name="weights">What to write; a tokenizer is taken from its folder if there is one.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="type">The type of the matrices.</param>
    /// <returns>Bytes of the file.</returns>
    public static long ToGguf(ModelWeights weights, string path, BlockType type)
    {
        string source = weights.Path;
        if (!Blocks.CanQuantize(type)) throw new CratonException($"--type: expected F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K, got {type}, which is only read");
        string family = (string?)weights.Config["model_type"] ?? "";
        GgufArchitecture architecture = Array.Find(GgufArchitecture.All, a => a.ModelType == family || (a.Name == "llama" && family == "mistral"))
            ?? throw new CratonException($"'{source}': models of type '{family}' cannot be written as GGUF yet; expected one of {string.Join(", ", GgufArchitecture.All.Select(a => a.ModelType))}");
        if (weights.Config["query_pre_attn_scalar"] is { } scalar && (double)scalar != HeadSize(weights))
            throw new CratonException($"'{source}': query_pre_attn_scalar is {scalar}, expected the size of a head, {HeadSize(weights)}: GGUF cannot say another one");
        bool isTied = !weights.Tensors.Any(t => t.Name == "lm_head.weight") || (bool?)weights.Config["tie_word_embeddings"] == true;
        GgufSource[] tensors = [.. weights.Tensors.Where(t => !(isTied && t.Name == "lm_head.weight")).Select(t => Source(weights, architecture, t.Name, t.Shape, type))];
        if (architecture.Name == "llama" && RopeFactors(weights) is { } factors)
            tensors = [GgufSource.FromRows("rope_freqs.weight", BlockType.F32, [factors.Length], (_, row) => factors.CopyTo(row)), .. tensors];
        List<KeyValuePair<string, GgufValue>> metadata = Metadata(weights, architecture, type, tensors, Path.GetFileNameWithoutExtension(path));
        GgufWriter.Save(path, metadata, tensors);
        return new FileInfo(path).Length;
    }

    /// <summary>Writes a Hugging Face directory: weights in F32, configuration, tokenizer.</summary>
    /// <param name="source">A GGUF file or a model directory.</param>
    /// <param name="directory">The directory to write: new or empty.</param>
    /// <exception cref="CratonException">The source is damaged, or the directory holds files.</exception>
    public static void ToDirectory(string source, string directory)
    {
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
            throw new CratonException($"'{directory}' holds files, and writing a model would replace them; give a new or empty folder");
        using ModelWeights weights = ModelWeights.Open(source);
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. weights.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => new TensorSource(t.Name, DType.F32, t.Shape, stream => Write(stream, ReadAll(weights, t.Name, t.Shape))))];
        folder.Write(SafetensorsModel.FileName, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        var config = (JsonObject)weights.Config.DeepClone();
        config["dtype"] = "float32";
        config["torch_dtype"] = "float32"; // the older spelling
        JsonFile.Write(folder, "config.json", config);
        if (weights is GgufWeights gguf)
        {
            if (gguf.File.Find("tokenizer.ggml.model")?.Content is not (null or "no_vocab"))
            {
                (JsonObject tokenizer, JsonObject tokenizerConfig) = GgufTokenizer.ToJson(gguf.File);
                JsonFile.Write(folder, "tokenizer.json", tokenizer);
                JsonFile.Write(folder, "tokenizer_config.json", tokenizerConfig);
            }
        }
        else
        {
            foreach (string file in Directory.EnumerateFiles(source).Where(f => Path.GetExtension(f) is ".json" or ".txt" or ".jinja" or ".model" && Path.GetFileName(f) is not ("config.json" or "craton.json" or SafetensorsModel.IndexName)))
                folder.Write(Path.GetFileName(file), stream => stream.Write(File.ReadAllBytes(file)));
        }
        folder.Commit();
    }

    /// <summary>Writes a Hugging Face directory of a model with an adapter merged into its weights, in the type that they had.</summary>
    /// <param name="source">A model directory.</param>
    /// <param name="adapter">The adapter's directory.</param>
    /// <param name="directory">The directory to write: new, empty, or a model that is replaced.</param>
    /// <exception cref="CratonException">Something is damaged or does not belong together, or weights cannot express the adapter.</exception>
    public static void Merge(string source, string adapter, string directory)
    {
        TextModel text = TextModel.Load(source);
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["base_model"] = ModelDirectory.HashWeights(text.Model) };
        (text, PeftAdapter attached) = text.WithAdapter(adapter);
        hashes["adapter"] = ModelDirectory.HashWeights(attached);
        attached.Merge();
        var card = new ModelCard { Kind = "merge", BaseModel = source, Hashes = hashes };
        ModelDirectory.Save(directory, text.Model, text.Tokenizer is MissingTokenizer ? null : text.Tokenizer, card, text.Model.Source?.Type ?? DType.F32);
    }

    private static GgufSource Source(ModelWeights weights, GgufArchitecture architecture, string name, IReadOnlyList<long> shape, BlockType asked)
    {
        GgufName mapped = architecture.FindHuggingFace(name) ?? architecture.FindHuggingFace("model." + name) ?? architecture.FindHuggingFace("transformer." + name)
            ?? throw new CratonException($"{weights.Path}: tensor '{name}' has no name in GGUF's '{architecture.Name}'; this variant cannot be written yet");
        long[] stored = mapped.Transform == GgufTransform.Transposed ? [.. shape.Reverse()] : [.. shape];
        bool isPlain = shape.Count == 1 || mapped.Gguf is "position_embd.weight" or "token_types.weight";
        BlockType type = isPlain ? BlockType.F32 : TypeFor(mapped.Gguf, stored[^1], asked);
        return new GgufSource(mapped.Gguf, type, stored, stream =>
        {
            float[] values = Arranged(weights, mapped.Transform, name, shape);
            int row = (int)stored[^1];
            byte[] blocks = new byte[type.ByteCount(row)];
            for (int at = 0; at < values.Length; at += row)
            {
                Blocks.Quantize(type, values.AsSpan(at, row), blocks);
                stream.Write(blocks);
            }
        });
    }

    private static BlockType TypeFor(string name, long row, BlockType asked)
    {
        bool isWide = asked is BlockType.Q4_0 or BlockType.Q4_1 or BlockType.Q4_K or BlockType.Q5_K or BlockType.Q5_0 or BlockType.Q5_1 && name is "token_embd.weight" or "output.weight";
        BlockType type = isWide ? BlockType.Q6_K : asked;
        return row % type.BlockValues() == 0 ? type : row % BlockType.Q8_0.BlockValues() == 0 ? BlockType.Q8_0 : BlockType.F16;
    }

    // The values in the order of the file: the inverse of what GgufWeights does.
    private static float[] Arranged(ModelWeights weights, GgufTransform transform, string name, IReadOnlyList<long> shape)
    {
        float[] values = ReadAll(weights, name, shape), arranged = values;
        switch (transform)
        {
            case GgufTransform.PlusOne:
                for (int i = 0; i < values.Length; i++) values[i] += 1;
                break;
            case GgufTransform.Transposed:
                arranged = new float[values.Length];
                DecoderWeights.Transpose(values, arranged, (int)shape[0], (int)shape[1]);
                break;
            case GgufTransform.QueryHeads or GgufTransform.KeyHeads:
                arranged = new float[values.Length];
                int length = shape.Count == 1 ? 1 : (int)shape[1], heads = Heads(weights, transform == GgufTransform.KeyHeads), size = (int)shape[0] / heads;
                for (int row = 0; row < shape[0]; row++)
                {
                    int inside = row % size, target = row - inside + (inside < size / 2 ? 2 * inside : 2 * (inside - size / 2) + 1);
                    values.AsSpan(row * length, length).CopyTo(arranged.AsSpan(target * length));
                }
                break;
        }
        return arranged;
    }

    private static int Heads(ModelWeights weights, bool keys)
    {
        JsonNode? heads = weights.Config["num_attention_heads"];
        return (int)((keys ? weights.Config["num_key_value_heads"] : null) ?? heads ?? throw new CratonException($"{weights.Path}: num_attention_heads is missing in the configuration"));
    }

    private static List<KeyValuePair<string, GgufValue>> Metadata(ModelWeights weights, GgufArchitecture architecture, BlockType type, GgufSource[] tensors, string name)
    {
        JsonObject config = weights.Config;
        var metadata = new List<KeyValuePair<string, GgufValue>>
        {
            new("general.architecture", architecture.Name), new("general.type", "model"), new("general.name", name),
        };
        foreach ((string gguf, string huggingFace) in architecture.Settings)
        {
            JsonNode? value = config[huggingFace] ?? (huggingFace == "rope_theta" ? config["rope_parameters"]?[huggingFace] : null);
            if (value?.AsValue() is not { } setting || setting.GetValueKind() != System.Text.Json.JsonValueKind.Number) continue;
            string key = $"{architecture.Name}.{gguf}";
            if (gguf.Contains("epsilon", StringComparison.Ordinal) || gguf.Contains("freq_base", StringComparison.Ordinal) || gguf.Contains("softcapping", StringComparison.Ordinal))
                metadata.Add(new(key, (float)double.Parse(setting.ToJsonString(), CultureInfo.InvariantCulture)));
            else metadata.Add(new(key, (uint)double.Parse(setting.ToJsonString(), CultureInfo.InvariantCulture)));
        }
        AddFeedForward(metadata, architecture, config);
        GgufSource embedding = tensors.First(t => t.Name == "token_embd.weight");
        int vocabulary = (int)embedding.Shape[0];
        metadata.Add(new($"{architecture.Name}.vocab_size", (uint)vocabulary));
        if (Array.Exists(architecture.Settings, setting => setting.Gguf == "rope.freq_base")) AddRotary(metadata, architecture, weights);
        if (architecture.Name == "bert") metadata.AddRange([new("bert.attention.causal", false), new("bert.pooling_type", 1u)]);
        metadata.Add(new("general.file_type", FileType(type)));
        if (type is not (BlockType.F32 or BlockType.F16 or BlockType.BF16)) metadata.Add(new("general.quantization_version", 2u));
        IEnumerable<KeyValuePair<string, GgufValue>> tokenizer = weights is GgufWeights source
            ? source.File.Metadata.Where(m => m.Key.StartsWith("tokenizer.", StringComparison.Ordinal))
            : GgufVocabulary.Read(weights.Path, vocabulary);
        metadata.AddRange(tokenizer);
        return metadata;
    }

    // GPT-2 leaves the width out when it is four times the model's.
    private static void AddFeedForward(List<KeyValuePair<string, GgufValue>> metadata, GgufArchitecture architecture, JsonObject config)
    {
        string key = $"{architecture.Name}.feed_forward_length";
        if (metadata.TrueForAll(m => m.Key != key) && config["n_embd"] is { } width) metadata.Add(new(key, 4 * (uint)width));
    }

    private static void AddRotary(List<KeyValuePair<string, GgufValue>> metadata, GgufArchitecture architecture, ModelWeights weights)
    {
        string prefix = architecture.Name;
        if (weights.Config["head_dim"] is { } size && metadata.Exists(m => m.Key == $"{prefix}.attention.key_length")) metadata.Add(new($"{prefix}.attention.value_length", (uint)size));
        if (architecture.Name == "llama") metadata.Add(new("llama.rope.dimension_count", (uint)HeadSize(weights)));
        JsonNode? rope = Rope(weights);
        string type = (string?)rope?["rope_type"] ?? "default";
        switch (type)
        {
            case "default" or "llama3":
            case "longrope" when architecture.Name == "llama":
                break; // what frequencies are divided by is a tensor
            case "linear" or "yarn":
                metadata.Add(new($"{prefix}.rope.scaling.type", type));
                metadata.Add(new($"{prefix}.rope.scaling.factor", (float)(double)rope!["factor"]!));
                if (rope["original_max_position_embeddings"] is { } original) metadata.Add(new($"{prefix}.rope.scaling.original_context_length", (uint)original));
                break;
            default:
                throw new CratonException($"{weights.Path}: rotary positions of type '{type}' cannot be written as GGUF yet");
        }
    }

    // What each frequency is divided by, for Llama 3's scaling: nothing for fast ones, the factor for slow ones, something between for the others.
    private static float[]? RopeFactors(ModelWeights weights)
    {
        if (Rope(weights) is not { } rope) return null;
        if ((string?)rope["rope_type"] == "longrope") return [.. rope["short_factor"]!.AsArray().Select(f => (float)(double)f!)];
        if ((string?)rope["rope_type"] != "llama3") return null;
        double factor = (double)rope["factor"]!, low = (double)rope["low_freq_factor"]!, high = (double)rope["high_freq_factor"]!, context = (double)rope["original_max_position_embeddings"]!;
        double theta = (double)(weights.Config["rope_theta"] ?? rope["rope_theta"])!;
        return Array.ConvertAll(RotaryTable.Frequencies(theta, HeadSize(weights)), frequency =>
        {
            double turns = context * frequency / (2 * Math.PI), share = Math.Clamp((turns - low) / (high - low), 0, 1);
            return (float)(1 / ((1 - share) / factor + share));
        });
    }

    private static JsonNode? Rope(ModelWeights weights) => weights.Config["rope_scaling"] ?? weights.Config["rope_parameters"];

    private static int HeadSize(ModelWeights weights) => weights.Config["head_dim"] is { } size ? (int)size : (int)weights.Config["hidden_size"]! / Heads(weights, keys: false);

    // The numbers by which llama.cpp names the mixture of a file.
    private static uint FileType(BlockType type) => type switch
    {
        BlockType.F32 => 0,
        BlockType.F16 => 1,
        BlockType.Q4_0 => 2,
        BlockType.Q4_1 => 3,
        BlockType.Q8_0 => 7,
        BlockType.Q5_0 => 8,
        BlockType.Q5_1 => 9,
        BlockType.Q4_K => 15,
        BlockType.Q5_K => 17,
        BlockType.Q6_K => 18,
        BlockType.BF16 => 32,
        BlockType.TQ1_0 => 36,
        BlockType.TQ2_0 => 37,
        _ => 38,
    };

    private static float[] ReadAll(ModelWeights weights, string name, IReadOnlyList<long> shape)
    {
        float[] values = new float[shape.Aggregate(1L, (count, size) => count * size)];
        weights.Read(name, values);
        return values;
    }

    private static void Write(Stream stream, float[] values) => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
}
