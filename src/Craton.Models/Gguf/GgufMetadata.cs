using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;

namespace Craton.Models.Gguf;

/// <summary>What a GGUF file says about a model beside its weights.</summary>
internal static class GgufMetadata
{
    // What a file need not say in the same words: ids are in its vocabulary, and the first values are those of a training.
    private static readonly string[] Unsaid = [nameof(DecoderConfig.BosTokenId), nameof(DecoderConfig.EosTokenId), nameof(DecoderConfig.PadTokenId), nameof(DecoderConfig.InitializerRange)];

    /// <summary>The metadata of a model.</summary>
    public static List<KeyValuePair<string, GgufValue>> Of(
        ModelWeights weights, GgufArchitecture architecture, CausalLanguageModel? shape, BlockType type, IReadOnlyList<GgufSource> tensors, string name)
    {
        var metadata = new List<KeyValuePair<string, GgufValue>>
        {
            new("general.architecture", architecture.Name), new("general.type", "model"), new("general.name", name),
        };
        foreach ((string gguf, string huggingFace) in architecture.Settings)
            if (Setting(weights.Config, shape, gguf, huggingFace) is { } value) metadata.Add(new($"{architecture.Name}.{gguf}", value));
        int vocabulary = (int)tensors.First(t => t.Name == "token_embd.weight").Shape[0];
        metadata.Add(new($"{architecture.Name}.vocab_size", (uint)vocabulary));
        if (shape?.Rotary is { } rotary) AddRotary(metadata, weights, architecture, rotary.Settings, shape.Config);
        if (architecture.Name == "bert") metadata.AddRange([new("bert.attention.causal", false), new("bert.pooling_type", 1u)]);
        metadata.Add(new("general.file_type", FileType(type)));
        if (type is not (BlockType.F32 or BlockType.F16 or BlockType.BF16)) metadata.Add(new("general.quantization_version", 2u));
        IEnumerable<KeyValuePair<string, GgufValue>> tokenizer = weights is GgufWeights source
            ? source.File.Metadata.Where(m => m.Key.StartsWith("tokenizer.", StringComparison.Ordinal))
            : GgufVocabulary.Read(weights.Path, vocabulary);
        metadata.AddRange(tokenizer);
        return metadata;
    }

    /// <summary>What rotary frequencies are divided by, where a file has tensors for that.</summary>
    public static List<GgufSource> RotaryFactors(GgufArchitecture architecture, CausalLanguageModel? shape) => (architecture.Name, shape?.Rotary?.Settings) switch
    {
        ("llama", { Scaling: RotaryScaling.Llama3 } rotary) => [Vector(GgufWeights.RopeFactors, Llama3(rotary))],
        ("llama", { Scaling: RotaryScaling.LongRope } rotary) => [Vector(GgufWeights.RopeFactors, rotary.ShortFactors)],
        (_, { Scaling: RotaryScaling.LongRope } rotary) => [Vector(GgufWeights.LongFactors, rotary.LongFactors), Vector(GgufWeights.ShortFactors, rotary.ShortFactors)],
        _ => [],
    };

    /// <summary>Refuses a file that means another model than the one it was written from.</summary>
    /// <param name="source">The model's path, for the error.</param>
    /// <param name="expected">Its shape.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="CratonException">Something in the model's configuration cannot be said in GGUF.</exception>
    public static void CheckSame(string source, DecoderConfig expected, string file)
    {
        using ModelWeights weights = ModelWeights.Open(file);
        DecoderConfig got = weights.Shape().Config;
        if (expected.GetType() != got.GetType()) throw new CratonException($"'{source}': GGUF has no architecture for this variant of {expected.GetType().Name}; it cannot be written");
        foreach (PropertyInfo property in expected.GetType().GetProperties().Where(p => !Unsaid.Contains(p.Name)))
        {
            if (Difference(property.Name, property.GetValue(expected), property.GetValue(got)) is not var (name, before, after)) continue;
            throw new CratonException($"'{source}': {JsonNamingPolicy.SnakeCaseLower.ConvertName(name)} is {Text(before)}, but a GGUF file of this architecture would mean {Text(after)}; this model cannot be written as GGUF");
        }
    }

    // The first setting in which two are not the same; null when there is none.
    private static (string Name, object? Before, object? After)? Difference(string name, object? before, object? after)
    {
        if (before is RotarySettings { Scaling: RotaryScaling.Llama3 }) return null; // worked out in a tensor
        if (after is not null && Parts(before) is { } parts)
        {
            foreach (PropertyInfo property in parts)
                if (Difference($"{name}.{property.Name}", property.GetValue(before), property.GetValue(after)) is { } inner) return inner;
            return null;
        }
        bool isSame = (before, after) switch
        {
            (double one, double other) => (float)one == (float)other, // as precise as a file is
            (IReadOnlyList<double> one, IReadOnlyList<double> other) => one.Select(v => (float)v).SequenceEqual(other.Select(v => (float)v)),
            (IReadOnlyList<bool> one, IReadOnlyList<bool> other) => one.SequenceEqual(other),
            _ => Equals(before, after),
        };
        return isSame ? null : (name, before, after);
    }

    private static PropertyInfo[]? Parts(object? value) => value switch
    {
        RotarySettings => typeof(RotarySettings).GetProperties(),
        ExpertSettings => typeof(ExpertSettings).GetProperties(),
        _ => null,
    };

    private static string Text(object? value) => value switch
    {
        null => "not set",
        string text => text,
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Text))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static GgufValue? Setting(JsonObject config, CausalLanguageModel? shape, string gguf, string huggingFace)
    {
        // Sizes that families spell in many ways, or leave to a rule.
        if (shape is not null)
        {
            DecoderConfig sizes = shape.Config;
            int size = gguf switch
            {
                "context_length" => sizes.MaxPositionEmbeddings,
                "embedding_length" => sizes.HiddenSize,
                "block_count" => sizes.NumHiddenLayers,
                "feed_forward_length" => sizes.IntermediateSize,
                "attention.head_count" => sizes.NumAttentionHeads,
                "attention.head_count_kv" => sizes.NumKeyValueHeads,
                "expert_count" => (sizes as GptConfig)?.Experts?.Count ?? 0,
                "expert_used_count" => (sizes as GptConfig)?.Experts?.Chosen ?? 0,
                _ => 0,
            };
            if (size > 0) return (uint)size;
            if (gguf == "rope.freq_base" && shape.Rotary is { } rotary) return (float)rotary.Settings.Theta;
            if (gguf == "rope.dimension_count") return null; // AddRotary says it
        }
        if (config[huggingFace] is not JsonValue setting) return null;
        if (setting.GetValueKind() is JsonValueKind.True or JsonValueKind.False) return setting.GetValueKind() == JsonValueKind.True;
        if (setting.GetValueKind() != JsonValueKind.Number) return null;
        double number = double.Parse(setting.ToJsonString(), CultureInfo.InvariantCulture);
        bool isReal = gguf.Contains("epsilon", StringComparison.Ordinal) || gguf.Contains("softcapping", StringComparison.Ordinal);
        return isReal ? (GgufValue)(float)number : (uint)number;
    }

    private static void AddRotary(List<KeyValuePair<string, GgufValue>> metadata, ModelWeights weights, GgufArchitecture architecture, RotarySettings rotary, DecoderConfig config)
    {
        string prefix = architecture.Name;
        if (metadata.Exists(m => m.Key == $"{prefix}.attention.key_length")) metadata.Add(new($"{prefix}.attention.value_length", (uint)config.HeadDim));
        if (prefix is "llama" or "smollm3" or "gptj" || rotary.Dim != config.HeadDim) metadata.Add(new($"{prefix}.rope.dimension_count", (uint)rotary.Dim));
        switch (rotary.Scaling)
        {
            case RotaryScaling.None:
            case RotaryScaling.Llama3 or RotaryScaling.LongRope when prefix == "llama":
                break; // what frequencies are divided by is a tensor
            case RotaryScaling.LongRope:
                if (!metadata.Exists(m => m.Key == $"{prefix}.rope.scaling.original_context_length")) metadata.Add(new($"{prefix}.rope.scaling.original_context_length", (uint)rotary.OriginalContext));
                metadata.Add(new($"{prefix}.rope.scaling.attn_factor", (float)rotary.AttentionFactor));
                break;
            case RotaryScaling.Linear or RotaryScaling.Yarn:
                metadata.Add(new($"{prefix}.rope.scaling.type", rotary.Scaling == RotaryScaling.Linear ? "linear" : "yarn"));
                metadata.Add(new($"{prefix}.rope.scaling.factor", (float)rotary.Factor));
                if (rotary.Scaling == RotaryScaling.Yarn) metadata.Add(new($"{prefix}.rope.scaling.original_context_length", (uint)rotary.OriginalContext));
                break;
            default:
                throw new CratonException($"{weights.Path}: rotary positions of type '{rotary.Scaling}' cannot be written as GGUF yet");
        }
    }

    // Nothing for fast ones, the factor for slow ones, something between for the others.
    private static IReadOnlyList<double> Llama3(RotarySettings rotary) => Array.ConvertAll(RotaryTable.Frequencies(rotary.Theta, rotary.Dim), frequency =>
    {
        double turns = rotary.OriginalContext * frequency / (2 * Math.PI);
        double share = Math.Clamp((turns - rotary.LowFrequencyFactor) / (rotary.HighFrequencyFactor - rotary.LowFrequencyFactor), 0, 1);
        return 1 / ((1 - share) / rotary.Factor + share);
    });

    private static GgufSource Vector(string name, IReadOnlyList<double> values) => GgufSource.FromRows(name, BlockType.F32, [values.Count], (_, row) =>
    {
        for (int i = 0; i < row.Length; i++) row[i] = (float)values[i];
    });

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
}
