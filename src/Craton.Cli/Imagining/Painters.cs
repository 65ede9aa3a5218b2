using Craton.Data.Images;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Generative;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Cli.Imagining;

/// <summary>Paints a picture: numbers from 0 to 1, [1, channels, height, width].</summary>
internal delegate Tensor Painter(PictureOrder order);

/// <summary>The kinds of models that paint: one branch each.</summary>
internal static class Painters
{
    private const int UsualSteps = 30, StepsOfTraining = 1000;

    /// <summary>The painter in a model directory.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="clip">That of a model which tells the best of several pictures, or null.</param>
    /// <param name="samples">Pictures drawn for one that is kept, or null.</param>
    /// <exception cref="CratonException">The directory holds no model that paints, or a damaged one.</exception>
    public static Painter Open(string directory, string? clip, int? samples) => PipelineFolder.ClassIn(directory) switch
    {
        _ when (clip is not null ? "--clip" : samples is not null ? "--samples" : null) is { } option && !DalleDirectory.Holds(directory) => throw new CratonException($"{option}: expected a model of the recipe dalle, which draws several pictures, got '{directory}'; leave the option out"),
        { } kind when StableDiffusionPipeline.Knows(kind) => Captioned(StableDiffusionPipeline.Load(directory)),
        { } kind when UnconditionalPipeline.Knows(kind) => Unconditional(UnconditionalPipeline.Load(directory), kind == "DDPMPipeline" ? StepsOfTraining : UsualSteps),
        { } kind => throw new CratonException($"'{directory}' holds a {kind}, expected a StableDiffusionPipeline or a DDPMPipeline; give another model"),
        null when SceneDiffusionDirectory.Holds(directory) => Scenes(SceneDiffusionDirectory.Load(directory)),
        null when DalleDirectory.Holds(directory) => Codes(DalleDirectory.Load(directory), clip is null ? null : ImageTextReader.Open(clip), samples),
        null when LabelledDrawing.Holds(directory) => Labelled(LabelledDrawing.Load(directory)),
        null => throw new CratonException($"'{directory}' holds no model that paints: expected a folder with a model_index.json, in the layout of Stable Diffusion, or one that a recipe for pictures has trained; give another one"),
    };

    private static Painter Captioned(StableDiffusionPipeline pipeline) => order =>
    {
        if (order.Caption is not { } caption) throw new CratonException("expected a caption that says what to paint, got none; write it behind the options");
        (int Width, int Height)? size = order.Size ?? (order.Image is { } image ? Whole(image, pipeline.Unit) : null);
        var request = new PictureRequest
        {
            Captions = [caption],
            Negative = order.Negative is { } negative ? [negative] : null,
            Sampler = new SamplerOptions(order.Steps ?? UsualSteps),
            Guidance = order.Guidance ?? 7.5,
            Size = size is { } s ? (s.Height, s.Width) : null,
            Image = order.Image is null ? null : Numbers(PictureResizer.Resize(order.Image.OnWhite(), size!.Value.Width, size.Value.Height, PictureFilter.Lanczos)),
            Mask = order.Mask is null ? null : Numbers(order.Mask.ToGrey()),
            Strength = order.Strength,
            OnStep = step => order.OnStep(step.Number, step.Count),
        };
        return pipeline.Generate(request, SeededNoise.Of(order.Seed));
    };

    private static Painter Labelled(LabelledGenerator model) => order =>
    {
        const string Why = "this model paints what a label asks for, in one size";
        PictureOrder.Refuse(order.Negative, "--negative", Why);
        PictureOrder.Refuse(order.Size, "--size", Why);
        PictureOrder.Refuse(order.Image, "--image", Why);
        int[] asked = [LabelledDrawing.Label(model, order.Caption)];
        if (model is LabelDiffusion diffusion)
        {
            DrawingSettings drawing = Drawing(diffusion.Drawing, order);
            return diffusion.Draw(asked, diffusion.Noise(1, order.Seed), drawing, (call, _) => order.OnStep(call + 1, drawing.Calls));
        }
        PictureOrder.Refuse(order.Steps, "--steps", "this model paints in one step");
        PictureOrder.Refuse(order.Guidance, "--guidance", "this model is not guided");
        return model.Draw(asked, order.Seed);
    };

    private static Painter Unconditional(UnconditionalPipeline pipeline, int usualSteps) => order =>
    {
        const string Why = "this model paints out of noise alone";
        PictureOrder.Refuse(order.Caption, "the caption", Why);
        PictureOrder.Refuse(order.Negative, "--negative", Why);
        PictureOrder.Refuse(order.Guidance, "--guidance", Why);
        PictureOrder.Refuse(order.Size, "--size", "this model paints in one size");
        PictureOrder.Refuse(order.Image, "--image", Why);
        return pipeline.Generate(1, new SamplerOptions(order.Steps ?? usualSteps), SeededNoise.Of(order.Seed), step => order.OnStep(step.Number, step.Count));
    };

    private static DrawingSettings Drawing(DrawingSettings usual, PictureOrder order) => usual with { Steps = order.Steps ?? usual.Steps, Guidance = order.Guidance ?? usual.Guidance };

    private static Painter Scenes(SceneDiffusion model) => order =>
    {
        const string Why = "this model draws scenes by captions alone";
        PictureOrder.Refuse(order.Negative, "--negative", Why);
        PictureOrder.Refuse(order.Size, "--size", "this model paints in one size");
        PictureOrder.Refuse(order.Image, "--image", Why);
        if (order.Caption is not { } caption) throw new CratonException("expected a caption that says what to paint, got none; as in 'a small red circle above a large blue square'");
        DrawingSettings drawing = Drawing(model.Drawing, order);
        return Numbers(model.Draw([SceneDiffusion.ReadCaption(caption)], order.Seed, drawing, step => order.OnStep(step, drawing.Calls))[0]);
    };

    private static Painter Codes(Dalle model, ImageTextReader? clip, int? samples) => order =>
    {
        const string Why = "this model draws by captions alone";
        PictureOrder.Refuse(order.Negative, "--negative", Why);
        PictureOrder.Refuse(order.Guidance, "--guidance", Why);
        PictureOrder.Refuse(order.Steps, "--steps", "this model draws code by code");
        PictureOrder.Refuse(order.Size, "--size", "this model paints in one size");
        PictureOrder.Refuse(order.Image, "--image", Why);
        if (order.Caption is not { } caption) throw new CratonException("expected a caption that says what to paint, got none; as in 'a small red circle above a large blue square on a black background'");
        return Numbers(model.Draw(caption, order.Seed, model.Drawing with { Samples = samples ?? model.Drawing.Samples }, clip)[0].Picture);
    };

    // The size of an image, cut to what codes can be made of.
    private static (int, int) Whole(Picture image, int unit) => (Math.Max(unit, image.Width / unit * unit), Math.Max(unit, image.Height / unit * unit));

    private static Tensor Numbers(Picture picture)
    {
        int plane = picture.Width * picture.Height;
        float[] values = new float[picture.Samples.Length];
        for (int i = 0; i < values.Length; i++) values[i % picture.Channels * plane + i / picture.Channels] = picture.Samples[i] / 255f;
        return Tensor.From(values, 1, picture.Channels, picture.Height, picture.Width);
    }
}
