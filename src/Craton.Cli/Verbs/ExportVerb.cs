using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Models.Gguf;
using Craton.Tensors;

namespace Craton.Cli.Verbs;

/// <summary><c>craton export -m MODEL [--adapter DIR] --format gguf|hf OUT</c>: a model in the layout that other programs open.</summary>
internal sealed class ExportVerb : Verb
{
    private readonly ModelArguments _model = new();
    private readonly Option<string> _format = new("--format") { Description = "gguf: one file; hf: a Hugging Face directory", DefaultValueFactory = _ => "gguf" };
    private readonly Option<string> _type = new("--type", "-t") { Description = "With gguf: the type of the matrices, F32, F16, BF16, Q8_0, …", DefaultValueFactory = _ => "F16" };
    private readonly Argument<string> _out = new("OUT") { Description = "What to write" };

    public override Command Build()
    {
        var command = new Command("export", "Write a model for other programs: a GGUF file or a Hugging Face directory") { _format, _type, _out };
        _model.AddTo(command);
        OnRun(command, (parsed, output) => parsed.GetValue(_format) switch
        {
            "gguf" when _model.Adapter(parsed) is not null => throw new CratonException("--adapter: expected --format hf beside it, which merges the adapter; export what that wrote as gguf"),
            "gguf" => QuantizeVerb.Run(_model.Path(parsed), parsed.GetValue(_out)!, QuantizeVerb.TypeOf(parsed.GetValue(_type)!), output),
            "hf" when _model.Adapter(parsed) is { } adapter => Merge(_model.Path(parsed), adapter, parsed.GetValue(_out)!, output),
            "hf" => ToDirectory(_model.Path(parsed), parsed.GetValue(_out)!, output),
            string other => throw new CratonException($"--format: expected gguf or hf, got '{other}'"),
            null => throw new CratonException("--format: expected gguf or hf, got nothing"),
        });
        return command;
    }

    private static int Merge(string model, string adapter, string directory, Output output)
    {
        ModelExport.Merge(model, adapter, directory);
        output.Result(new JsonObject { ["model_dir"] = directory, ["format"] = "hf", ["adapter"] = adapter });
        output.Info($"{directory}: a model directory with the adapter merged into the weights");
        return 0;
    }

    /// <summary>Writes a Hugging Face directory.</summary>
    public static int ToDirectory(string source, string directory, Output output)
    {
        ModelExport.ToDirectory(source, directory);
        output.Result(new JsonObject { ["model_dir"] = directory, ["format"] = "hf" });
        output.Info($"{directory}: a model directory with its weights in F32");
        return 0;
    }
}
