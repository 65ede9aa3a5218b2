using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Craton.Cli.Packing;
using Craton.Models;
using Craton.Models.Hub;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton pack MODEL -o app</c>: one program that carries a model, and converses or answers one message.</summary>
internal sealed class PackVerb : Verb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A model directory, a GGUF file, or the name of a model that was pulled" };
    private readonly Option<string> _out = new("--output", "-o") { Description = "The program to write", Required = true };
    private readonly Option<string?> _program = new("--program") { Description = "A craton that stands alone (default: this one, or one made with the SDK)" };

    public override Command Build()
    {
        var command = new Command("pack", "One program that carries a model and needs nothing else on the machine") { _model, _out, _program };
        OnRun(command, (parsed, output) =>
        {
            string model = ModelHub.Resolve(parsed.GetValue(_model)!), path = parsed.GetValue(_out)!;
            if (Directory.Exists(path)) throw new CratonException($"'{path}' is a folder; give the name of the program to write");
            _ = TextModel.Load(model, map: true).NeedTemplate(model); // what cannot converse is refused before the work
            if (parsed.GetValue(_program) is { } given && !File.Exists(given)) throw new CratonException($"--program: '{given}' does not exist");
            PackedModel.Write(parsed.GetValue(_program) ?? StandAlone.Program(output.Info), model, path);
            long bytes = new FileInfo(path).Length;
            output.Result(new JsonObject { ["program"] = path, ["bytes"] = bytes });
            output.Info(string.Create(CultureInfo.InvariantCulture, $"{path}: {bytes / 1e6:F0} MB; run it to converse, or with a message for one answer"));
            return 0;
        });
        return command;
    }
}
