using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>
/// Draws scenes by their captions: a <see cref="DrawingUNet"/> that takes noise away step by step. In every block each pixel attends to the phrases of
/// the caption and to nothing else of it, so it is told of one thing or the other, not of their sum, in which it could not be told whose a colour is. It
/// answers with the clean picture, which for flat shapes is far simpler than the noise, and sometimes is told no caption, so that the difference can guide
/// it (Ho, Salimans 2022). It draws pixels, or in the space of an auto-encoder, which makes the picture in the end (R. Rombach et al., "High-Resolution
/// Image Synthesis with Latent Diffusion Models", 2022).
/// </summary>
public sealed class SceneDiffusion : Module
{
    private const int Channels = 3, Chunk = 32;
    private const double MostWeight = 100; // where little noise counts too little, circles and squares end half way between each other

    private static readonly uint s_noise = CounterRandom.PlaceOf("scenes.draw");

    private readonly PhraseEncoder _text;
    private readonly DrawingUNet _network;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="drawing">How it draws unless something else is asked for.</param>
    /// <param name="latents">What it draws in, whose weights are saved with the model and not trained; null for pixels.</param>
    /// <exception cref="CratonException">The shape is out of range.</exception>
    public SceneDiffusion(SceneDiffusionConfig config, DrawingSettings drawing, LatentSpace? latents = null)
    {
        (Config, Drawing, Latents) = (config.Checked("[scene_diffusion]", latents?.Vae.Config), drawing, latents);
        drawing.Check("[scene_diffusion]");
        Process = DiffusionProcess.Create("squaredcos_cap_v2", Prediction.Clean, clips: latents is null, renews: true);
        _text = Child("text", new PhraseEncoder(config.TextWidth, config.TextLayers));
        _network = Child("network", new DrawingUNet(Config.Network));
        if (latents is not null) Child("vae", latents.Vae);
    }

    /// <summary>Its shape.</summary>
    public SceneDiffusionConfig Config { get; }

    /// <summary>How it draws.</summary>
    public DrawingSettings Drawing { get; }

    /// <summary>What it draws in; null for pixels.</summary>
    public LatentSpace? Latents { get; }

    /// <summary>The way to noise and back.</summary>
    public DiffusionProcess Process { get; }

    /// <summary>Reads a caption; where it does not tell the background, that is black.</summary>
    /// <exception cref="SceneCaptionException">A word is not one that the model knows there.</exception>
    public static SceneCaption ReadCaption(string sentence)
    {
        const string End = "background";
        sentence = sentence.Trim();
        return SceneCaption.Parse(sentence.EndsWith(End, StringComparison.Ordinal) ? sentence : $"{sentence} on a black {End}");
    }

    /// <summary>First weights, as the parts say.</summary>
    /// <param name="seed">Seed of the model.</param>
    public SceneDiffusion Initialize(ulong seed)
    {
        _text.Initialize(seed);
        _network.Initialize(seed);
        return this;
    }

    /// <summary>The mean squared error of the answers for scenes with noise.</summary>
    /// <param name="pictures">[N, 3, side, side] of −1 to 1.</param>
    /// <param name="captions">A caption for each; null where it is left out.</param>
    /// <param name="random">Noise and times of this batch.</param>
    public Tensor Loss(Tensor pictures, IReadOnlyList<SceneCaption?> captions, CounterRandom random)
    {
        Tensor clean = Latents?.Encode(pictures) ?? pictures, noise = Tensor.Empty(DType.F32, clean.Shape);
        random.FillNormal(noise.AsSpan<float>());
        Tensor phrases = _text.Forward(captions);
        return Process.Loss(clean, noise, Process.Timesteps(captions.Count, random), (x, times) => Answer(x, times, phrases), MostWeight);
    }

    /// <summary>Draws a picture for each caption; picture i depends on seed + i and its caption alone.</summary>
    /// <param name="captions">What to draw.</param>
    /// <param name="seed">Seed of the noise of the first.</param>
    /// <param name="drawing">How; as the model says when null.</param>
    /// <param name="onStep">Told the number of every step that is done, from 1; of <see cref="DrawingSettings.Calls"/> for every few pictures.</param>
    /// <exception cref="CratonException">The number of steps is out of range.</exception>
    public IReadOnlyList<Picture> Draw(IReadOnlyList<SceneCaption> captions, ulong seed, DrawingSettings? drawing = null, Action<int>? onStep = null)
    {
        var pictures = new List<Picture>();
        foreach (SceneCaption[] chunk in captions.Chunk(Chunk))
            using (TensorScope.Open("draw"))
            {
                Tensor drawn = Drawn(chunk, seed + (ulong)pictures.Count, drawing ?? Drawing, onStep);
                int size = Channels * Scene.Side * Scene.Side;
                for (int i = 0; i < chunk.Length; i++) pictures.Add(PictureGrid.Of(drawn.AsSpan<float>().Slice(i * size, size), Scene.Side, Scene.Side, Channels, columns: 1));
            }
        return pictures;
    }

    /// <summary>Rows of a picture for a caption and three beside it: what share of the attention of each part of it the phrases of the caption have, the
    /// first thing, the second, the background, half way from noise to picture.</summary>
    /// <param name="captions">What to draw.</param>
    /// <param name="seed">Seed of the noise of the first.</param>
    public Picture Attention(IReadOnlyList<SceneCaption> captions, ulong seed)
    {
        using var scope = TensorScope.Open("attention");
        float[] shares = [];
        Tensor drawn = Drawn([.. captions], seed, Drawing, onStep: null, maps => shares = MeanOf(maps).ToArray<float>());
        Tensor grey = Ops.Expand(
            Tensor.From(shares, captions.Count, ScenePhrases.Count, 1, Scene.Side, Scene.Side), captions.Count, ScenePhrases.Count, Channels, Scene.Side, Scene.Side);
        Tensor rows = Ops.Concat(1, Ops.Unsqueeze(drawn, 1), grey);
        return PictureGrid.Of(rows.AsSpan<float>(), Scene.Side, Scene.Side, Channels, columns: 1 + ScenePhrases.Count);

        // Of the captions, not of none, which the second half of the rows is told where drawing is guided.
        Tensor MeanOf(IReadOnlyList<Tensor> maps) =>
            maps.Select(map => Ops.Interpolate(Ops.Slice(map, 0, 0, captions.Count), Scene.Side)).Aggregate((a, b) => a + b) / maps.Count;
    }

    // [N, 3, side, side] of 0 to 1. onHalfWay is told the attention of the first step on the second half of the way.
    private Tensor Drawn(SceneCaption[] captions, ulong seed, DrawingSettings drawing, Action<int>? onStep, Action<IReadOnlyList<Tensor>>? onHalfWay = null)
    {
        bool guided = drawing.Guidance != 1;
        Tensor phrases = _text.Forward([.. captions, .. new SceneCaption?[guided ? captions.Length : 0]]);
        Tensor x = Process.Draw(drawing, number => Noise(captions.Length, seed, number), Guided, (call, _) => onStep?.Invoke(call + 1));
        return Ops.Clamp(Latents?.Decode(x) ?? (x * 0.5 + 0.5), 0, 1);

        Tensor Guided(Tensor x, double time)
        {
            List<Tensor>? maps = onHalfWay is null || (drawing.Steps > 1 && time > Process.Schedule.Steps / 2.0) ? null : [];
            Tensor answers = Answer(guided ? Ops.Concat(0, x, x) : x, Tensor.Full((float)time, phrases.Size(0)), phrases, maps);
            if (maps is not null)
            {
                onHalfWay!(maps);
                onHalfWay = null;
            }
            return guided ? DiffusionProcess.Guided(answers, drawing.Guidance) : answers;
        }
    }

    private Tensor Noise(int count, ulong seed, int number)
    {
        int channels = Config.Network.Channels, side = Scene.Side / (Latents is null ? 1 : SpatialVae.Patch), size = channels * side * side;
        Tensor noise = Tensor.Empty(DType.F32, count, channels, side, side);
        for (int i = 0; i < count; i++) new CounterRandom(seed + (ulong)i, (uint)number, s_noise).FillNormal(noise.AsSpan<float>().Slice(i * size, size));
        return noise;
    }

    private Tensor Answer(Tensor x, Tensor times, Tensor phrases, ICollection<Tensor>? attended = null) =>
        _network.Forward(x, times, context: phrases, attended: attended);
}

/// <summary>Vectors of phrases: the sum of their words' vectors, and layers that see it as a whole.</summary>
internal sealed class PhraseEncoder : Module
{
    private readonly Linear _words;
    private readonly LayerNorm[] _norms;
    private readonly FeedForward[] _layers;

    public PhraseEncoder(int width, int layers)
    {
        _words = Child("words", new Linear(ScenePhrases.Words, width, bias: true));
        _norms = Children("norms", layers, _ => new LayerNorm(width));
        _layers = Children("layers", layers, _ => new FeedForward(width, 4 * width, Activation.Silu, bias: true, ("up", "down")));
    }

    public void Initialize(ulong seed)
    {
        uint index = 1 << 16; // beyond the parameters of the network
        foreach ((string name, Tensor weight) in NamedParameters())
            if (weight.Rank == 2) Init.Normal(weight, name == "words.weight" ? 0.5 : 1 / Math.Sqrt(weight.Size(1)), seed, index++);
    }

    /// <summary>[captions, phrases, width].</summary>
    /// <param name="captions">What is read.</param>
    public Tensor Forward(IReadOnlyList<SceneCaption?> captions)
    {
        const int Size = ScenePhrases.Count * ScenePhrases.Words;
        Tensor marks = Tensor.Zeros(DType.F32, captions.Count, ScenePhrases.Count, ScenePhrases.Words);
        for (int i = 0; i < captions.Count; i++) ScenePhrases.Mark(captions[i], marks.AsSpan<float>().Slice(i * Size, Size));
        Tensor x = _words.Forward(marks);
        for (int i = 0; i < _layers.Length; i++) x = _layers[i].Forward(_norms[i].Forward(x), x);
        return x;
    }
}
