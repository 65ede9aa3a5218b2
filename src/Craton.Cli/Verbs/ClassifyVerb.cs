using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton classify -m MODEL IMAGE…</c>: what is in pictures, by a model's own classes or by labels that are only named.</summary>
internal sealed class ClassifyVerb : Verb
{
    private readonly Option<string> _model = new("--model", "-m") { Description = "A directory of a classifier of images (ViT, DeiT, DINOv2, ResNet, ConvNeXt), or of CLIP or SigLIP", Required = true };
    private readonly Option<string?> _labels = new("--labels") { Description = "For CLIP and SigLIP: the labels, separated by commas" };
    private readonly Argument<string[]> _images = new("images") { Description = $"{PictureFile.Kinds} files", Arity = ArgumentArity.OneOrMore };

    public override Command Build()
    {
        var command = new Command("classify", "Tell what is in pictures") { _model, _labels, _images };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string directory = parsed.GetValue(_model)!;
        string[]? given = parsed.GetValue(_labels)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        using var scope = TensorScope.Open("classify");
        (IReadOnlyList<string> labels, Func<string, Tensor> probabilities) = Classifier(directory, given);
        var results = new JsonArray();
        foreach (string image in parsed.GetValue(_images)!)
        {
            float[] shares = probabilities(image).ToArray<float>();
            (string Label, float Share)[] ranked = [.. labels.Zip(shares).OrderByDescending(pair => pair.Second)];
            output.Line($"{image}: {string.Join(", ", ranked.Take(5).Select(pair => $"{pair.Label} {pair.Share:P1}"))}");
            var scores = new JsonArray([.. ranked.Select(pair => new JsonObject { ["label"] = pair.Label, ["probability"] = Output.Number(pair.Share) })]);
            results.Add((JsonNode)new JsonObject { ["image"] = image, ["labels"] = scores });
        }
        output.Result(new JsonObject { ["images"] = results });
        return 0;
    }

    // The labels, and what gives the probability of each for a file.
    private static (IReadOnlyList<string> Labels, Func<string, Tensor> Probabilities) Classifier(string directory, string[]? given)
    {
        switch (VisionDirectory.Load(directory, map: true))
        {
            case ImageClassifier classifier:
                if (given is not null) throw new CratonException($"--labels: '{directory}' has classes of its own; leave the option out, or take a CLIP model");
                ImageProcessor processor = ImageProcessor.Load(directory);
                return (classifier.Labels, image => classifier.Probabilities(classifier.Logits(Ops.Unsqueeze(processor.ReadFile(image), 0))));
            case PictureClassifier classifier:
                if (given is not null) throw new CratonException($"--labels: '{directory}' has classes of its own; leave the option out, or take a CLIP model");
                ImageProcessor pictures = ImageProcessor.Load(directory);
                return (classifier.Labels, image => Ops.Softmax(classifier.Logits(Ops.Unsqueeze(pictures.ReadFile(image), 0))));
            case ImageTextModel model:
                if (given is not { Length: > 0 }) throw new CratonException($"--labels: expected labels for '{directory}', which has no classes of its own, got none; give for example --labels \"cat, dog\"");
                ImageTextReader reader = ImageTextReader.Load(directory, model);
                Tensor texts = reader.Texts(given);
                return (given, image => model.Probabilities(model.Logits(reader.Image(image), texts)));
            default:
                throw new CratonException($"'{directory}' has neither classes nor a side for texts; give a classifier of images, or a CLIP or SigLIP model");
        }
    }
}
