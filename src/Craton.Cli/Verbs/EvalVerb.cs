using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Cli.Evaluation;
using Craton.Models;
using Craton.Tensors;
using Craton.Training.Configuration;

namespace Craton.Cli.Verbs;

/// <summary><c>craton eval -m MODEL -t TASK[,TASK]</c>: how good a model is on what it has not seen, beside simple baselines.</summary>
internal sealed class EvalVerb : Verb
{
    // One class per task, one line per task; the first is measured when none is named.
    private static readonly EvalTask[] Tasks =
    [
        new BitsPerByteTask(),
        new AnswersTask(),
    ];

    private readonly ModelArguments _model = new();
    private readonly Option<string[]> _tasks = new("--tasks", "-t")
    {
        Description = $"What to measure, separated by commas (default: {Tasks[0].Name}). {string.Join(". ", Tasks.Select(t => $"{t.Name}: {t.Description}"))}",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string[]> _sources = new("--source") { Description = $"Texts: {TextSources.Help} (default: what the model's recipe names)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private readonly Option<bool> _lines = new("--lines") { Description = "With --source: every line of a .txt file is a document" };
    private readonly Option<double?> _testFraction = new("--test-fraction") { Description = "Share of documents held out, chosen by a hash of their ids (default: as in the model's recipe)" };
    private readonly Option<int> _most = new("--max-documents") { Description = "Most held-out documents or questions to measure", DefaultValueFactory = _ => 500 };

    public override Command Build()
    {
        var command = new Command("eval", "Measure a model on what it has not seen, beside simple baselines") { _tasks, _sources, _lines, _testFraction, _most };
        _model.AddTo(command);
        OnRun(command, Run);
        return command;
    }

    private int Run(ParseResult parsed, Output output)
    {
        EvalTask[] tasks = Named(parsed.GetValue(_tasks)!);
        if (parsed.GetValue(_most) is < 1 and var most) throw new CratonException($"--max-documents: expected at least 1, got {most}");
        var request = new EvalRequest(_model.Adapter(parsed) ?? _model.Path(parsed), _model.Load(parsed), parsed.GetValue(_sources)!, parsed.GetValue(_lines), parsed.GetValue(_testFraction), parsed.GetValue(_most), output);
        var all = new JsonObject();
        foreach (EvalTask task in tasks)
        {
            JsonObject result = task.Run(request);
            if (!output.IsJson) task.Show(result, output);
            foreach ((string name, JsonNode? value) in result) all[name] = value?.DeepClone();
        }
        output.Result(all);
        return 0;
    }

    private static EvalTask[] Named(string[] given)
    {
        string[] names = [.. given.SelectMany(g => g.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()];
        if (names.Length == 0) return given.Length == 0 ? [Tasks[0]] : throw new CratonException($"--tasks: expected one of {Known()}, got nothing");
        return [.. names.Select(name => Array.Find(Tasks, t => t.Name == name)
            ?? throw new CratonException($"--tasks: '{name}' is unknown; {(Suggestion.Nearest(name, Tasks.Select(t => t.Name)) is { } near ? $"did you mean '{near}'?" : $"expected {Known()}")}"))];
    }

    private static string Known() => string.Join(", ", Tasks.Select(t => t.Name));
}
