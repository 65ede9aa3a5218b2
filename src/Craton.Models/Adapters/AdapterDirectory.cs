using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;

namespace Craton.Models.Adapters;

/// <summary>An adapter on disk, in the layout of PEFT: <c>adapter_config.json</c>, <c>adapter_model.safetensors</c>.</summary>
public static class AdapterDirectory
{
    private const string ConfigFile = "adapter_config.json", WeightsFile = "adapter_model.safetensors";

    /// <summary>Whether a directory holds an adapter.</summary>
    public static bool IsAdapter(string directory) => File.Exists(Path.Combine(directory, ConfigFile));

    /// <summary>Reads an adapter for a model. The model computes with it once it is attached.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="model">The model, of the shape that the adapter was trained for.</param>
    /// <param name="train">Whether its parameters require gradients.</param>
    /// <exception cref="CratonException">A file is missing or damaged, a setting is not supported, or the adapter belongs to another model.</exception>
    public static PeftAdapter Load(string directory, Module model, bool train = false)
    {
        string config = Path.Combine(directory, ConfigFile), weights = Path.Combine(directory, WeightsFile);
        if (!File.Exists(config)) throw new CratonException($"'{directory}' is no adapter directory: it has no {ConfigFile}; give the folder that PEFT or a recipe of kind lora wrote");
        JsonElement root = JsonFile.Read(config);
        using SafetensorsFile file = SafetensorsFile.Open(weights);
        PeftAdapter adapter;
        try
        {
            adapter = Create(model, JsonObject.Create(root)!, new ConfigReader(config, root), file.Contains);
        }
        catch (CratonException e) when (!e.Message.StartsWith(directory, StringComparison.Ordinal))
        {
            throw new CratonException($"{config}: {e.Message}", e);
        }
        Read(adapter, file);
        adapter.Type = file.Tensors.GroupBy(t => t.Type).MaxBy(g => g.Sum(t => t.Count))!.Key ?? DType.F32;
        foreach ((string name, Tensor tensor) in adapter.NamedParameters())
            if (!train || !adapter.IsTrained(name)) tensor.Freeze();
        return adapter;
    }

    /// <summary>Writes an adapter; the directory appears complete or not at all and replaces the adapter that was there.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="tokenizer">The tokenizer it was trained with, or null.</param>
    /// <param name="card">Its lineage, or null.</param>
    /// <exception cref="CratonException">The directory exists and holds something else than an adapter.</exception>
    public static void Save(string directory, PeftAdapter adapter, Tokenizer? tokenizer = null, ModelCard? card = null)
    {
        if (Directory.Exists(directory) && !IsAdapter(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
            throw new CratonException($"'{directory}' holds files but no adapter, and saving would replace them; give a new or empty folder");
        using var folder = new DurableDirectory(directory);
        TensorSource[] tensors = [.. adapter.NamedParameters().Select(p => DecoderWeights.Source(p.Name, p.Tensor, adapter.IsStoredTransposed(p.Name), adapter.Type))];
        folder.Write(WeightsFile, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, ConfigFile, adapter.Config);
        if (tokenizer is not null) ModelDirectory.CopyTokenizer(folder, tokenizer);
        if (card is not null) ModelDirectory.WriteCard(folder, card, adapter);
        folder.Commit();
    }

    /// <summary>Reads an adapter's lineage; null for one that was made elsewhere.</summary>
    /// <exception cref="CratonException">The file is damaged.</exception>
    public static ModelCard? LoadCard(string directory) => ModelDirectory.ReadCard(directory);

    /// <summary>Refuses a model with other weights than those that the adapter was trained for, as far as its lineage says them.</summary>
    /// <remarks>A model from a file of rounded weights is taken as it is.</remarks>
    /// <exception cref="CratonException">The weights are others.</exception>
    public static void CheckBase(string directory, CausalLanguageModel model)
    {
        if (LoadCard(directory) is not { } card || !card.Hashes.TryGetValue("base_model", out string? expected)) return;
        if (model.Source is not { IsRounded: true } && ModelDirectory.HashWeights(model) != expected)
            throw new CratonException($"'{directory}' was trained for '{card.BaseModel}', whose weights had SHA-256 {expected[..12]}…, and this model has others; give the model it was trained for");
    }

    /// <summary>Reads a configuration that was made here.</summary>
    internal static ConfigReader Reader(string name, JsonObject config) => new(name, JsonElement.Parse(config.ToJsonString()));

    internal static PeftAdapter Create(Module model, JsonObject config, ConfigReader read, Func<string, bool> isStored) => read.TextOr("", "peft_type") switch
    {
        "LORA" or "IA3" => LayerAdapters.Create(model, config, read, isStored),
        "PROMPT_TUNING" or "P_TUNING" or "PREFIX_TUNING" when model is CausalLanguageModel decoder => new PromptAdapter(decoder, config, read),
        var other => throw new CratonException($"peft_type is '{other}', expected LORA or IA3, and for models that write on PROMPT_TUNING, P_TUNING or PREFIX_TUNING"),
    };

    private static void Read(PeftAdapter adapter, SafetensorsFile file)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, Tensor tensor) in adapter.NamedParameters())
        {
            expected.Add(name);
            long[] shape = DecoderWeights.ShapeOf(tensor, adapter.IsStoredTransposed(name));
            if (!file.Contains(name))
                throw new CratonException($"{file.Path}: tensor '{name}' is missing, which {ConfigFile} asks for; the adapter belongs to another model, or the file is damaged");
            if (!file[name].Shape.SequenceEqual(shape))
                throw new CratonException($"{file.Path}: tensor '{name}' has shape [{string.Join(", ", file[name].Shape)}], the model and {ConfigFile} ask for [{string.Join(", ", shape)}]; the adapter belongs to another model");
        }
        foreach (SafetensorsEntry entry in file.Tensors)
            if (!expected.Contains(entry.Name) && !IsIgnored(entry.Name))
                throw new CratonException($"{file.Path}: tensor '{entry.Name}' belongs to no part of the model that {ConfigFile} names; the adapter belongs to another model");
        foreach ((string name, Tensor tensor) in adapter.NamedParameters())
        {
            DecoderWeights.Fill(tensor, file, name, adapter.IsStoredTransposed(name), mappings: null);
            foreach (float value in tensor.AsSpan<float>())
                if (!float.IsFinite(value)) throw new CratonException($"{file.Path}: tensor '{name}' holds values that are not finite; the training of this adapter failed");
        }
    }

    // What PEFT leaves of a module that it saved as a copy.
    private static bool IsIgnored(string name) =>
        name.Contains(".modules_to_save.", StringComparison.Ordinal) || name.Contains(".original_module.", StringComparison.Ordinal);
}
