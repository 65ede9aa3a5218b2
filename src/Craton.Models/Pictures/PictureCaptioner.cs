using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Pictures;

// N pictures or clips, F pictures of a clip, P places of a picture, T words, C width of the language model.

/// <summary>
/// Describes pictures: their vectors, projected by two layers, stand before the words that a decoder writes (Liu et al. 2023, "LLaVA"), and all
/// of it is trained together from nothing. Of a clip, those of all its pictures stand there in order, each with a vector that tells the picture's number.
/// </summary>
public sealed class PictureCaptioner : VisionModel
{
    private const int MostWidth = 1 << 14, MostWords = 1 << 24, MostLayers = 1 << 8, MostLength = 1 << 12, MostFrames = 64;

    private readonly Linear _first, _second;
    private readonly Embedding? _frames;

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    public PictureCaptioner(ConfigReader read)
    {
        ConfigReader text = read.Object("text") ?? throw new CratonException($"{read.File}: text: expected the settings of the decoder, got nothing");
        (int words, int width, int heads, int layers) = (text.Int("words"), text.Int("hidden_size"), text.Int("num_attention_heads"), text.Int("num_hidden_layers"));
        (Longest, Frames) = (text.Int("longest"), read.IntOr(1, "frames"));
        EncoderConfig.Within(read.File, words, "text.words", MostWords);
        EncoderConfig.Within(read.File, width, "text.hidden_size", MostWidth);
        EncoderConfig.Within(read.File, heads, "text.num_attention_heads", width);
        EncoderConfig.Within(read.File, layers, "text.num_hidden_layers", MostLayers);
        EncoderConfig.Within(read.File, Longest, "text.longest", MostLength);
        EncoderConfig.Within(read.File, Frames, "frames", MostFrames);
        if (width % (2 * heads) != 0) throw new CratonException($"{read.File}: text.hidden_size is {width}, expected a multiple of twice num_attention_heads ({heads})");
        Encoder = Child("encoder", PictureEncoder.Create(read));
        _first = Child("projector.linear_1", new Linear(Encoder.Width, width, bias: true));
        _second = Child("projector.linear_2", new Linear(width, width, bias: true));
        if (Frames > 1) _frames = Child("frame_positions", new Embedding(Frames, width));
        Language = Child("language_model", new Gpt(new GptConfig
        {
            VocabSize = words,
            HiddenSize = width,
            IntermediateSize = 8 * width / 3,
            NumHiddenLayers = layers,
            NumAttentionHeads = heads,
            NumKeyValueHeads = heads,
            HeadDim = width / heads,
            MaxPositionEmbeddings = Places + Longest,
            TieWordEmbeddings = true,
        }));
    }

    /// <summary>The encoder of pictures.</summary>
    public PictureEncoder Encoder { get; }

    /// <summary>The decoder.</summary>
    public Gpt Language { get; }

    /// <summary>Most words of a caption.</summary>
    public int Longest { get; }

    /// <summary>Pictures of a clip; 1 where single pictures are described.</summary>
    public int Frames { get; }

    // Vectors before the words.
    private int Places => Frames * Encoder.PlaceCount;

    /// <summary>Mean cross-entropy, in nats, of the words of captions and of their ends.</summary>
    /// <param name="pixels">Pictures [N · F, 3, side, side] of −1 to 1.</param>
    /// <param name="captions">Ids of the words of each, without the end.</param>
    public Tensor Loss(Tensor pixels, IReadOnlyList<int[]> captions)
    {
        int places = Places, length = places + captions.Max(caption => caption.Length);
        Tensor ids = Tensor.Zeros(DType.I32, captions.Count, length), targets = Tensor.Empty(DType.I32, captions.Count, length);
        targets.AsSpan<int>().Fill(new CrossEntropyOptions().IgnoreIndex);
        for (int i = 0; i < captions.Count; i++)
        {
            captions[i].CopyTo(ids.AsSpan<int>()[(i * length + places)..]);
            Span<int> next = targets.AsSpan<int>()[(i * length + places - 1)..];
            captions[i].CopyTo(next);
            next[captions[i].Length] = WordVocabulary.End;
        }
        Tensor images = Images(pixels, learns: true), hidden = Language.Hidden(ids, x => With(x, images));
        return Language.Head.Loss(hidden.View(-1, hidden.Size(-1)), targets.View(-1), default);
    }

    /// <summary>The most probable words of each picture or clip, one after the other, with the end where there was room for it.</summary>
    /// <param name="pixels">Pictures [N · F, 3, side, side] of −1 to 1.</param>
    public int[][] Describe(Tensor pixels)
    {
        using var scope = TensorScope.Open("describe");
        int n = pixels.Size(0) / Frames, places = Places;
        KvCache cache = Language.NewCache(n, places + Longest);
        Tensor images = Images(pixels, learns: false), hidden = Language.Hidden(Tensor.Zeros(DType.I32, n, places), x => With(x, images), default, cache);
        var captions = new List<int>[n];
        for (int i = 0; i < n; i++) captions[i] = [];
        for (int length = 1; ; length++)
        {
            Tensor last = Ops.Contiguous(hidden.Slice(1, hidden.Size(1) - 1));
            int[] words = Ops.Cast(Ops.ArgMax(Language.Logits(last)), DType.I32).ToArray<int>();
            for (int i = 0; i < n; i++)
                if (captions[i] is not [.., WordVocabulary.End]) captions[i].Add(words[i]);
            if (length >= Longest || captions.All(caption => caption[^1] == WordVocabulary.End)) return Array.ConvertAll(captions, caption => caption.ToArray());
            hidden = Language.Hidden(Tensor.From(words, n, 1), default, cache);
        }
    }

    // [N, F · P, C]
    private Tensor Images(Tensor pixels, bool learns)
    {
        if (pixels.Size(0) % Frames != 0) throw new CratonException($"pictures: expected clips of {Frames} pictures, got {pixels.Size(0)} pictures");
        Tensor x = _second.Forward(_first.Forward(Encoder.Places(pixels, learns)), Activation.Gelu);
        if (_frames is null) return x;
        int width = x.Size(-1);
        x = x.View(-1, Frames, Encoder.PlaceCount, width) + _frames.Weight.View(1, Frames, 1, width);
        return x.View(-1, Places, width);
    }

    private static Tensor With(Tensor x, Tensor images) =>
        x.Size(1) == images.Size(1) ? images : Ops.Concat(1, images, x.Slice(1, images.Size(1)));
}
