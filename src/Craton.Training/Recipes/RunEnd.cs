using Craton.Models;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What every recipe does when its loop has ended: the model directory, its hash, the report.</summary>
internal static class RunEnd
{
    public static RunResult Finish(RunFolder folder, string kind, TrainingTask task, TrainingOutcome outcome, string? baseModel)
    {
        string report = TrainingReport.Write(folder.Folder, task.Phase);
        if (outcome.Stopped) return new RunResult(folder.Folder, null, report, null, outcome);
        string hash = ModelDirectory.HashWeights(task.Model);
        var card = new ModelCard
        {
            Kind = kind,
            BaseModel = baseModel,
            Recipe = File.ReadAllText(Path.Combine(folder.Folder, "recipe.yaml")),
            Metrics = new SortedDictionary<string, double>(StringComparer.Ordinal)
            {
                ["train_loss"] = outcome.TrainLoss,
                ["val_loss"] = outcome.ValLoss,
                ["bits_per_byte"] = outcome.BitsPerByte,
            },
        };
        ModelDirectory.Save(folder.Model, task.Model, task.Tokenizer, card);
        return new RunResult(folder.Folder, folder.Model, report, hash, outcome);
    }
}
