using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Vision;

/// <summary>
/// LLaVA (Liu et al. 2023, "Visual Instruction Tuning"): a language model that reads the patches of images as tokens. Every image stands where
/// the text has as many tokens of the image's id as it has vectors.
/// </summary>
public sealed class Llava : VisionModel
{
    private const int NoTarget = -100;

    private readonly Linear _first, _second;
    private readonly Activation _activation;
    private readonly int[] _layers;
    private readonly bool _keepsFirst;
    private readonly int _end;

    private Llava(ConfigReader read, ImageEncoder vision, CausalLanguageModel language)
    {
        ImageToken = read.Int("image_token_index", "image_token_id");
        EncoderConfig.Within(read.File, ImageToken, "image_token_index", language.Config.VocabSize - 1);
        _layers = LayersOf(read, vision.Config.Layers);
        _keepsFirst = read.TextOr("default", "vision_feature_select_strategy") switch
        {
            "default" => false,
            "full" => true,
            var other => throw new CratonException($"{read.File}: vision_feature_select_strategy is '{other}', expected default or full"),
        };
        _activation = read.Activation("gelu", "projector_hidden_act");
        _end = read.Part("text_config").Id("eos_token_id") ?? 2;
        bool bias = read.Flag("multimodal_projector_bias", true);
        Vision = Child("vision_tower", vision);
        _first = Child("multi_modal_projector.linear_1", new Linear(vision.Config.Width * _layers.Length, language.Config.HiddenSize, bias));
        _second = Child("multi_modal_projector.linear_2", new Linear(language.Config.HiddenSize, language.Config.HiddenSize, bias));
        Language = Child("language_model", language);
    }

    /// <summary>The encoder of images.</summary>
    public ImageEncoder Vision { get; }

    /// <summary>The language model.</summary>
    public CausalLanguageModel Language { get; }

    /// <summary>The id in whose places the vectors of images stand.</summary>
    public int ImageToken { get; }

    /// <summary>Number of vectors, and so of tokens, of an image.</summary>
    public int TokensOfImage => Vision.Config.Grid * Vision.Config.Grid + (_keepsFirst && Vision is ClipVision ? 1 : 0);

    /// <summary>The model that a <c>config.json</c> describes.</summary>
    public static Llava Create(ConfigReader read)
    {
        ConfigReader vision = read.Part("vision_config");
        ImageEncoder encoder = vision.ModelType switch
        {
            "clip_vision_model" => new ClipVision(ClipVision.Read(vision)),
            "siglip_vision_model" => new SiglipVision(SiglipVision.Read(vision)),
            var other => throw new CratonException($"{read.File}: vision_config.model_type is '{other}', expected clip_vision_model or siglip_vision_model"),
        };
        CausalLanguageModel language = DecoderCatalogue.Create(read.Part("text_config"));
        if (language.NamedParameters().Any(p => language.IsStoredTransposed(p.Name)))
            throw new CratonException($"{read.File}: text_config: this kind of language model is not read beside images; take one of the Llama kind");
        return new Llava(read, encoder, language);
    }

    /// <summary>The vectors of images as the language model reads them.</summary>
    /// <param name="pixels">Prepared images [N, channels, H, W].</param>
    /// <returns>[N · <see cref="TokensOfImage"/>, C].</returns>
    public Tensor ImageVectors(Tensor pixels)
    {
        var trace = new LayerTrace();
        Vision.Hidden(pixels, trace: trace);
        Tensor x = _layers.Length == 1 ? trace.States[_layers[0]] : Ops.Concat(2, [.. _layers.Select(layer => trace.States[layer])]);
        if (!_keepsFirst) x = Ops.Contiguous(x.Slice(1, 1));
        return _second.Forward(_first.Forward(x), _activation).View(-1, Language.Config.HiddenSize);
    }

    /// <summary>Scores of the next token at every place.</summary>
    /// <param name="ids">Token ids, I32 [B, T].</param>
    /// <param name="images">What <see cref="ImageVectors"/> gave for the images in the order of their places; null for none.</param>
    /// <param name="keyPadding">Which places hold a token, Bool [B, T]; all when null.</param>
    /// <returns>[B, T, V].</returns>
    /// <exception cref="CratonException">The text does not have as many places for images as there are vectors.</exception>
    public Tensor Logits(Tensor ids, Tensor? images = null, Tensor? keyPadding = null) => Language.Logits(Hidden(ids, images, new DecoderInput(KeyPadding: keyPadding)));

    /// <summary>Mean cross-entropy of the labels, I32 [B, T], each of which the place before it names; −100 does not count.</summary>
    /// <inheritdoc cref="Logits"/>
    public Tensor Loss(Tensor ids, Tensor? images, Tensor labels)
    {
        Tensor hidden = Hidden(ids, images, default);
        Tensor none = Tensor.From(Enumerable.Repeat(NoTarget, labels.Size(0)).ToArray(), labels.Size(0), 1);
        Tensor targets = Ops.Concat(1, labels.Slice(1, 1), none);
        return Language.Head.Loss(hidden.View(-1, hidden.Size(-1)), targets.View(-1), default);
    }

    /// <summary>The most probable answer, token by token.</summary>
    /// <param name="prompt">Token ids, with the places of images.</param>
    /// <param name="pixels">The prepared images [N, channels, H, W]; null for none.</param>
    /// <param name="most">Most tokens of the answer.</param>
    /// <returns>The answer's ids, with the one that ends it.</returns>
    /// <exception cref="CratonException">Prompt and answer do not fit the language model, or the prompt not the images.</exception>
    public int[] Answer(ReadOnlySpan<int> prompt, Tensor? pixels, int most)
    {
        // The last token is not read any more.
        if (prompt.Length + most - 1L > Language.Context)
            throw new CratonException($"a question of {prompt.Length} tokens with its images and an answer of {most} are more than the model's {Language.Context} positions; ask for less");
        using var scope = TensorScope.Open("answer");
        KvCache cache = Language.NewCache(capacity: prompt.Length + most);
        Tensor hidden = Hidden(Tensor.From(prompt, 1, prompt.Length), pixels is null ? null : ImageVectors(pixels), default, cache);
        var answer = new List<int>();
        while (true)
        {
            Tensor last = Ops.Contiguous(hidden.Slice(1, hidden.Size(1) - 1));
            answer.Add(Ops.Cast(Ops.ArgMax(Language.Logits(last)), DType.I32).ToArray<int>()[0]);
            if (answer.Count >= most || EndsAt(answer[^1])) return [.. answer];
            hidden = Language.Hidden(Tensor.From([answer[^1]], 1, 1), default, cache);
        }
    }

    /// <summary>Whether an answer ends with this id.</summary>
    public bool EndsAt(int id) => id == _end;

    /// <summary>Number of images for which a text has places.</summary>
    public int ImagesIn(ReadOnlySpan<int> ids) => ids.Count(ImageToken) / TokensOfImage;

    /// <inheritdoc/>
    protected internal override Func<string, string> NamesIn(IReadOnlyCollection<string> stored)
    {
        bool under = stored.Any(name => name.StartsWith("model.", StringComparison.Ordinal)), inner = stored.Any(name => name.Contains("vision_tower.vision_model.", StringComparison.Ordinal));
        return name =>
        {
            if (inner && name.StartsWith("vision_tower.", StringComparison.Ordinal)) name = "vision_tower.vision_model." + name["vision_tower.".Length..];
            if (!under) return name;
            const string language = "language_model.model.", head = "language_model.lm_head.";
            return name.StartsWith(head, StringComparison.Ordinal) ? "lm_head." + name[head.Length..]
                : "model." + (name.StartsWith(language, StringComparison.Ordinal) ? "language_model." + name[language.Length..] : name);
        };
    }

    private Tensor Hidden(Tensor ids, Tensor? images, DecoderInput input, KvCache? cache = null)
    {
        int[] all = Ops.Contiguous(ids).ToArray<int>();
        int places = all.Count(id => id == ImageToken), vectors = images?.Size(0) ?? 0;
        if (places != vectors)
            throw new CratonException($"text with images: it has {places} tokens of the id {ImageToken}, expected {vectors}, {TokensOfImage} for each image; repeat the token in the text");
        return images is null ? Language.Hidden(ids, input, cache) : Language.Hidden(ids, x => With(x, all, images), input, cache);
    }

    // The vectors of the text and of the images lie one behind the other; every place takes its own.
    private Tensor With(Tensor x, int[] ids, Tensor images)
    {
        int width = x.Size(2), next = ids.Length;
        int[] rows = [.. ids.Select((id, place) => id == ImageToken ? next++ : place)];
        return Ops.IndexSelect(Ops.Concat(0, x.View(ids.Length, width), images), 0, Tensor.From(rows, rows.Length)).View(x.Shape);
    }

    // Layers are counted from what enters the first one; below 0 from the end.
    private static int[] LayersOf(ConfigReader read, int layers)
    {
        int[] given = read.IsList("vision_feature_layer") ? read.Ints("vision_feature_layer")! : [read.IntOr(-2, "vision_feature_layer")];
        if (given.Length == 0 || given.Any(layer => layer > layers || layer < -layers - 1))
            throw new CratonException($"{read.File}: vision_feature_layer: expected numbers from {-layers - 1} to {layers}");
        return Array.ConvertAll(given, layer => layer < 0 ? layers + 1 + layer : layer);
    }
}
