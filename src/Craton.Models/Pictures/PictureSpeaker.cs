using Craton.Data.Images;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Models.Pictures;

/// <summary>Words of models made here about picture files and clips, prepared and written as their directories say.</summary>
public static class PictureSpeaker
{
    /// <summary>What makes a caption of a file: of a picture, or of a clip (<see cref="ClipFile"/>) where the model describes those.</summary>
    /// <param name="directory">The model's directory.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="CratonException">A file of the directory is missing or damaged.</exception>
    public static Func<string, string> Captioner(string directory, PictureCaptioner model)
    {
        var processor = ImageProcessor.Load(directory);
        var words = WordVocabulary.Load(directory);
        return path =>
        {
            using var scope = TensorScope.Open("caption");
            Tensor[] pictures = model.Frames == 1
                ? [processor.ReadFile(path)]
                : [.. ClipFile.Read(path, model.Frames, model.Encoder.Side).Select(processor.Prepare)];
            return words.Text(model.Describe(Ops.Stack(0, pictures))[0]);
        };
    }

    /// <summary>What answers a question about a file.</summary>
    /// <param name="directory">The model's directory.</param>
    /// <param name="model">The model.</param>
    /// <param name="question">The question.</param>
    /// <exception cref="CratonException">A file of the directory is missing or damaged.</exception>
    public static Func<string, string> Answerer(string directory, PictureAnswerer model, string question)
    {
        var processor = ImageProcessor.Load(directory);
        int[] ids = WordVocabulary.Load(directory).Ids(question);
        return path =>
        {
            using var scope = TensorScope.Open("answer");
            Tensor scores = model.Scores(model.Images(Ops.Unsqueeze(processor.ReadFile(path), 0)), Tensor.From(ids, 1, ids.Length), Tensor.From([ids.Length], 1));
            return model.Answers[Ops.Cast(Ops.ArgMax(scores), DType.I32).ToArray<int>()[0]];
        };
    }
}
