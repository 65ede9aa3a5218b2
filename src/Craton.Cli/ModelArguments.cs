using System.CommandLine;
using Craton.Models;

namespace Craton.Cli;

/// <summary>Which model a verb computes with: the same options for every verb that uses one.</summary>
/// <param name="description">What kind of model is expected.</param>
internal sealed class ModelArguments(string description = "A model directory or a GGUF file")
{
    private readonly ModelOption _model = new(description);
    private readonly Option<string?> _adapter = new("--adapter") { Description = "Directory of a PEFT adapter that the model computes with" };

    public void AddTo(Command command)
    {
        command.Options.Add(_model);
        command.Options.Add(_adapter);
    }

    /// <summary><c>-m</c>.</summary>
    public Option Option => _model;

    /// <summary>The model's directory or file.</summary>
    public string Path(ParseResult parsed) => parsed.GetValue(_model)!;

    /// <summary>The adapter's directory, or null.</summary>
    public string? Adapter(ParseResult parsed) => parsed.GetValue(_adapter);

    /// <summary>Reads the model.</summary>
    public TextModel Load(ParseResult parsed) => TextModel.LoadForInference(Path(parsed), Adapter(parsed));
}
