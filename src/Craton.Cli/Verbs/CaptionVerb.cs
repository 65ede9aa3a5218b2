using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Data.Images;
using Craton.Models.Pictures;
using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton caption -m MODEL FILE|FOLDER</c>: what pictures show, or what happens in a clip, in words.</summary>
internal sealed class CaptionVerb : Verb
{
    private readonly ModelOption _model = new("A directory of BLIP, vision-encoder-decoder or LLaVA, or of the recipe caption");
    private readonly Option<int?> _maxTokens = new("--max-tokens") { Description = "Most tokens of a caption" };
    private readonly Option<int> _beams = new("--beams") { Description = "Look for the likeliest caption with so many beams instead of taking the likeliest word each time", DefaultValueFactory = _ => 1 };
    private readonly Argument<string> _pictures = new("pictures") { Description = $"{PictureSources.Help}; for a model of clips, {ClipFile.Kinds}" };

    public override Command Build()
    {
        var command = new Command("caption", "Describe pictures, or a clip, in words") { _model, _maxTokens, _beams, _pictures };
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        string source = parsed.GetValue(_pictures)!;
        if (parsed.GetValue(_maxTokens) is < 1 and var most) throw new CratonException($"--max-tokens: expected at least 1, got {most}");
        (Func<string, string> describe, bool ofClips) = Captioner(parsed.GetValue(_model)!, parsed.GetValue(_maxTokens), parsed.GetValue(_beams));
        IReadOnlyList<(string Path, string Caption)> captions = ofClips ? [(source, describe(source))] : PictureSources.Each(source, output, describe);
        foreach ((string path, string caption) in captions) output.Line(path == source ? caption : $"{path}: {caption}");
        output.Result(new JsonObject { ["captions"] = new JsonArray([.. captions.Select(c => new JsonObject { ["image"] = c.Path, ["caption"] = c.Caption })]) });
        return 0;
    }

    // What makes a caption of a file, and whether that is a clip. Each kind of model is a branch.
    private static (Func<string, string> Describe, bool OfClips) Captioner(string directory, int? most, int beams)
    {
        VisionModel model = VisionDirectory.Load(directory, map: true);
        if (model is PictureCaptioner captioner)
        {
            if (most is not null || beams != 1) throw new CratonException($"'{directory}' writes captions as long as those it learnt, word by word; leave --max-tokens and --beams out");
            return (PictureSpeaker.Captioner(directory, captioner), captioner.Frames > 1);
        }
        var describer = ImageDescriber.Load(directory, model);
        return (path => describer.Caption(path, most, beams), false);
    }
}
