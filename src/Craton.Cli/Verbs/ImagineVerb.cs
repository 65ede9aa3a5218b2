using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Cli.Imagining;
using Craton.Data.Images;
using Craton.Models.Generative;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton imagine -m MODEL [CAPTION] -o FILE</c>: a model paints pictures.</summary>
internal sealed class ImagineVerb : Verb
{
    private const int MostPictures = 10_000;

    private readonly Option<string> _model = new("--model", "-m") { Description = "A directory of Stable Diffusion, of a model that paints out of noise alone, or of one that a recipe for pictures has trained", Required = true };
    private readonly Argument<string?> _caption = new("CAPTION") { Description = "What the picture shows", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _negative = new("--negative") { Description = "What it does not show" };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps from noise to a picture" };
    private readonly Option<double?> _guidance = new("--guidance") { Description = "How much the caption counts, 7.5 by default; 1: as in training" };
    private readonly Option<string?> _size = new("--size") { Description = "Width and height in pixels, as 512x512" };
    private readonly Option<string?> _image = new("--image") { Description = "A PNG file to begin from" };
    private readonly Option<double?> _strength = new("--strength") { Description = "With --image: how far from it, above 0 to 1 (default 0.8, with a mask 1)" };
    private readonly Option<string?> _mask = new("--mask") { Description = "With --image: a PNG file, white where it is painted anew" };
    private readonly Option<string?> _clip = new("--clip") { Description = "For a model of the recipe dalle: a directory of CLIP or SigLIP that tells the best of its pictures" };
    private readonly Option<int?> _samples = new("--samples") { Description = "For a model of the recipe dalle: how many pictures it draws for each that is kept, the best" };
    private readonly Option<int> _count = new("--count") { Description = "Number of pictures; the seed of each is one above that of the picture before", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _out = new("--out", "-o") { Description = "The PNG file; of several pictures NAME-1.png, NAME-2.png, …", Required = true };

    public override Command Build()
    {
        var command = new Command("imagine", "Paint pictures") { _model, _caption, _negative, _steps, _guidance, _size, _image, _strength, _mask, _samples, _clip, _count, _out };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        int count = parsed.GetValue(_count), number = 0;
        string target = parsed.GetValue(_out)!;
        if (count is < 1 or > MostPictures) throw new CratonException($"--count: expected 1 to {MostPictures}, got {count}");
        if (!target.EndsWith(".png", StringComparison.OrdinalIgnoreCase)) throw new CratonException($"--out: expected a name that ends in .png, got '{target}'");
        int? samples = parsed.GetValue(_samples);
        if (samples is < 1 or > DalleDrawing.MostSamples) throw new CratonException($"--samples: expected 1 to {DalleDrawing.MostSamples}, got {samples}");
        PictureOrder order = Order(parsed, (step, steps) => output.Status($"picture {number} of {count}: step {step} of {steps}"));
        Painter paint = Painters.Open(parsed.GetValue(_model)!, parsed.GetValue(_clip), samples);
        var images = new JsonArray();
        for (number = 1; number <= count; number++)
        {
            var watch = Stopwatch.StartNew();
            ulong seed = order.Seed + (ulong)(number - 1);
            Tensor painted = paint(order with { Seed = seed });
            string file = count == 1 ? target : $"{target[..^4]}-{number.ToString(CultureInfo.InvariantCulture)}.png";
            Picture picture = PictureGrid.Of(painted.ToArray<float>(), painted.Size(3), painted.Size(2), painted.Size(1), columns: 1);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
            PngWriter.WriteFile(file, picture);
            output.Show(picture);
            output.Line($"{file}: {picture.Width} × {picture.Height}, seed {seed}, {watch.Elapsed.TotalSeconds:F1} s");
            images.Add((JsonNode)new JsonObject { ["image"] = file, ["width"] = picture.Width, ["height"] = picture.Height, ["seed"] = seed, ["seconds"] = watch.Elapsed.TotalSeconds });
        }
        output.Result(new JsonObject { ["images"] = images });
        return 0;
    }

    private PictureOrder Order(ParseResult parsed, Action<int, int> onStep)
    {
        (string? image, string? mask, double? strength, double? guidance) = (parsed.GetValue(_image), parsed.GetValue(_mask), parsed.GetValue(_strength), parsed.GetValue(_guidance));
        if (image is null && mask is not null) throw new CratonException("--mask was given without --image, expected the picture to paint into");
        if (image is null && strength is not null) throw new CratonException("--strength was given without --image, expected the picture to begin from");
        if (guidance is not (null or (>= 0 and < double.PositiveInfinity))) throw new CratonException($"--guidance: expected a number of 0 or more, got {guidance}");
        return new PictureOrder
        {
            Caption = parsed.GetValue(_caption),
            Negative = parsed.GetValue(_negative),
            Seed = parsed.GetValue(CommandLine.Seed) ?? 0,
            Steps = parsed.GetValue(_steps),
            Guidance = guidance,
            Size = parsed.GetValue(_size) is { } size ? Size(size) : null,
            Image = image is null ? null : PngReader.ReadFile(image).ToPicture(),
            Strength = strength,
            Mask = mask is null ? null : PngReader.ReadFile(mask).ToPicture(),
            OnStep = onStep,
        };
    }

    private static (int Width, int Height) Size(string text) =>
        text.Split('x') is [var width, var height]
            && int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out int w) && int.TryParse(height, NumberStyles.None, CultureInfo.InvariantCulture, out int h)
            ? (w, h)
            : throw new CratonException($"--size: expected a width and a height, as 512x512, got '{text}'");
}
