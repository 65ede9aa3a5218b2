using Craton.Models;
using Craton.Models.Adapters;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>Instruction tuning of a LoRA adapter: the loop of <see cref="Sft"/>, with a frozen model.</summary>
public static class LoraTuning
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(LoraRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("lora", recipe.Name, recipe, options);
        TextModel start = TextModel.Load(recipe.Base);
        string startWeights = ModelDirectory.HashWeights(start.Model);
        (TrainingTask task, string data) = Sft.Prepare(recipe, start, folder, options);
        foreach ((_, Tensor weight) in start.Model.NamedParameters()) weight.Freeze();
        LayerAdapters adapter = LayerAdapters.NewLora(start.Model, ConfigOf(recipe), (ulong)recipe.Seed);
        adapter.Attach();
        options.Listener.OnMessage($"{recipe.Name}: {adapter.ParameterCount:N0} parameters beside the model's {start.Model.ParameterCount:N0}");
        task = task with { Adapter = adapter, Frozen = startWeights, Seed = (ulong)recipe.Seed };
        TrainingOutcome outcome = LanguageModelTraining.Run(task, recipe.Train, recipe.Optimizer, recipe.Schedule, folder.Folder, options.Stop, options.Listener);
        return RunEnd.Finish(folder, "lora", task, outcome, new Origin(data, recipe.Base, startWeights));
    }

    private static System.Text.Json.Nodes.JsonObject ConfigOf(LoraRecipe recipe) => new LoraConfig
    {
        Rank = recipe.Lora.Rank,
        Alpha = recipe.Lora.Alpha,
        Dropout = recipe.Lora.Dropout,
        UseDora = recipe.Lora.Dora,
        UseRsLora = recipe.Lora.Rslora,
    }.ToJson(recipe.Base, recipe.Lora.Targets);
}
