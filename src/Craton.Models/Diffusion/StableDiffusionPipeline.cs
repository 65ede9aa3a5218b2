using Craton.Models.Diffusion.Networks;
using Craton.Models.Diffusion.Samplers;
using Craton.Models.Vision;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Diffusion;

/// <summary>
/// Pictures for captions, out of noise or out of images: CLIP reads the caption, a U-Net works on codes, an autoencoder makes them pictures. R.
/// Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022. The folder has the layout of Stable Diffusion 1 and 2; a
/// safety checker in it is not run.
/// </summary>
public sealed class StableDiffusionPipeline
{
    private const int MostPixels = 1 << 13; // in a row

    private readonly UNet2DConditionModel _network;
    private readonly AutoencoderKl _codes;
    private readonly ClipText _reader;
    private readonly Tokenizer _tokenizer;
    private readonly bool _seesMask; // and the image without what is painted anew, beside the code

    private StableDiffusionPipeline(UNet2DConditionModel network, AutoencoderKl codes, ClipText reader, Tokenizer tokenizer, ConfigReader scheduler)
    {
        (_network, _codes, _reader, _tokenizer, Scheduler) = (network, codes, reader, tokenizer, scheduler);
        _seesMask = network.InChannels == 2 * codes.Channels + 1;
        if (network.InChannels != codes.Channels && !_seesMask)
            throw new CratonException($"unet: in_channels is {network.InChannels}, expected the {codes.Channels} channels of the vae's codes, or as many twice and a mask");
    }

    /// <summary>The settings of the sampler, under the names of a <c>scheduler_config.json</c>.</summary>
    public ConfigReader Scheduler { get; set; }

    /// <summary>What the height and width of pictures are multiples of.</summary>
    public int Unit => _codes.Reduction;

    /// <summary>Whether a pipeline of this class is one.</summary>
    public static bool Knows(string pipeline) => pipeline is "StableDiffusionPipeline" or "StableDiffusionImg2ImgPipeline" or "StableDiffusionInpaintPipeline";

    /// <summary>Reads the folder.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or a setting is not supported.</exception>
    public static StableDiffusionPipeline Load(string directory)
    {
        string texts = Path.Combine(directory, "text_encoder");
        ClipText reader = VisionDirectory.Load(texts) is ClipTextModel model ? model.Text
            : throw new CratonException($"{texts}: expected a CLIPTextModel, got another model of images and texts");
        return new StableDiffusionPipeline(
            UNet2DConditionModel.Load(Path.Combine(directory, "unet")), AutoencoderKl.Load(Path.Combine(directory, "vae")), reader,
            ModelDirectory.ReadTokenizer(Path.Combine(directory, "tokenizer")), PipelineFolder.Scheduler(directory));
    }

    /// <summary>Adds a low-rank update to the weights of the network and of the text encoder.</summary>
    /// <exception cref="CratonException">It is for other models; no weight has changed then.</exception>
    public void Merge(LoraFile update, double scale = 1) => update.MergeInto(_network, scale, _reader);

    /// <summary>Token ids of texts, cut and filled up to the length the text encoder was trained with.</summary>
    /// <returns>I32 [N, T].</returns>
    public Tensor Tokens(IReadOnlyList<string> texts)
    {
        int length = _reader.Config.Longest;
        string fill = _tokenizer.PadToken ?? "<|endoftext|>";
        int id = _tokenizer.IdOf(fill) ?? throw new CratonException($"tokenizer: expected the token '{fill}', which fills texts up, in the vocabulary");
        var options = new EncodeOptions { Truncation = new Truncation(length), Padding = new Padding(id, fill) { Length = length } };
        int[] ids = [.. _tokenizer.EncodeTexts(texts.Select(text => (text, (string?)null)), options).SelectMany(text => text.Ids)];
        return Tensor.From(ids, texts.Count, length);
    }

    /// <summary>What the network is told of texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="skipped">How many of the last layers of the text encoder are left out.</param>
    /// <returns>Vectors of their tokens, [N, T, C].</returns>
    public Tensor Read(IReadOnlyList<string> texts, int skipped = 0)
    {
        using var scope = TensorScope.Open("texts");
        return scope.Keep(_reader.Hidden(Tokens(texts), skipped: skipped));
    }

    /// <summary>Paints a picture for each caption.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="noise">Draws the noise.</param>
    /// <returns>Pictures [N, C, H, W] from 0 to 1.</returns>
    /// <exception cref="CratonException">Something of the request does not fit the model.</exception>
    public Tensor Generate(PictureRequest request, NoiseSource noise)
    {
        Tensor context = Context(request);
        int count = request.Guidance > 1 ? context.Size(0) / 2 : context.Size(0);
        DiffusionSampler sampler = DiffusionSampler.Create(Scheduler, request.Sampler);
        int first = FirstCall(request, sampler), calls = sampler.Timesteps.Length;
        int[] shape = CodeShape(request, count);
        Tensor? mask = CodeMask(request, shape), image = request.Image is null ? null : Encoded(request.Image * 2 - 1, shape, noise, draw: 0);
        Tensor start = noise(NoiseUse.Start, 0, shape);
        Tensor x = image is null || (mask is not null && first == 0) ? start * sampler.InitialScale : sampler.Noised(image, start, first);
        Tensor? beside = _seesMask ? Beside(request, shape, mask, noise) : null;
        for (int call = first; call < calls; call++)
        {
            Tensor answer = Answer(sampler.Input(x, call), beside, sampler.Timesteps[call], context);
            x = sampler.Step(Guided(answer, count, request), x, call, sampler.DrawsNoise(call) ? noise(NoiseUse.Step, call, shape) : null);
            // What is not painted anew has the noise of the next call, unless the network sees it.
            if (mask is not null && beside is null) x = x * mask + (call + 1 < calls ? sampler.Noised(image!, start, call + 1) : image!) * Ops.Affine(mask, -1, 1);
            request.OnStep?.Invoke(new PictureStep(call + 1 - first, calls - first, sampler.Timesteps[call], x, answer));
        }
        return Decoded(x);
    }

    // Under guidance [2 N, T, C], what is not shown first.
    private Tensor Context(PictureRequest request)
    {
        Tensor told = request.Context ?? (request.Captions.Count > 0 ? Read(request.Captions, request.SkippedLayers) : throw new CratonException("[imagine] captions: expected one or more, got none"));
        if (request.Guidance <= 1) return told;
        int count = told.Size(0);
        Tensor plain = request.NegativeContext ?? Read(request.Negative ?? [.. Enumerable.Repeat("", count)]);
        if (plain.Size(0) != count) throw new CratonException($"[imagine] negative: expected one text for each of the {count} captions, got {plain.Size(0)}");
        return Ops.Concat(0, plain, told);
    }

    private static int FirstCall(PictureRequest request, DiffusionSampler sampler)
    {
        if (request.Mask is not null && request.Image is null) throw new CratonException("[imagine] mask: expected an image to paint into, got none");
        if (request.Image is null) return 0;
        double strength = request.Strength ?? (request.Mask is null ? 0.8 : 1);
        int steps = request.Sampler.Steps, taken = strength is >= 0 and <= 1 ? (int)(steps * strength) : 0;
        if (taken == 0) throw new CratonException($"[imagine] strength: expected more than 0 to 1, and one step or more of {steps}, got {strength}");
        return (steps - taken) * sampler.CallsPerStep;
    }

    private int[] CodeShape(PictureRequest request, int count)
    {
        (int height, int width) = request.Size ?? (request.Image is { } image ? (image.Size(2), image.Size(3))
            : _network.SampleSize is { } size ? (size.Height * _codes.Reduction, size.Width * _codes.Reduction)
            : throw new CratonException("[imagine] size: expected a height and a width, since the network's config.json gives no sample_size"));
        int unit = _codes.Reduction;
        if (height < unit || width < unit || height > MostPixels || width > MostPixels || height % unit != 0 || width % unit != 0)
            throw new CratonException($"[imagine] size: expected multiples of {unit} up to {MostPixels}, got {height} × {width}");
        return [count, _codes.Channels, height / unit, width / unit];
    }

    private Tensor Encoded(Tensor image, int[] shape, NoiseSource noise, int draw)
    {
        (int height, int width) = (shape[2] * _codes.Reduction, shape[3] * _codes.Reduction);
        if (image.Rank != 4 || (image.Size(0) != 1 && image.Size(0) != shape[0]) || image.Size(2) != height || image.Size(3) != width)
            throw new CratonException($"[imagine] image: expected [1 or {shape[0]}, channels, {height}, {width}], got {image.Layout}");
        using var scope = TensorScope.Open("image");
        (Tensor mean, Tensor logVariance) = _codes.Encode(image);
        Tensor code = (Ops.SampleGaussian(mean, logVariance, noise(NoiseUse.Encoding, draw, mean.Shape)) - _codes.Shift) * _codes.Scale;
        return scope.Keep(ForEach(code, shape[0]));
    }

    // The mask, and the code of the image that is grey where it is painted anew.
    private Tensor Beside(PictureRequest request, int[] shape, Tensor? mask, NoiseSource noise)
    {
        if (mask is null) throw new CratonException("[imagine] mask: expected an image and a mask, since this model paints into pictures, got none");
        Tensor image = request.Image! * 2 - 1, kept = Ops.Affine(Sharp(request.Mask!, (image.Size(2), image.Size(3))), -1, 1);
        return Ops.Concat(1, ForEach(mask, shape[0]), Encoded(image * kept, shape, noise, draw: 1));
    }

    private static Tensor ForEach(Tensor one, int count) => one.Size(0) == count ? one : Ops.Concat(0, [.. Enumerable.Repeat(one, count)]);

    // 1 where codes are made anew, [1 or N, 1, h, w].
    private static Tensor? CodeMask(PictureRequest request, int[] shape)
    {
        if (request.Mask is not { } mask) return null;
        if (mask.Rank != 4 || (mask.Size(0) != 1 && mask.Size(0) != shape[0]) || mask.Size(1) != 1)
            throw new CratonException($"[imagine] mask: expected [1 or {shape[0]}, 1, height, width], got {mask.Layout}");
        return Sharp(mask, (shape[2], shape[3]));
    }

    // 0 or 1, in another size.
    private static Tensor Sharp(Tensor mask, Size2 size)
    {
        float[] values = [.. mask.ToArray<float>().Select(v => v >= 0.5f ? 1f : 0f)];
        return Ops.Interpolate(Tensor.From(values, mask.Shape), size);
    }

    // What the network computes on its way is released at once.
    private Tensor Answer(Tensor x, Tensor? beside, double time, Tensor context)
    {
        using var scope = TensorScope.Open("network");
        if (beside is not null) x = Ops.Concat(1, x, beside);
        if (context.Size(0) != x.Size(0)) x = Ops.Concat(0, x, x);
        return scope.Keep(_network.Forward(x, Tensor.Full((float)time, x.Size(0)), context));
    }

    private static Tensor Guided(Tensor answer, int count, PictureRequest request) => answer.Size(0) == count
        ? answer
        : Guidance.Combine(Ops.Slice(answer, 0, 0, count), Ops.Slice(answer, 0, count), request.Guidance, request.GuidanceRescale);

    // One by one: the autoencoder needs much more memory than the network.
    private Tensor Decoded(Tensor codes) => Ops.Concat(0, [.. Enumerable.Range(0, codes.Size(0)).Select(n =>
    {
        using var scope = TensorScope.Open("picture");
        Tensor picture = _codes.Decode(Ops.Slice(codes, 0, n, n + 1) / _codes.Scale + _codes.Shift);
        return scope.Keep(Ops.Clamp(picture * 0.5 + 0.5, 0, 1));
    })]);
}
