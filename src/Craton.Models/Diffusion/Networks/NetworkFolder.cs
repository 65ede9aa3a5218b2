using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Diffusion.Networks;

/// <summary>
/// Networks on disk in the layout of diffusers: <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>, shards of it, or the same in
/// F16.
/// </summary>
internal static class NetworkFolder
{
    private const string ConfigFile = "config.json", WeightsFile = "diffusion_pytorch_model.safetensors";

    // The first that is there counts.
    private static readonly string[] WeightsFiles = [WeightsFile, WeightsFile + ".index.json", "diffusion_pytorch_model.fp16.safetensors"];

    // Of attention, as early published files have them.
    private static readonly (string Now, string Early)[] Names = [(".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")];

    /// <summary>Reads a network of a class; weights in BF16 or F16 are widened.</summary>
    public static T Load<T>(string directory, string className, Func<ConfigReader, T> create, out EncoderSource source) where T : Module
    {
        ConfigReader read = EncoderDirectory.ReadConfig(directory, out JsonObject config);
        string name = read.TextOr(className, "_class_name");
        if (name != className) throw new CratonException($"{read.File}: _class_name is '{name}', expected {className}");
        using SafetensorsModel weights = SafetensorsModel.Open(Path.Combine(directory, WeightsFiles.FirstOrDefault(file => File.Exists(Path.Combine(directory, file)), WeightsFile)));
        T model = create(read);
        source = new EncoderSource(config, DecoderWeights.TypeOf(weights));
        bool early = weights.Names.Any(stored => stored.EndsWith(".proj_attn.weight", StringComparison.Ordinal));
        EncoderDirectory.Fill(directory, [.. Tensors(model).Select(p => (early ? Early(p.Name) : p.Name, p.Tensor))], weights, _ => false, map: false);
        return model;
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(Module model) => model.NamedParameters().Concat(model.NamedBuffers());

    private static string Early(string name) => Names.Aggregate(name, (renamed, pair) => renamed.Replace(pair.Now, pair.Early, StringComparison.Ordinal));

    /// <summary>Writes a network that was read: the configuration it had, and the weights as they are now, in F32, under the names of today.</summary>
    public static void Save(string directory, Module model, EncoderSource? from)
    {
        EncoderSource source = from ?? throw new CratonException("this network was not read from a folder, which brings its config.json; open one and fill in the weights");
        TensorSource[] tensors = [.. Tensors(model).Select(p => DecoderWeights.Source(p.Name, p.Tensor, transposed: false, DType.F32))];
        using var folder = new DurableDirectory(directory);
        folder.Write(WeightsFile, stream => SafetensorsWriter.Write(stream, tensors), tensors.Sum(t => t.Length));
        JsonFile.Write(folder, ConfigFile, (JsonObject)source.Config.DeepClone());
        folder.Commit();
    }
}
