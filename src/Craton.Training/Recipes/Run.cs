using System.Diagnostics;
using Craton.Models;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tokenizers;
using Craton.Training.Checkpoints;
using Craton.Training.Configuration;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>How a recipe is run.</summary>
/// <param name="Runs">The folder of all runs.</param>
/// <param name="Resume">Go on with a run of that name.</param>
/// <param name="Listener">Hears the progress.</param>
/// <param name="Stop">Asks for an early end, or null.</param>
public sealed record RunOptions(string Runs, bool Resume, TrainingListener Listener, StopSignal? Stop = null)
{
    /// <summary>Writes a text with the model as it is, from the prompt; or null.</summary>
    public Func<CausalLanguageModel, Tokenizer, string, string>? Sample { get; init; }
}

/// <summary>What a run leaves.</summary>
/// <param name="RunFolder">Metrics, checkpoints, samples, report.</param>
/// <param name="ModelFolder">The directory of the model, or of the adapter of a recipe that trains one; null when the run was stopped early.</param>
/// <param name="Report">The page about the run.</param>
/// <param name="Sha256">Hash of the weights; null when the run was stopped early.</param>
/// <param name="Outcome">Losses and rates.</param>
public sealed record RunResult(string RunFolder, string? ModelFolder, string Report, string? Sha256, TrainingOutcome Outcome)
{
    /// <summary>What a training of pictures measures, where one of text has bits per byte and tokens per second.</summary>
    public IReadOnlyList<Metric> Measures { get; init; } = [];
}

/// <summary>The folder of one run: <c>runs/NAME</c> with its resolved recipe.</summary>
internal sealed class RunFolder
{
    private const string RecipeFile = "recipe.yaml";

    /// <summary>Opens the folder, and makes sure that it belongs to this recipe.</summary>
    public RunFolder(string kind, string name, RecipePart recipe, RunOptions options)
    {
        if (name.Length == 0 || name != Path.GetFileName(name) || name is "." or "..")
            throw new CratonException($"name '{name}': expected a plain folder name without path separators");
        Folder = Path.Combine(options.Runs, name);
        string resolved = RecipeWriter.Write(kind, recipe), file = Path.Combine(Folder, RecipeFile);
        if (File.Exists(Folder)) throw new CratonException($"'{Folder}' is a file; choose another name with --set name=…");
        bool exists = File.Exists(file), trained = Directory.Exists(Path.Combine(Folder, "checkpoints"));
        if (exists && !trained) exists = !Forget(file, resolved);
        if (exists && trained && !options.Resume)
            throw new CratonException($"{Folder} holds a run already; add --resume to go on with it, or choose another name with --set name=…");
        if (exists && File.ReadAllText(file) is var before && before != resolved)
            throw new CratonException($"{Folder} was begun with another recipe ({FirstDifference(before, resolved)}); resume with the settings in {file}, or choose another name");
        Directory.CreateDirectory(Folder);
        if (!exists) DurableFile.WriteText(file, resolved);
    }

    public string Folder { get; }

    public string Data => Path.Combine(Folder, "data");

    public string Model => Path.Combine(Folder, "model");

    public string Adapter => Path.Combine(Folder, "adapter");

    // A start that trained nothing, such as one with a setting that does not fit the text, leaves nothing that another recipe must respect.
    private bool Forget(string file, string resolved)
    {
        using FileStream only = MetricsLog.Lock(Folder); // another process may be at its first steps
        if (File.ReadAllText(file) == resolved) return false;
        foreach (string prepared in Directory.GetDirectories(Folder, "data*")) Directory.Delete(prepared, recursive: true);
        return true;
    }

    private static string FirstDifference(string before, string now)
    {
        string[] a = before.Split('\n'), b = now.Split('\n');
        for (int i = 0; i < Math.Max(a.Length, b.Length); i++)
            if (i >= a.Length || i >= b.Length || a[i] != b[i])
                return $"there '{(i < a.Length ? a[i].Trim() : "")}', here '{(i < b.Length ? b[i].Trim() : "")}'";
        return "they differ";
    }
}
