using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Diffusion;
using Craton.Models.Diffusion.Samplers;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>How pictures are drawn.</summary>
/// <param name="Steps">Steps from noise to a picture.</param>
/// <param name="Guidance">How far the caption counts; 1 for as it was learnt (Ho, Salimans 2022).</param>
public sealed record SceneDrawing(int Steps = 25, double Guidance = 2);

/// <summary>
/// Draws scenes by their captions: a <see cref="DrawingUNet"/> that takes noise away step by step, told by the phrases of the caption. All of them
/// together scale and shift what is normalised, and the pixels attend to each. Trained with v-prediction (T. Salimans, J. Ho, 2022) and
/// captions left out now and then, so that its answers can be guided.
/// </summary>
public sealed class SceneDiffusion : Module
{
    private const int Channels = 3, Chunk = 32;
    private const double MostWeight = 10;

    private static readonly uint s_noise = CounterRandom.PlaceOf("scenes.draw");

    private readonly PhraseEncoder _text;
    private readonly DrawingUNet _network;

    /// <summary>Creates the model with zeroed weights.</summary>
    /// <exception cref="CratonException">The shape is out of range.</exception>
    public SceneDiffusion(SceneDiffusionConfig config)
    {
        Config = config.Checked("[scene_diffusion]");
        _text = Child("text", new PhraseEncoder(config.TextWidth, config.TextLayers));
        _network = Child("network", new DrawingUNet(config.Network));
        Process = new(new ConfigReader("[scene_diffusion]", JsonSerializer.SerializeToElement<JsonObject>(DiffusionProcess.Settings("squaredcos_cap_v2", Prediction.Clean))));
    }

    /// <summary>Its shape.</summary>
    public SceneDiffusionConfig Config { get; }

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
        Tensor noise = Tensor.Empty(DType.F32, pictures.Shape);
        random.FillNormal(noise.AsSpan<float>());
        Tensor phrases = _text.Forward(captions);
        return Process.Loss(pictures, noise, Process.Timesteps(captions.Count, random), (x, times) => Answer(x, times, phrases), Weight);
    }

    /// <summary>Draws a picture for each caption; a picture depends on the seed, its number and its caption alone.</summary>
    public IReadOnlyList<Picture> Draw(IReadOnlyList<SceneCaption> captions, ulong seed, SceneDrawing drawing)
    {
        var pictures = new List<Picture>();
        foreach (SceneCaption[] chunk in captions.Chunk(Chunk))
            using (TensorScope.Open("draw"))
            {
                Tensor noise = Tensor.Empty(DType.F32, chunk.Length, Channels, Scene.Side, Scene.Side);
                int size = noise.AsSpan<float>().Length / chunk.Length;
                for (int i = 0; i < chunk.Length; i++)
                    new CounterRandom(seed, (uint)(pictures.Count + i), s_noise).FillNormal(noise.AsSpan<float>().Slice(i * size, size));
                Tensor phrases = _text.Forward([.. chunk, .. Enumerable.Repeat<SceneCaption?>(null, chunk.Length)]);
                Tensor drawn = Process.Draw(new SamplerOptions(drawing.Steps), _ => noise, (x, time) => Guided(x, time, phrases, drawing.Guidance));
                Tensor shown = Ops.Clamp(drawn * 0.5 + 0.5, 0, 1);
                for (int i = 0; i < chunk.Length; i++) pictures.Add(PictureGrid.Of(shown.AsSpan<float>().Slice(i * size, size), Scene.Side, Scene.Side, Channels, 1));
            }
        return pictures;
    }

    // As v-prediction weighs errors of the picture, (1 + signal / noise), but no more than the greatest weight: what is flat needs no last digits.
    private double Weight(int timestep) => Math.Min(1 + Process.Schedule.SignalToNoise(timestep), MostWeight);

    private Tensor Guided(Tensor x, double time, Tensor phrases, double guidance)
    {
        Tensor twice = Ops.Concat(0, x, x);
        return DiffusionProcess.Guided(Answer(twice, Tensor.Full((float)time, twice.Size(0)), phrases), guidance);
    }

    private Tensor Answer(Tensor x, Tensor times, Tensor phrases) => _network.Forward(x, times, Ops.Sum(phrases, [1]), phrases);
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
