using System.CommandLine;
using System.Text.Json.Nodes;
using Craton.Models.Adapters;
using Craton.Tensors;
using Craton.Training;
using Craton.Training.Configuration;
using Craton.Training.Recipes;
using Craton.Training.Reports;

namespace Craton.Cli.Verbs;

/// <summary><c>craton train RECIPE</c>: every kind of training is a recipe.</summary>
internal sealed class TrainVerb : Verb
{
    private static readonly string[] s_kinds = ["pretrain", "continue", "sft", "lora", "text-diffusion", "vae", "diffusion", "gan", "text-to-image", "spatial-vae", "vq-vae", "dalle", "vqa", "clip", "classifier", "caption"];

    private readonly Argument<string> _recipe = new("RECIPE") { Description = "A recipe file (YAML); see recipes/" };
    private readonly Option<string[]> _set = new("--set") { Description = "Replace a setting: --set optimizer.learning_rate=1e-3", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with a run of this name from its last checkpoint" };
    private readonly Option<bool> _profile = new("--profile") { Description = "At the end, or when stopped, tell where the time of a step went, operation by operation" };
    private readonly Option<string> _runs = new("--runs") { Description = "Folder of all runs", DefaultValueFactory = _ => "runs" };

    public override Command Build()
    {
        var command = new Command("train", $"Train a model by a recipe: {string.Join(", ", s_kinds)}") { _recipe, _set, _resume, _runs, _profile };
        OnRun(command, (parsed, output) =>
        {
            string file = parsed.GetValue(_recipe)!;
            string yaml = Read(file);
            string[] settings = parsed.GetValue(CommandLine.Seed) is { } seed ? [.. parsed.GetValue(_set)!, $"seed={seed}"] : parsed.GetValue(_set)!;
            using var stop = new StopSignal();
            TrainingProfile? profile = parsed.GetValue(_profile) ? new() : null;
            var options = new RunOptions(parsed.GetValue(_runs)!, parsed.GetValue(_resume), new TrainingView(output, profile is null ? null : profile.OnProgress), stop) { Sample = Sampling.Write };
            string kind = RecipeReader.Kind(yaml, file, settings);
            using var watching = profile?.Watch();
            RunResult result = kind switch
            {
                "pretrain" => Pretrain.Run(RecipeReader.Read<PretrainRecipe>(yaml, file, settings), options),
                "continue" => Continue.Run(RecipeReader.Read<ContinueRecipe>(yaml, file, settings), options),
                "sft" => Sft.Run(RecipeReader.Read<SftRecipe>(yaml, file, settings), options),
                "lora" => LoraTuning.Run(RecipeReader.Read<LoraRecipe>(yaml, file, settings), options),
                "text-diffusion" => TextDiffusionTraining.Run(RecipeReader.Read<TextDiffusionRecipe>(yaml, file, settings), options),
                "vae" => VaeTraining.Run(RecipeReader.Read<VaeRecipe>(yaml, file, settings), options),
                "diffusion" => DiffusionTraining.Run(RecipeReader.Read<DiffusionRecipe>(yaml, file, settings), options),
                "gan" => GanTraining.Run(RecipeReader.Read<GanRecipe>(yaml, file, settings), options),
                "text-to-image" => TextToImageTraining.Run(RecipeReader.Read<TextToImageRecipe>(yaml, file, settings), options),
                "vqa" => VqaTraining.Run(RecipeReader.Read<VqaRecipe>(yaml, file, settings), options),
                "clip" => ClipTraining.Run(RecipeReader.Read<ClipRecipe>(yaml, file, settings), options),
                "classifier" => ClassifierTraining.Run(RecipeReader.Read<ClassifierRecipe>(yaml, file, settings), options),
                "caption" => CaptionTraining.Run(RecipeReader.Read<CaptionRecipe>(yaml, file, settings), options),
                "spatial-vae" => SpatialVaeTraining.Run(RecipeReader.Read<SpatialVaeRecipe>(yaml, file, settings), options),
                "vq-vae" => VqVaeTraining.Run(RecipeReader.Read<VqVaeRecipe>(yaml, file, settings), options),
                "dalle" => DalleTraining.Run(RecipeReader.Read<DalleRecipe>(yaml, file, settings), options),
                _ => throw new CratonException($"{file}: recipe '{kind}' is unknown; expected {string.Join(", ", s_kinds[..^1])} or {s_kinds[^1]}"),
            };
            Show(output, result, profile);
            return 0;
        });
        return command;
    }

    private static string Read(string file)
    {
        if (Directory.Exists(file)) throw new CratonException($"recipe '{file}' is a folder; give the path of a recipe file, such as recipes/shakespeare-char.yaml");
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CratonException($"recipe '{file}' cannot be read ({e.Message.TrimEnd('.')}); give the path of a recipe file, such as recipes/shakespeare-char.yaml", e);
        }
    }

    private static void Show(Output output, RunResult result, TrainingProfile? profile)
    {
        TrainingOutcome outcome = result.Outcome;
        bool isAdapter = result.ModelFolder is { } folder && AdapterDirectory.IsAdapter(folder);
        var json = new JsonObject
        {
            ["run_dir"] = result.RunFolder,
            [isAdapter ? "adapter_dir" : "model_dir"] = result.ModelFolder,
            ["report"] = result.Report,
            ["steps"] = outcome.Steps,
            ["train_loss"] = Output.Number(outcome.TrainLoss),
            ["val_loss"] = Output.Number(outcome.ValLoss),
            ["sha256"] = result.Sha256,
            ["stopped"] = outcome.Stopped,
        };
        if (result.Measures.Count == 0) (json["bits_per_byte"], json["tokens_per_second"]) = (Output.Number(outcome.BitsPerByte), Output.Number(outcome.TokensPerSecond));
        foreach (Metric measure in result.Measures) json[measure.Name] = Output.Number(measure.Value);
        if (profile is not null) json["ops"] = profile.Show(output);
        output.Result(json);
        if (output.IsJson) return;
        output.Line(outcome.Stopped
            ? $"Stopped at step {outcome.Steps}; the same command with --resume goes on."
            : $"Done: {outcome.Steps} steps, {Measured(result)}.");
        if (result.ModelFolder is not null) output.Line($"{(isAdapter ? "Adapter" : "Model")}: {result.ModelFolder}");
        output.Line($"Report: {result.Report}");
    }

    private static string Measured(RunResult result)
    {
        TrainingOutcome outcome = result.Outcome;
        return result.Measures.Count > 0 ? string.Join(", ", result.Measures.Select(m => $"{m.Name} {m.Value:F3}"))
            : $"{(double.IsNaN(outcome.ValLoss) ? "no text held out for validation" : $"validation loss {outcome.ValLoss:F4} nats, {outcome.BitsPerByte:F4} bits per byte")}, {outcome.TokensPerSecond:N0} tokens/s";
    }
}
