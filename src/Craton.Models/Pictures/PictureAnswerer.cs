using Craton.Models.Encoders;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Pictures;

// N pictures, M questions, T words, W width, L answers.

/// <summary>
/// Answers questions about pictures by one of the answers it knows: convolutions or a Transformer read the picture, a recurrent network the
/// question, and their vectors are multiplied (Antol et al. 2015, "VQA: Visual Question Answering").
/// </summary>
public sealed class PictureAnswerer : VisionModel
{
    private const int MostWidth = 1 << 12, MostInputs = 1 << 26, MostWords = 1 << 24;

    private readonly Linear _image, _joint, _answer;
    private readonly Embedding _words;
    private readonly RecurrentNetwork _question;

    /// <summary>Creates the model that a configuration describes, with zeroed weights.</summary>
    public PictureAnswerer(ConfigReader read)
    {
        int width = read.Int("width"), embedding = read.Int("embedding"), words = read.Int("words");
        EncoderConfig.Within(read.File, width, "width", MostWidth);
        EncoderConfig.Within(read.File, embedding, "embedding", MostWidth);
        EncoderConfig.Within(read.File, words, "words", MostWords);
        Answers = EncoderConfig.LabelsOf(read);
        Encoder = Child("encoder", PictureEncoder.Create(read));
        if ((long)Encoder.PlaceCount * Encoder.Width > MostInputs) throw new CratonException($"{read.File}: image: expected at most {MostInputs} numbers of a picture, got {Encoder.PlaceCount} places of {Encoder.Width}; add a stage");
        _image = Child("image", new Linear(Encoder.PlaceCount * Encoder.Width, width, bias: true));
        _words = Child("words", new Embedding(words, embedding, WordVocabulary.Padding));
        _question = Child("question", new RecurrentNetwork(RecurrentCell.Gru, embedding, width));
        _joint = Child("joint", new Linear(width, width, bias: true));
        _answer = Child("answer", new Linear(width, Answers.Count, bias: true));
    }

    /// <summary>The encoder of pictures.</summary>
    public PictureEncoder Encoder { get; }

    /// <summary>The answers it knows, in the order of their scores.</summary>
    public IReadOnlyList<string> Answers { get; }

    /// <summary>Vectors of pictures, [N, W].</summary>
    /// <param name="pixels">Pictures [N, 3, side, side] of −1 to 1.</param>
    /// <param name="learns">Whether the model learns.</param>
    public Tensor Images(Tensor pixels, bool learns = false) =>
        Ops.Tanh(_image.Forward(Ops.Reshape(Encoder.Places(pixels, learns), pixels.Size(0), Encoder.PlaceCount * Encoder.Width)));

    /// <summary>Scores of the answers, [M, L].</summary>
    /// <param name="images">The vector of the picture of each question, [M, W].</param>
    /// <param name="ids">Ids of the questions' words, [M, T].</param>
    /// <param name="lengths">Number of words of each, [M].</param>
    public Tensor Scores(Tensor images, Tensor ids, Tensor lengths)
    {
        // The last state, and the mean of all, in which early words count as much as late ones.
        RecurrentResult read = _question.Forward(_words.Forward(ids), lengths: lengths);
        Tensor question = Ops.Select(read.H, 0, 0) + Ops.Sum(read.Y, [1]) / Ops.Unsqueeze(Ops.Cast(lengths, DType.F32), 1);
        return _answer.Forward(_joint.Forward(images * question), Activation.Relu);
    }
}
