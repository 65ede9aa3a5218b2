using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton ask-image -m MODEL FILE|FOLDER QUESTION</c>: answers to a question about pictures.</summary>
internal sealed class AskImageVerb : Verb
{
    private readonly ModelOption _model = new("A directory of LLaVA, of BLIP for questions, or of the recipe vqa");
    private readonly Option<int?> _maxTokens = new("--max-tokens") { Description = "Most tokens of an answer" };
    private readonly Argument<string> _pictures = new("pictures") { Description = PictureSources.Help };
    private readonly Argument<string> _question = new("question") { Description = "The question, such as \"How many cats are there?\"" };

    public override Command Build()
    {
        var command = new Command("ask-image", "Answer a question about pictures") { _model, _maxTokens, _pictures, _question };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string source = parsed.GetValue(_pictures)!, question = parsed.GetValue(_question)!;
        if (parsed.GetValue(_maxTokens) is < 1 and var most) throw new CratonException($"--max-tokens: expected at least 1, got {most}");
        Func<string, string> answer = Answerer(parsed.GetValue(_model)!, question, parsed.GetValue(_maxTokens));
        IReadOnlyList<(string Path, string Answer)> answers = PictureSources.Each(source, output, answer);
        foreach ((string path, string text) in answers) output.Line(path == source ? text : $"{path}: {text}");
        output.Result(new JsonObject
        {
            ["question"] = question,
            ["answers"] = new JsonArray([.. answers.Select(a => new JsonObject { ["image"] = a.Path, ["answer"] = a.Answer })]),
        });
        return 0;
    }

    // What answers the question about a file. Each kind of model is a branch.
    private static Func<string, string> Answerer(string directory, string question, int? most)
    {
        VisionModel model = VisionDirectory.Load(directory, map: true);
        if (model is PictureAnswerer answerer)
            return most is null ? PictureSpeaker.Answerer(directory, answerer, question) : throw new CratonException($"--max-tokens: '{directory}' chooses among the answers it knows; leave the option out");
        var describer = ImageDescriber.Load(directory, model);
        return path => describer.Answer(path, question, most);
    }
}
