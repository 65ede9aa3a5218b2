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
        GgufArchitecture architecture = GgufArchitecture.For(family, weights.Tensors.Select(t => t.Name))
            ?? throw new CratonException($"'{source}': models of type '{family}' cannot be written as GGUF yet; expected one of {string.Join(", ", GgufArchitecture.All.Select(a => a.ModelType).Distinct())}");
        CausalLanguageModel? shape = architecture.Name == "bert" ? null : weights.Shape();
        bool isTied = shape?.Config.TieWordEmbeddings ?? !weights.Tensors.Any(t => t.Name == "lm_head.weight");
        List<GgufSource> tensors = GgufMetadata.RotaryFactors(architecture, shape);
        var named = weights.Tensors.Where(t => !(isTied && t.Name is "lm_head.weight" or "embed_out.weight"))
            .Select(t => (Name: NameOf(weights, architecture, t.Name), t.Shape)).GroupBy(t => t.Name.Gguf, StringComparer.Ordinal);
        foreach (var parts in named) tensors.Add(Source(weights, shape?.Config, [.. parts.Select(p => p.Name)], parts.First().Shape, type));
        List<KeyValuePair<string, GgufValue>> metadata = GgufMetadata.Of(weights, architecture, shape, type, tensors, Path.GetFileNameWithoutExtension(path));
        string written = path + ".part";
        try
        {
            GgufWriter.Save(written, metadata, tensors);
            if (shape is not null) GgufMetadata.CheckSame(source, shape.Config, written);
            File.Move(written, path, overwrite: true);
        }
        finally
        {
            File.Delete(written);
        }
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

    private static GgufName NameOf(ModelWeights weights, GgufArchitecture architecture, string name) => architecture.FindHuggingFace(name)
        ?? throw new CratonException($"{weights.Path}: tensor '{name}' has no name in GGUF's '{architecture.Name}'; this variant cannot be written yet");

    // One tensor, or those of all experts behind each other, in the order of their numbers.
    private static GgufSource Source(ModelWeights weights, DecoderConfig? config, GgufName[] parts, IReadOnlyList<long> shape, BlockType asked)
    {
        GgufName first = parts[0];
        Array.Sort(parts, (a, b) => a.HuggingFace.Length != b.HuggingFace.Length ? a.HuggingFace.Length - b.HuggingFace.Length : string.CompareOrdinal(a.HuggingFace, b.HuggingFace));
        long[] stored = first.Transform switch { GgufTransform.Transposed => [.. shape.Reverse()], GgufTransform.Experts => [parts.Length, .. shape], _ => [.. shape] };
        bool isPlain = shape.Count == 1 || first.Gguf is "position_embd.weight" or "token_types.weight" || first.Gguf.EndsWith("ffn_gate_inp.weight", StringComparison.Ordinal);
        BlockType type = isPlain ? BlockType.F32 : TypeFor(first.Gguf, stored[^1], asked);
        return new GgufSource(first.Gguf, type, stored, stream =>
        {
            int row = (int)stored[^1];
            byte[] blocks = new byte[type.ByteCount(row)];
            foreach (GgufName part in parts)
            {
                float[] values = Arranged(weights, config, part, shape);
                for (int at = 0; at < values.Length; at += row)
                {
                    Blocks.Quantize(type, values.AsSpan(at, row), blocks);
                    stream.Write(blocks);
                }
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
    private static float[] Arranged(ModelWeights weights, DecoderConfig? config, GgufName name, IReadOnlyList<long> shape)
    {
        float[] values = ReadAll(weights, name.HuggingFace, shape);
        switch (name.Transform)
        {
            case GgufTransform.PlusOne:
                for (int i = 0; i < values.Length; i++) values[i] += 1;
                return values;
            case GgufTransform.Transposed:
                float[] turned = new float[values.Length];
                DecoderWeights.Transpose(values, turned, (int)shape[0], (int)shape[1]);
                return turned;
            case GgufTransform.QueryHeads or GgufTransform.KeyHeads or GgufTransform.GroupedQkv:
                float[] arranged = new float[values.Length];
                int length = shape.Count == 1 ? 1 : (int)shape[1];
                for (int row = 0; row < shape[0]; row++)
                    values.AsSpan(row * length, length).CopyTo(arranged.AsSpan((int)GgufRows.Stored(name.Transform, row, shape[0], config!.NumAttentionHeads, config.NumKeyValueHeads) * length));
                return arranged;
            default:
                return values;
        }
    }

    private static float[] ReadAll(ModelWeights weights, string name, IReadOnlyList<long> shape)
    {
        float[] values = new float[shape.Aggregate(1L, (count, size) => count * size)];
        weights.Read(name, values);
        return values;
    }

    private static void Write(Stream stream, float[] values) => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
}
