using Craton.Data;
using Craton.Data.Images;
using Craton.Models.Generation;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Generative;

/// <summary>By what the best of several pictures for a caption is told.</summary>
public enum DalleRanking
{
    /// <summary>How likely the caption is, given the picture.</summary>
    Caption,
    /// <summary>How likely the picture is, given the caption.</summary>
    Picture,
}

/// <summary>How pictures are drawn.</summary>
/// <param name="Samples">How many pictures are drawn for a caption, of which the best comes first.</param>
/// <param name="Ranking">What the best is.</param>
/// <param name="Temperature">Divides the scores of codes.</param>
/// <param name="TopK">Only the best K codes; 0 for all.</param>
public sealed record DalleDrawing(int Samples = 8, DalleRanking Ranking = DalleRanking.Caption, double Temperature = 1, int TopK = 0)
{
    /// <summary>Most pictures that may be drawn for a caption.</summary>
    public const int MostSamples = 1024;
}

/// <summary>A picture that was drawn.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Sample">Its number among those of the caption.</param>
/// <param name="Score">By which they are ranked; more is better.</param>
public sealed record Drawing(Picture Picture, int Sample, double Score);

/// <summary>
/// Pictures out of captions: a tokenizer, a transformer that continues a caption with codes, and the auto-encoder that the codes are of
/// (A. Ramesh et al., "Zero-Shot Text-to-Image Generation", 2021).
/// </summary>
public sealed class Dalle : Module
{
    /// <summary>Special tokens of its tokenizer: before a caption, behind it, before a picture.</summary>
    public const string TextToken = "<text>", EndToken = "<end>", PictureToken = "<picture>";

    private const int MostRows = 64; // of one pass

    /// <summary>Joins the parts.</summary>
    /// <exception cref="CratonException">They do not belong together.</exception>
    public Dalle(VqVae pictures, DalleDecoder decoder, Tokenizer tokenizer, DalleDrawing drawing)
    {
        (Pictures, Decoder, Tokenizer, Drawing) = (Child("vq_vae", pictures), Child("decoder", decoder), tokenizer, drawing);
        if (decoder.Config.Codes != pictures.Config.Codes || decoder.Config.Levels != pictures.Config.Levels || decoder.Config.TextTokens != tokenizer.VocabularySize)
            throw new CratonException($"[dalle] expected {decoder.Config.Levels} × {decoder.Config.Codes} codes and {decoder.Config.TextTokens} tokens, got an auto-encoder of {pictures.Config.Levels} × {pictures.Config.Codes} and a tokenizer of {tokenizer.VocabularySize}; the parts belong to different models");
        foreach (string special in (ReadOnlySpan<string>)[TextToken, EndToken, PictureToken])
            if (tokenizer.IdOf(special) is null) throw new CratonException($"[dalle] expected a tokenizer with the token '{special}', got one without; the parts belong to different models");
    }

    /// <summary>Makes codes of pictures, and pictures of codes.</summary>
    public VqVae Pictures { get; }

    /// <summary>The transformer.</summary>
    public DalleDecoder Decoder { get; }

    /// <summary>Makes tokens of captions.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>How it draws unless another way is asked for.</summary>
    public DalleDrawing Drawing { get; }

    /// <summary>A caption as tokens: begun, ended and filled up.</summary>
    /// <exception cref="CratonException">It is too long, or the tokenizer does not know a word.</exception>
    public int[] Encode(string caption)
    {
        int[] words;
        try
        {
            words = Tokenizer.Encode(caption);
        }
        catch (TokenizerException e)
        {
            throw new CratonException($"caption '{caption}': {e.Message} Use the words of the captions that the model was trained on.", e);
        }
        int room = Decoder.Config.CaptionTokens - 2;
        if (words.Length > room) throw new CratonException($"caption '{caption}': expected at most {room} tokens, got {words.Length}; shorten it");
        return [Tokenizer.IdOf(TextToken)!.Value, .. words, .. Enumerable.Repeat(Decoder.Config.EndToken, room + 1 - words.Length)];
    }

    /// <summary>Draws pictures for a caption, the best first.</summary>
    /// <param name="caption">The caption.</param>
    /// <param name="seed">Decides what is drawn.</param>
    /// <param name="drawing">How; as the model was judged when null.</param>
    /// <param name="clip">Ranks the pictures, by the cosine of each and the caption; they are ranked as the drawing says when null.</param>
    public IReadOnlyList<Drawing> Draw(string caption, ulong seed, DalleDrawing? drawing = null, ImageTextReader? clip = null)
    {
        int[] tokens = Encode(caption);
        DalleDrawing how = drawing ?? Drawing;
        var sampling = new SamplingOptions { Temperature = how.Temperature, TopK = how.TopK };
        var drawings = new List<Drawing>();
        for (int from = 0; from < how.Samples; from += MostRows)
        {
            int count = Math.Min(MostRows, how.Samples - from), first = from;
            int[][] captions = [.. Enumerable.Repeat(tokens, count)];
            int[][] codes = Decoder.Draw(captions, [.. Enumerable.Range(first, count).Select(i => StableHash.Combine(seed, (ulong)i))], sampling);
            Picture[] pictures = [.. Paint(codes)];
            float[] scores = clip is not null ? Cosines(clip, caption, pictures)
                : Decoder.LogLikelihood(captions, codes, how.Ranking == DalleRanking.Caption ? DalleOrder.PictureFirst : DalleOrder.CaptionFirst);
            drawings.AddRange(pictures.Select((picture, i) => new Drawing(picture, first + i, scores[i])));
        }
        return [.. drawings.OrderByDescending(d => d.Score).ThenBy(d => d.Sample)];
    }

    private static float[] Cosines(ImageTextReader clip, string caption, Picture[] pictures)
    {
        using var scope = TensorScope.Open("clip");
        return Ops.CosineSimilarity(Ops.Concat(0, [.. pictures.Select(clip.Image)]), clip.Texts([caption])).ToArray<float>();
    }

    private IEnumerable<Picture> Paint(int[][] codes)
    {
        using var scope = TensorScope.Open("paint");
        int side = Decoder.Config.Side, pixels = side * VqVae.Patch, channels = Pictures.Config.Channels;
        Tensor images = Pictures.Decode(Tensor.From(codes.SelectMany(c => c).ToArray(), codes.Length, side * side, Decoder.Config.Levels), side);
        float[] all = images.ToArray<float>();
        return Enumerable.Range(0, codes.Length).Select(i => PictureGrid.Of(all.AsSpan(i * pixels * pixels * channels, pixels * pixels * channels), pixels, pixels, channels, 1));
    }
}
