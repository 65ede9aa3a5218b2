using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Generation;
using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tokenizers;

namespace Craton.Models.Vision;

/// <summary>
/// Puts into words what is in picture files: captions, and answers to questions. Models are BLIP, <c>vision-encoder-decoder</c> and LLaVA, with the image processor,
/// tokenizer and generation settings of their directories; the likeliest token is always taken.
/// </summary>
public sealed class ImageDescriber
{
    private const int UsualTokens = 50;
    private const string Request = "Describe the image.";

    private readonly string _directory;
    private readonly VisionModel _model;
    private readonly ImageProcessor _processor;
    private readonly Tokenizer _tokenizer;
    private readonly SamplingOptions _options;

    private ImageDescriber(string directory, VisionModel model)
    {
        (_directory, _model) = (directory, model);
        _processor = ImageProcessor.Load(directory);
        if (MissingTokenizer.In(directory)) throw new CratonException($"'{directory}' holds no tokenizer (tokenizer.json, or vocab.json with merges.txt), without which a model has no words; put it there");
        _tokenizer = ModelDirectory.LoadTokenizer(directory);
        _options = GenerationConfig.Load(directory).Sampling with { Temperature = 0 };
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the model has no words for images.</exception>
    public static ImageDescriber Load(string directory) => Load(directory, VisionDirectory.Load(directory, map: true));

    /// <summary>Takes over a model, with what else its directory holds.</summary>
    /// <exception cref="CratonException">A file is missing or damaged, or the model has no words for images.</exception>
    public static ImageDescriber Load(string directory, VisionModel model) => model switch
    {
        ImageCaptioner or BlipAnswerer or Llava => new ImageDescriber(directory, model),
        _ => throw new CratonException($"'{directory}' has no words for images; give a BLIP, vision-encoder-decoder or LLaVA model"),
    };

    /// <summary>A caption of a picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="most">Most tokens; a usual number when null.</param>
    /// <param name="beams">How many captions a search keeps; 1 takes the likeliest token each time.</param>
    /// <exception cref="CratonException">The file is no picture, or the model does not do so.</exception>
    public string Caption(string path, int? most = null, int beams = 1)
    {
        using var scope = TensorScope.Open("caption");
        switch (_model)
        {
            case ImageCaptioner captioner:
                return Written(captioner.Decoder, captioner.Look(Pixels(path)), most, beams);
            case Llava when beams != 1:
                throw new CratonException($"'{_directory}' writes token by token, expected 1 beam, got {beams}; leave the number out");
            case Llava llava:
                return Answered(llava, path, Request, most);
            default:
                throw new CratonException($"'{_directory}' answers questions about images and writes no captions; ask it a question, or give a captioner");
        }
    }

    /// <summary>The answer to a question about a picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="question">The question.</param>
    /// <param name="most">Most tokens; a usual number when null.</param>
    /// <exception cref="CratonException">The file is no picture, the question is empty or too long, or the model does not do so.</exception>
    public string Answer(string path, string question, int? most = null)
    {
        if (string.IsNullOrWhiteSpace(question)) throw new CratonException("the question is empty; write one");
        using var scope = TensorScope.Open("answer");
        switch (_model)
        {
            case BlipAnswerer answerer:
                int[] ids = [.. _tokenizer.EncodeText(question, null, new EncodeOptions()).Ids];
                return Written(answerer.Decoder, answerer.Read(Pixels(path), Tensor.From(ids, 1, ids.Length)), most, beams: 1);
            case Llava llava:
                return Answered(llava, path, question, most);
            default:
                throw new CratonException($"'{_directory}' writes captions and answers no questions; give BLIP for questions, or LLaVA");
        }
    }

    private Tensor Pixels(string path) => Ops.Unsqueeze(_processor.ReadFile(path), 0);

    private string Written(TargetDecoder decoder, SourceMemory source, int? most, int beams)
    {
        SamplingOptions options = _options with { MaxTokens = most ?? Math.Min(UsualTokens, decoder.Longest) };
        var generator = new TargetGenerator(decoder);
        return Text(beams == 1 ? generator.Answer(source, options) : generator.Search(source, options, new BeamOptions { Beams = beams, Returned = 1 })[0].Tokens);
    }

    private string Answered(Llava model, string path, string question, int? most)
    {
        int[] prompt = Prompt(model, question);
        return Text(model.Answer(prompt, Pixels(path), most ?? Math.Clamp(model.Language.Context - prompt.Length, 1, UsualTokens)));
    }

    // The question in the words of the model's template, or else in those of the first LLaVA, with the token of images repeated.
    private int[] Prompt(Llava model, string question)
    {
        string image = model.ImageToken < _tokenizer.VocabularySize ? Encoding.UTF8.GetString(_tokenizer.TokenBytes(model.ImageToken)) : "";
        string source = _tokenizer.ChatTemplate is { } own && own.Contains("image", StringComparison.Ordinal) ? own
            : $"{{{{ bos_token }}}}USER: {image}\n{{{{ messages[0]['content'][1]['text'] }}}} ASSISTANT:";
        var content = new JsonArray(new JsonObject { ["type"] = "image" }, new JsonObject { ["type"] = "text", ["text"] = question });
        var messages = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content });
        int[] ids = ChatTemplate.Parse(source, _tokenizer).Encode(new ChatInput(JsonElement.Parse(messages.ToJsonString())) { AddGenerationPrompt = true });
        if (ids.Count(id => id == model.ImageToken) != 1)
            throw new CratonException($"'{_directory}': expected a chat template that writes the special token {model.ImageToken} once, where the image stands, got {ids.Count(id => id == model.ImageToken)} of them; the tokenizer belongs to another model");
        // Templates leave to the tokenizer what begins every text.
        int? first = _tokenizer.BosToken is { } begin ? _tokenizer.IdOf(begin) : null;
        bool begins = first is { } id && ids[0] != id && _tokenizer.EncodeText("", null, new EncodeOptions()).Ids is [var framed, ..] && framed == id;
        if (begins) ids = [first!.Value, .. ids];
        return [.. ids.SelectMany(id => Enumerable.Repeat(id, id == model.ImageToken ? model.TokensOfImage : 1))];
    }

    // A model's table may have more rows than its tokenizer ids.
    private string Text(IReadOnlyList<int> ids) => _tokenizer.Decode([.. ids.Where(id => id < _tokenizer.VocabularySize)]).Trim();
}
