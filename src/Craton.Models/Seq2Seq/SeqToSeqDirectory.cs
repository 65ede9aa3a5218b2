using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Seq2Seq;

/// <summary>Models that answer texts, on disk in the layout of Hugging Face: <c>config.json</c> and <c>model.safetensors</c>, or shards of it.</summary>
public static class SeqToSeqDirectory
{
    private const string Head = "lm_head.weight";

    // One row for each family and task; some are told apart by whether the file has a matrix of its own for the scores.
    private static readonly (string ModelType, string Architecture, Func<ConfigReader, bool, SeqToSeqModel> Create)[] Families =
    [
        ("t5", "T5ForConditionalGeneration", (read, ownHead) => new T5(new T5Config(read), ownHead)),
        ("mt5", "MT5ForConditionalGeneration", (read, ownHead) => new T5(new T5Config(read), ownHead)),
        ("bart", "BartForConditionalGeneration", (read, _) => new Bart(new BartConfig(read))),
        ("bart", "BartForSequenceClassification", (read, _) => new Bart(new BartConfig(read), classifies: true)),
        ("mbart", "MBartForConditionalGeneration", (read, _) => new Bart(new BartConfig(read))),
        ("mbart", "MBartForSequenceClassification", (read, _) => new Bart(new BartConfig(read), classifies: true)),
        ("marian", "MarianMTModel", (read, _) => new Bart(new BartConfig(read))),
        ("pegasus", "PegasusForConditionalGeneration", (read, _) => new Bart(new BartConfig(read))),
    ];

    /// <summary>Whether a directory holds such a model.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory)
    {
        if (!File.Exists(Path.Combine(directory, "config.json"))) return false;
        ConfigReader read = EncoderDirectory.ReadConfig(directory, out _);
        return read.Texts("architectures") is [var architecture, ..] && Families.Any(f => f.Architecture == architecture);
    }

    /// <summary>Reads a model; weights in BF16 or F16 are widened.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="map">True: weights in F32 stay in the file and are read when touched (<see cref="SafetensorsMapping"/>).</param>
    /// <exception cref="CratonException">A file is missing or damaged, or the weights do not fit the configuration.</exception>
    public static SeqToSeqModel Load(string directory, bool map = false)
    {
        ConfigReader read = EncoderDirectory.ReadConfig(directory, out JsonObject config);
        using SafetensorsModel weights = SafetensorsModel.Open(directory);
        SeqToSeqModel model = Create(read, weights.FileOf(Head) is not null);
        model.Source = new EncoderSource(config, DecoderWeights.TypeOf(weights));
        EncoderDirectory.Fill(directory, [.. model.NamedParameters(), .. model.NamedBuffers()], weights, name => name == Head || name.EndsWith(".embed_positions.weight", StringComparison.Ordinal), map);
        return model;
    }

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    /// <param name="read">The configuration.</param>
    /// <param name="ownHead">Whether the checkpoint has a matrix of its own for the scores of tokens, whatever the configuration says.</param>
    /// <exception cref="CratonException">It is of no family that is known, or a setting is not supported.</exception>
    public static SeqToSeqModel Create(ConfigReader read, bool ownHead)
    {
        read.Refuse(read.Has("quantization_config"), "quantization_config", "its weights are not plain numbers; take the model's original");
        string architecture = read.Texts("architectures") is [var first, ..] ? first : "";
        foreach ((string modelType, string name, Func<ConfigReader, bool, SeqToSeqModel> create) in Families)
        {
            if (architecture != name && !(architecture.Length == 0 && read.ModelType == modelType)) continue;
            ConfigReader family = read.As(modelType);
            SeqToSeqModel model = create(family, ownHead);
            ForeignSettings.Refuse(family);
            return model;
        }
        throw new CratonException($"{read.File}: architectures is '{architecture}', which cannot be opened as a model that answers texts; known are {string.Join(", ", Families.Select(f => f.Architecture))}");
    }

    /// <summary>Writes a model that was read from a directory: the configuration it had, and the weights; the directory appears complete or not at all.</summary>
    /// <param name="directory">The directory, which replaces one that was there.</param>
    /// <param name="model">The model.</param>
    /// <param name="type">Element type of the weights; that of the files it was read from when null.</param>
    /// <exception cref="CratonException">The model was not read from a directory.</exception>
    public static void Save(string directory, SeqToSeqModel model, DType? type = null) => EncoderDirectory.Write(directory, model.Source, [.. model.NamedParameters(), .. model.NamedBuffers()], type);
}
