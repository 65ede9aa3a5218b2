using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;

namespace Craton.Models.Gguf;

/// <summary>
/// The weights and the configuration of a model as Hugging Face names and arranges them, whatever they lie in: a directory with safetensors, or a
/// GGUF file.
/// </summary>
public abstract class ModelWeights : IDisposable
{
    /// <summary>Path as given.</summary>
    public abstract string Path { get; }

    /// <summary>The content of <c>config.json</c>.</summary>
    public abstract JsonObject Config { get; }

    /// <summary>Names and shapes of the tensors.</summary>
    public abstract IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Tensors { get; }

    /// <summary>Opens a model directory or a GGUF file.</summary>
    /// <exception cref="CratonException">It is neither, or damaged, or of an unknown architecture.</exception>
    public static ModelWeights Open(string path) => GgufFile.IsGguf(path) ? new GgufWeights(path) : new DirectoryWeights(path);

    /// <summary>Reads a whole tensor.</summary>
    /// <param name="name">One of <see cref="Tensors"/>.</param>
    /// <param name="values">As many values as the tensor has.</param>
    public abstract void Read(string name, Span<float> values);

    /// <summary>The tensor in the blocks it is stored in, when it is a matrix in blocks that are computed with as they are; null otherwise.</summary>
    /// <param name="name">One of <see cref="Tensors"/>.</param>
    /// <param name="transposed">Whether the matrix is wanted the other way round than Hugging Face has it.</param>
    public virtual QuantizedMatrix? ReadBlocks(string name, bool transposed) => null;

    /// <summary>Whether a tensor is stored in BF16 or F16.</summary>
    /// <param name="name">One of <see cref="Tensors"/>.</param>
    public abstract bool HasSixteenBits(string name);

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The decoder that the configuration describes, its parameters without memory.</summary>
    /// <exception cref="CratonException">It is of no family that is known, or a setting is not supported.</exception>
    internal CausalLanguageModel Shape() => DecoderCatalogue.Create(new ConfigReader(Path, JsonElement.Parse(Config.ToJsonString())));

    /// <summary>
    /// Fills the parameters of a model whose names are those of the family. Matrices that are stored in blocks stay in them when asked, and those of
    /// products that are stored in 16 bits are packed (<see cref="Tensor.Pack"/>).
    /// </summary>
    /// <exception cref="CratonException">A tensor is missing, left over, or of another shape.</exception>
    internal void Fill(CausalLanguageModel model, bool keepBlocks)
    {
        DecoderWeights.Check(Path, Tensors, [.. model.NamedParameters().Select(p => (p.Name, p.Tensor, model.IsStoredTransposed(p.Name)))], ignored: _ => false);
        HashSet<Tensor> packed = keepBlocks ? [.. model.PackedWeights] : [];
        foreach ((string name, Tensor tensor) in model.NamedParameters())
        {
            bool transposed = model.IsStoredTransposed(name);
            if (keepBlocks && tensor.Rank == 2 && ReadBlocks(name, transposed) is { } blocks)
            {
                tensor.Quantize(blocks);
                continue;
            }
            if (tensor.Count > int.MaxValue) throw new CratonException($"{Path}: tensor '{name}' has {tensor.Count} values, expected fewer than {int.MaxValue} for weights as floats");
            Read(name, tensor.AsSpan<float>());
            if (transposed) DecoderWeights.Transpose(tensor.ToArray<float>(), tensor.AsSpan<float>(), tensor.Size(1), tensor.Size(0));
            if (HasSixteenBits(name) && packed.Contains(tensor)) tensor.Pack();
        }
    }

    /// <summary>Closes the files.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>A model directory.</summary>
internal sealed class DirectoryWeights : ModelWeights
{
    private readonly SafetensorsModel _model;

    public DirectoryWeights(string path)
    {
        Path = path;
        string config = System.IO.Path.Combine(path, "config.json");
        if (!File.Exists(config)) throw new CratonException($"'{path}' is no model: expected a folder with config.json or a GGUF file");
        Config = JsonObject.Create(JsonFile.Read(config))!;
        _model = SafetensorsModel.Open(path);
        Tensors = [.. _model.Names.Where(name => _model.FileOf(name)![name].Type is DType.F32 or DType.F16 or DType.BF16 && !DecoderWeights.IsBuffer(name))
            .Select(name => (name, _model.FileOf(name)![name].Shape))];
    }

    public override string Path { get; }

    public override JsonObject Config { get; }

    public override IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Tensors { get; }

    public override void Read(string name, Span<float> values) => _model.FileOf(name)!.ReadFloats(name, values);

    public override bool HasSixteenBits(string name) => _model.FileOf(name)![name].Type is DType.BF16 or DType.F16;

    protected override void Dispose(bool disposing) => _model.Dispose();
}
