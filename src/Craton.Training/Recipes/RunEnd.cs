using System.Security.Cryptography;
using System.Text;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>What every recipe does when its loop has ended: the directory of the model or adapter, its hash, the report.</summary>
internal static class RunEnd
{
    public static RunResult Finish(RunFolder folder, string kind, TrainingTask task, TrainingOutcome outcome, Origin origin)
    {
        string report = TrainingReport.Write(folder.Folder, task.Phase);
        if (outcome.Stopped) return new RunResult(folder.Folder, null, report, null, outcome);
        string hash = ModelDirectory.HashWeights(task.Trained), recipe = File.ReadAllText(Path.Combine(folder.Folder, "recipe.yaml"));
        var card = new ModelCard
        {
            Kind = kind,
            BaseModel = origin.Model,
            Recipe = recipe,
            Hashes = origin.Hashes(recipe),
            Metrics = new SortedDictionary<string, double>(StringComparer.Ordinal)
            {
                ["train_loss"] = outcome.TrainLoss,
                ["val_loss"] = outcome.ValLoss,
                ["bits_per_byte"] = outcome.BitsPerByte,
            },
        };
        if (task.Adapter is { } adapter) AdapterDirectory.Save(folder.Adapter, adapter, task.Tokenizer, card);
        else ModelDirectory.Save(folder.Model, task.Model, task.Tokenizer, card);
        return new RunResult(folder.Folder, task.Adapter is null ? folder.Model : folder.Adapter, report, hash, outcome);
    }
}

/// <summary>What a run was made from: what <c>craton.json</c> tells of it.</summary>
/// <param name="Data">SHA-256 of the training data.</param>
/// <param name="Model">Directory of the model it began with, or null.</param>
/// <param name="ModelWeights">SHA-256 of that model's weights.</param>
/// <param name="Replay">SHA-256 of the data replayed, or null.</param>
internal sealed record Origin(string Data, string? Model = null, string? ModelWeights = null, string? Replay = null)
{
    /// <summary>The hashes by their names in the lineage.</summary>
    public SortedDictionary<string, string> Hashes(string recipe)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["data"] = Data,
            ["recipe"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(recipe))),
        };
        if (ModelWeights is not null) hashes["base_model"] = ModelWeights;
        if (Replay is not null) hashes["replay"] = Replay;
        return hashes;
    }
}
