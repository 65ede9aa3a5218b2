using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Models.Pictures;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Vision;

/// <summary>Models of images on disk, in the layout of Hugging Face: <c>config.json</c> and <c>model.safetensors</c>, or shards of it.</summary>
public static class VisionDirectory
{
    private const int MostIntegerBytes = 1 << 20;

    // The first of a model type is meant where a configuration names no architecture.
    private static readonly (string ModelType, string Architecture, Func<ConfigReader, bool, VisionModel> Create)[] Known =
    [
        ("vit", "ViTModel", (read, pooler) => new ImageModel(new Vit(new VitConfig(read), pooler))),
        ("vit", "ViTForImageClassification", (read, _) => new ImageClassifier(new Vit(new VitConfig(read)), read)),
        ("deit", "DeiTModel", (read, pooler) => new ImageModel(new Vit(new VitConfig(read), pooler))),
        ("deit", "DeiTForImageClassification", (read, _) => new ImageClassifier(new Vit(new VitConfig(read)), read)),
        ("deit", "DeiTForImageClassificationWithTeacher", (read, _) => new ImageClassifier(new Vit(new VitConfig(read)), read, taught: true)),
        ("dinov2", "Dinov2Model", (read, _) => new ImageModel(new Dinov2(new Dinov2Config(read)))),
        ("dinov2", "Dinov2ForImageClassification", (read, _) => new ImageClassifier(new Dinov2(new Dinov2Config(read)), read)),
        ("clip", "CLIPModel", (read, _) => Clip.Create(read)),
        ("clip_text_model", "CLIPTextModel", (read, _) => new ClipTextModel(new ClipText(ClipText.Read(read)))),
        ("clip_vision_model", "CLIPVisionModel", (read, _) => new ImageModel(new ClipVision(ClipVision.Read(read)))),
        ("siglip", "SiglipModel", (read, _) => Siglip.Create(read)),
        ("llava", "LlavaForConditionalGeneration", (read, _) => Llava.Create(read)),
        ("craton_classifier", "PictureClassifier", (read, _) => new PictureClassifier(read)),
        ("craton_vqa", "PictureAnswerer", (read, _) => new PictureAnswerer(read)),
        ("craton_clip", "PictureTextModel", (read, _) => new PictureTextModel(read)),
        ("craton_caption", "PictureCaptioner", (read, _) => new PictureCaptioner(read)),
        ("siglip_vision_model", "SiglipVisionModel", (read, _) => new ImageModel(new SiglipVision(SiglipVision.Read(read)))),
        ("resnet", "ResNetModel", (read, _) => new ImageModel(new ResNet(new ResNetConfig(read)))),
        ("resnet", "ResNetForImageClassification", (read, _) => new ImageClassifier(new ResNet(new ResNetConfig(read)), read, head: "classifier.1")),
        ("convnext", "ConvNextModel", (read, _) => new ImageModel(new ConvNext(new ConvNextConfig(read)))),
        ("convnext", "ConvNextForImageClassification", (read, _) => new ImageClassifier(new ConvNext(new ConvNextConfig(read)), read)),
        ("vision-encoder-decoder", "VisionEncoderDecoderModel", (read, pooler) => VisionEncoderDecoder.Create(read, pooler)),
        ("blip", "BlipForConditionalGeneration", (read, _) => BlipCaptioner.Create(read)),
        ("blip", "BlipForQuestionAnswering", (read, _) => BlipAnswerer.Create(read)),
    ];

    /// <summary>Whether a directory holds a model of a family of images.</summary>
    /// <exception cref="CratonException">Its configuration is damaged.</exception>
    public static bool Holds(string directory)
    {
        if (!File.Exists(Path.Combine(directory, "config.json"))) return false;
        ConfigReader read = EncoderDirectory.ReadConfig(directory, out _);
        return Known.Any(known => IsMeant(known.ModelType, known.Architecture, read));
    }

    /// <summary>Reads a model; weights in BF16 or F16 are widened.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="map">True: weights in F32 stay in the file and are read when touched (<see cref="SafetensorsMapping"/>).</param>
    /// <exception cref="CratonException">A file is missing or damaged, the model is of no family that is known, or the weights do not fit.</exception>
    public static VisionModel Load(string directory, bool map = false)
    {
        ConfigReader read = EncoderDirectory.ReadConfig(directory, out JsonObject config);
        using SafetensorsModel weights = SafetensorsModel.Open(directory);
        VisionModel model = Create(read, weights.Names.Any(name => name.Contains("pooler.", StringComparison.Ordinal)));
        model.Source = new EncoderSource(config, DecoderWeights.TypeOf(weights)) { Integers = IntegersOf(weights) };
        model.StoredName = model.NamesIn([.. weights.Names]);
        EncoderDirectory.Fill(directory, [.. Stored(model)], weights, name => IsInteger(name) || model.IsCopy(name), map, model.IsStoredTransposed);
        return model;
    }

    /// <summary>Writes a model that was read from a directory: the configuration it had, and the weights; the directory appears complete or not at all.</summary>
    /// <param name="directory">The directory, which replaces one that was there.</param>
    /// <param name="model">The model.</param>
    /// <param name="type">Element type of the weights; that of the files it was read from when null.</param>
    /// <exception cref="CratonException">The model was not read from a directory.</exception>
    public static void Save(string directory, VisionModel model, DType? type = null) => EncoderDirectory.Write(directory, model.Source, [.. Stored(model)], type, model.IsStoredTransposed);

    /// <summary>The parameters and buffers under the names of the files the model was read from.</summary>
    internal static IEnumerable<(string Name, Tensor Tensor)> Stored(VisionModel model) => model.NamedParameters().Concat(model.NamedBuffers()).Select(p => (model.StoredName(p.Name), p.Tensor));

    /// <summary>The model that a configuration describes, with zeroed weights that have no memory yet.</summary>
    internal static VisionModel Create(ConfigReader read, bool pooler)
    {
        read.Refuse(read.Has("quantization_config"), "quantization_config", "its weights are not plain numbers; take the model's original");
        foreach ((string modelType, string architecture, Func<ConfigReader, bool, VisionModel> create) in Known)
            if (IsMeant(modelType, architecture, read)) return create(read, pooler);
        string named = string.Join(", ", read.Texts("architectures") ?? []);
        throw new CratonException(
            $"{read.File}: model_type is '{read.ModelType}' and architectures '{named}', which cannot be opened as a model of images; known are {string.Join(", ", Known.Select(k => k.Architecture))}");
    }

    // Numbers of batches that norms have seen, and of positions.
    private static bool IsInteger(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) || name.EndsWith(".position_ids", StringComparison.Ordinal);

    private static TensorSource[] IntegersOf(SafetensorsModel weights)
    {
        var integers = new List<TensorSource>();
        foreach (string name in weights.Names.Where(IsInteger))
        {
            SafetensorsFile file = weights.FileOf(name)!;
            SafetensorsEntry entry = file[name];
            if (entry.Type is not DType.I64 || entry.Length > MostIntegerBytes) continue;
            byte[] content = new byte[entry.Length];
            file.Read(name, content);
            integers.Add(new TensorSource(name, DType.I64, entry.Shape, stream => stream.Write(content)));
        }
        return [.. integers];
    }

    private static bool IsMeant(string modelType, string architecture, ConfigReader read) =>
        read.ModelType == modelType && (read.Texts("architectures") is not [var named, ..] || named == architecture);
}
