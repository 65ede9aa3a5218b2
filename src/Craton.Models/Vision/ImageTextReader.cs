using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Vision;

/// <summary>Reads picture files and texts into the common space of an <see cref="ImageTextModel"/>.</summary>
public sealed class ImageTextReader
{
    private readonly Lazy<ImageProcessor> _processor; // of texts alone nothing is asked of it
    private readonly Func<string, int[]> _encode;

    private ImageTextReader(ImageTextModel model, Lazy<ImageProcessor> processor, Func<string, int[]> encode) => (Model, _processor, _encode) = (model, processor, encode);

    /// <summary>The model.</summary>
    public ImageTextModel Model { get; }

    /// <summary>Opens a directory of a model with a side for texts.</summary>
    /// <exception cref="CratonException">The model has no such side, or a file is missing or damaged.</exception>
    public static ImageTextReader Open(string directory) => VisionDirectory.Load(directory, map: true) is ImageTextModel model
        ? Load(directory, model)
        : throw new CratonException($"'{directory}' has no side for texts; give a CLIP or SigLIP model");

    /// <summary>Takes over a model, with the processor and the tokenizer or the words of its directory.</summary>
    /// <exception cref="CratonException">A file is missing or damaged.</exception>
    public static ImageTextReader Load(string directory, ImageTextModel model) => new(model, new(() => ImageProcessor.Load(directory)), Encoder(directory, model));

    /// <summary>The vector of a picture file, [1, D].</summary>
    /// <exception cref="PictureException">The file is no picture, damaged, or too large.</exception>
    public Tensor Image(string path) => Image(PictureFile.Read(path));

    /// <summary>The vector of a picture, [1, D].</summary>
    public Tensor Image(Picture picture) => Model.ImageFeatures(Ops.Unsqueeze(_processor.Value.Prepare(picture), 0));

    /// <summary>The vectors of texts, [M, D]; texts that are too long are cut.</summary>
    public Tensor Texts(IReadOnlyList<string> texts) => Ops.Concat(0, [.. texts.Select(Text)]);

    private Tensor Text(string text)
    {
        int[] ids = _encode(text);
        if (ids.Length == 0) throw new CratonException("a text: expected one or more tokens, got none; write a word");
        // Some models know texts of full length only.
        if (Model.FillsTextsWith is { } padding) ids = [.. ids, .. Enumerable.Repeat(padding, Math.Max(0, Model.LongestText - ids.Length))];
        return Model.TextFeatures(Tensor.From(ids, 1, ids.Length));
    }

    private static Func<string, int[]> Encoder(string directory, ImageTextModel model)
    {
        if (model is PictureTextModel)
        {
            WordVocabulary words = WordVocabulary.Load(directory);
            return text => [.. words.Ids(text).Take(model.LongestText)];
        }
        Tokenizer tokenizer = ModelDirectory.LoadTokenizer(directory);
        var options = new EncodeOptions { Truncation = new Truncation(model.LongestText) };
        return text => [.. tokenizer.EncodeText(text, null, options).Ids];
    }
}
