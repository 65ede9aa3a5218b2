using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton embed -m MODEL</c>: vectors of the texts on standard input, or of pictures.</summary>
internal sealed class EmbedVerb : Verb
{
    private readonly ModelOption _model = new("A directory of a sentence encoder, of an encoder, or of CLIP or SigLIP; for pictures of an encoder of images too");
    private readonly Option<bool> _jsonl = new("--jsonl") { Description = "Each line is a JSON object with the text under \"text\", in place of the text itself" };

    private readonly Option<string?> _images = new("--images") { Description = $"Vectors of pictures in place of texts. {PictureSources.Help}" };

    public override Command Build()
    {
        var command = new Command("embed", "Turn the lines of standard input, or pictures, into vectors") { _model, _jsonl, _images };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string directory = parsed.GetValue(_model)!;
        VisionModel? vision = VisionDirectory.Holds(directory) ? VisionDirectory.Load(directory, map: true) : null;
        if (parsed.GetValue(_images) is { } source)
        {
            if (parsed.GetValue(_jsonl)) throw new CratonException("--jsonl says how texts are given, and --images takes pictures; leave one of them out");
            IReadOnlyList<(string Path, float[] Vector)> pictures = PictureSources.Each(source, output, OfPictures(directory, vision));
            Show([.. pictures.Select(p => p.Vector)], new JsonObject { ["images"] = new JsonArray([.. pictures.Select(p => (JsonNode)p.Path)]) }, output);
            return 0;
        }
        (Func<string[], float[][]> encode, int most) = OfTexts(directory, vision);
        float[][] vectors = encode(Texts(Console.In.ReadToEnd(), parsed.GetValue(_jsonl)));
        Show(vectors, new JsonObject { ["max_tokens"] = most }, output);
        return 0;
    }

    // What makes the vector of a picture file, and what those of texts. Vectors of CLIP have length 1, so that products are cosines.
    private static Func<string, float[]> OfPictures(string directory, VisionModel? vision)
    {
        Func<Tensor, Tensor> encode = vision switch
        {
            ImageTextModel model => pixels => ImageTextModel.Normalised(model.ImageFeatures(pixels)),
            ImageModel model => pixels => model.Encoder.Pooled(model.Encoder.Hidden(pixels)),
            _ => throw new CratonException($"--images: '{directory}' has no side for images; give CLIP, SigLIP or an encoder of images"),
        };
        ImageProcessor processor = ImageProcessor.Load(directory);
        return path =>
        {
            using var scope = TensorScope.Open("image");
            return encode(Ops.Unsqueeze(processor.ReadFile(path), 0)).ToArray<float>();
        };
    }

    private static (Func<string[], float[][]> Encode, int MostTokens) OfTexts(string directory, VisionModel? vision)
    {
        switch (vision)
        {
            case null:
                SentenceEncoder encoder = SentenceEncoder.Load(directory);
                encoder.PackWeights();
                return (encoder.Encode, encoder.MaxTokens);
            case ImageTextModel model:
                ImageTextReader reader = ImageTextReader.Load(directory, model);
                return (texts => Array.ConvertAll(texts, text => OfText(reader, text)), model.LongestText);
            default:
                throw new CratonException($"'{directory}' has no side for texts; give pictures with --images, or a CLIP or SigLIP model");
        }
    }

    private static float[] OfText(ImageTextReader reader, string text)
    {
        using var scope = TensorScope.Open("text");
        return ImageTextModel.Normalised(reader.Texts([text])).ToArray<float>();
    }

    private static void Show(float[][] vectors, JsonObject more, Output output)
    {
        if (!output.IsJson)
            foreach (float[] vector in vectors) output.Line(Json(vector).ToJsonString(Output.Lines));
        var result = new JsonObject { ["embeddings"] = new JsonArray([.. vectors.Select(Json)]), ["dimensions"] = vectors.FirstOrDefault()?.Length };
        foreach ((string name, JsonNode? value) in more) result[name] = value?.DeepClone();
        output.Result(result);
    }

    // Only line feeds end a line: a text may hold other characters that separate lines elsewhere.
    private static string[] Texts(string input, bool areObjects)
    {
        string[] lines = input.Split('\n');
        if (lines[^1].Length == 0) lines = lines[..^1];
        return areObjects
            ? [.. lines.Select((line, i) => (Line: line, Number: i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.Line)).Select(l => Text(l.Line, l.Number))]
            : Array.ConvertAll(lines, line => line.EndsWith('\r') ? line[..^1] : line);
    }

    private static string Text(string line, int number)
    {
        try
        {
            return JsonElement.Parse(line) is { ValueKind: JsonValueKind.Object } row && row.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : throw new CratonException($"standard input, line {number}: expected an object with a text under \"text\"");
        }
        catch (JsonException e)
        {
            throw new CratonException($"standard input, line {number}: no JSON ({e.Message.TrimEnd('.')})", e);
        }
    }

    private static JsonArray Json(float[] vector) => new([.. vector.Select(value => (JsonNode)value)]);
}
