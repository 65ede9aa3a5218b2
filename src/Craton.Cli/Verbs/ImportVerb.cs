using System.CommandLine;

namespace Craton.Cli.Verbs;

/// <summary><c>craton import FILE OUT</c>: a model from elsewhere as a model directory, to train and tune.</summary>
internal sealed class ImportVerb : Verb
{
    private readonly Argument<string> _in = new("IN") { Description = "A GGUF file, or a Hugging Face directory" };
    private readonly Argument<string> _out = new("OUT") { Description = "The model directory to write: new or empty" };

    public override Command Build()
    {
        var command = new Command("import", "Make a model directory of a GGUF file or a Hugging Face directory") { _in, _out };
        OnRun(command, (parsed, output) => ExportVerb.ToDirectory(parsed.GetValue(_in)!, parsed.GetValue(_out)!, output));
        return command;
    }
}
