using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models;

/// <summary>The weights of a decoder between its parameters and the files of other libraries.</summary>
internal static class DecoderWeights
{
    // Masks and frequencies that older versions stored beside the weights.
    private static readonly string[] IgnoredEnds = ["rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias"];

    /// <summary>Whether a tensor of a file is no weight.</summary>
    public static bool IsBuffer(string name) => IgnoredEnds.Any(end => name.EndsWith(end, StringComparison.Ordinal));

    /// <summary>Gives the parameters of a model their memory and content.</summary>
    /// <param name="directory">The model's directory, for errors.</param>
    /// <param name="model">A model that nobody touched yet.</param>
    /// <param name="weights">Its files.</param>
    /// <param name="map">True: weights in F32 stay in the file, and those of products in 16 bits are packed one after the other, so that no more than one is there as floats.</param>
    /// <returns>Whether names in the files begin with the family's prefix.</returns>
    public static bool Load(string directory, CausalLanguageModel model, SafetensorsModel weights, bool map)
    {
        string prefix = model.Prefix + ".";
        bool hasPrefix = weights.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
        model.Mapped = Fill(
            directory, [.. model.NamedParameters().Select(p => (hasPrefix ? p.Name : WithoutPrefix(model, p.Name), p.Tensor, model.IsStoredTransposed(p.Name)))],
            weights, name => IsIgnored(name, model), map, map ? [.. model.PackedWeights] : null);
        return hasPrefix;
    }

    /// <summary>The element type of most weights: F32, BF16 or F16.</summary>
    public static DType TypeOf(SafetensorsModel weights) => weights.Names
        .Select(name => weights.FileOf(name)![name]).Where(e => e.Type is DType.F32 or DType.BF16 or DType.F16)
        .GroupBy(e => e.Type!.Value).MaxBy(group => group.Sum(e => e.Count))?.Key ?? DType.F32;

    /// <summary>The parameters of a model as its files hold them.</summary>
    public static TensorSource[] Sources(CausalLanguageModel model, DType type) =>
        [.. model.NamedParameters().Select(p => Source(model.Source is { HasPrefix: false } ? WithoutPrefix(model, p.Name) : p.Name, p.Tensor, model.IsStoredTransposed(p.Name), type))];

    /// <summary>A parameter as a file holds it.</summary>
    public static TensorSource Source(string stored, Tensor tensor, bool transposed, DType type) => !transposed && type == DType.F32
        ? TensorFiles.Source(stored, tensor)
        : new TensorSource(stored, type, ShapeOf(tensor, transposed), stream =>
        {
            float[] values = new float[tensor.Count];
            if (transposed) Transpose(tensor.AsSpan<float>(), values, tensor.Size(0), tensor.Size(1));
            else tensor.AsSpan<float>().CopyTo(values);
            TensorSource.FromFloats(stored, ShapeOf(tensor, transposed), values, type).Write(stream);
        });

    /// <summary>The content of <c>config.json</c>: what the model was read with, or what its shape says.</summary>
    public static JsonObject ConfigOf(CausalLanguageModel model, DType type)
    {
        if (model.Source is not { } source) return WithType(model.Config.ToJson(), type);
        var config = (JsonObject)source.Config.DeepClone();
        return type == source.Type ? config : WithType(config, type);
    }

    /// <summary>Says in a configuration which type the weights have.</summary>
    public static JsonObject WithType(JsonObject config, DType type)
    {
        string name = type switch { DType.BF16 => "bfloat16", DType.F16 => "float16", _ => "float32" };
        bool older = config.ContainsKey("torch_dtype");
        if (older) config["torch_dtype"] = name;
        if (!older || config.ContainsKey("dtype")) config["dtype"] = name;
        return config;
    }

    /// <summary>Gives parameters their memory and what files hold under their names.</summary>
    /// <param name="directory">The model's directory, for errors.</param>
    /// <param name="tensors">Parameters that nobody touched yet, each with its name in the files and whether it lies there the other way round.</param>
    /// <param name="weights">The files.</param>
    /// <param name="ignored">Whether a tensor of the files may be there though no parameter has its name.</param>
    /// <param name="map">True: weights in F32 stay in the file.</param>
    /// <param name="packed">Parameters that are packed when the file has them in 16 bits.</param>
    /// <returns>The files that they stay in.</returns>
    public static SafetensorsMapping[] Fill(
        string directory, (string Name, Tensor Tensor, bool Transposed)[] tensors, SafetensorsModel weights, Func<string, bool> ignored, bool map, HashSet<Tensor>? packed = null)
    {
        Check(directory, weights.Names.Select(name => (name, weights.FileOf(name)![name].Shape)), tensors, ignored);
        Dictionary<SafetensorsFile, SafetensorsMapping>? mappings = map ? [] : null;
        foreach ((string name, Tensor tensor, bool transposed) in tensors)
        {
            SafetensorsFile file = weights.FileOf(name)!;
            Fill(tensor, file, name, transposed, mappings);
            if (packed is not null && file[name].Type is DType.BF16 or DType.F16 && packed.Contains(tensor)) tensor.Pack();
        }
        return mappings is null ? [] : [.. mappings.Values];
    }

    /// <summary>Refuses files that lack a parameter, have it in another shape, or hold more. Memory is asked for afterwards: so the files bound every size of the configuration.</summary>
    public static void Check(
        string source, IEnumerable<(string Name, IReadOnlyList<long> Shape)> stored, (string Name, Tensor Tensor, bool Transposed)[] wanted, Func<string, bool> ignored)
    {
        var shapes = stored.ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);
        foreach ((string name, Tensor tensor, bool transposed) in wanted)
        {
            if (!shapes.Remove(name, out IReadOnlyList<long>? shape))
                throw new CratonException($"{source}: tensor '{name}' is missing, which the configuration asks for; the weights are incomplete or belong to another configuration");
            long[] expected = ShapeOf(tensor, transposed);
            if (!shape.SequenceEqual(expected))
                throw new CratonException($"{source}: tensor '{name}' has shape [{string.Join(", ", shape)}], the configuration asks for [{string.Join(", ", expected)}]; the weights belong to another configuration");
        }
        if (shapes.Keys.Where(name => !ignored(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } left)
            throw new CratonException($"{source}: tensor '{left}' is not part of the model that the configuration describes; the weights belong to another configuration");
    }

    /// <summary>Gives a tensor memory and what a file holds under a name.</summary>
    public static void Fill(Tensor tensor, SafetensorsFile file, string name, bool transposed, Dictionary<SafetensorsFile, SafetensorsMapping>? mappings)
    {
        SafetensorsEntry entry = file[name];
        if (mappings is not null && entry.Type == DType.F32 && !transposed && entry.Offset % sizeof(float) == 0)
        {
            if (!mappings.TryGetValue(file, out SafetensorsMapping? mapping)) mappings.Add(file, mapping = file.Map());
            tensor.AllocateOver(mapping, name);
            return;
        }
        if (!transposed)
        {
            file.ReadFloats(name, tensor.AsSpan<float>());
            return;
        }
        float[] values = new float[tensor.Count];
        file.ReadFloats(name, values);
        Transpose(values, tensor.AsSpan<float>(), tensor.Size(1), tensor.Size(0));
    }

    /// <summary>[rows, columns] becomes [columns, rows]; in squares, so that neither side jumps through memory.</summary>
    public static void Transpose(ReadOnlySpan<float> from, Span<float> to, int rows, int columns)
    {
        const int square = 32;
        for (int row = 0; row < rows; row += square)
            for (int column = 0; column < columns; column += square)
                for (int r = row; r < Math.Min(rows, row + square); r++)
                    for (int c = column; c < Math.Min(columns, column + square); c++)
                        to[c * rows + r] = from[r * columns + c];
    }

    /// <summary>The shape of a parameter in a file.</summary>
    public static long[] ShapeOf(Tensor tensor, bool transposed)
    {
        long[] shape = Array.ConvertAll(tensor.Shape.ToArray(), size => (long)size);
        if (transposed) Array.Reverse(shape);
        return shape;
    }

    private static string WithoutPrefix(CausalLanguageModel model, string name) =>
        name.StartsWith(model.Prefix + ".", StringComparison.Ordinal) ? name[(model.Prefix.Length + 1)..] : name;

    // Buffers that some checkpoints carry, and the output projection of tied ones.
    private static bool IsIgnored(string name, CausalLanguageModel model) =>
        (model.Config.TieWordEmbeddings && name is "lm_head.weight" or "embed_out.weight") || IsBuffer(name);
}
