using System.Text.Json.Nodes;
using Craton.Data;
using Craton.Models;
using Craton.Models.Adapters;
using Craton.Tensors;
using Craton.Training.Configuration;
using Craton.Training.Recipes;

namespace Craton.Cli.Evaluation;

/// <summary>What a model is measured on.</summary>
/// <param name="Folder">Its directory, or that of its adapter.</param>
/// <param name="Model">The model.</param>
/// <param name="Sources">Texts to use instead of those of the model's recipe; empty for these.</param>
/// <param name="Lines">Every line of a text file of <paramref name="Sources"/> is a document.</param>
/// <param name="TestFraction">Share held out, instead of the recipe's.</param>
/// <param name="Most">Most documents or questions.</param>
/// <param name="Output">Where to speak.</param>
internal sealed record EvalRequest(string Folder, TextModel Model, string[] Sources, bool Lines, double? TestFraction, int Most, Output Output);

/// <summary>One kind of measurement, with the baselines that a model has to beat.</summary>
internal abstract class EvalTask
{
    /// <summary>What <c>-t</c> calls it.</summary>
    public abstract string Name { get; }

    /// <summary>One line for the help.</summary>
    public abstract string Description { get; }

    /// <summary>Measures; gives what it adds to the JSON result.</summary>
    public abstract JsonObject Run(EvalRequest request);

    /// <summary>Shows a result of <see cref="Run"/> to a person.</summary>
    public abstract void Show(JsonObject result, Output output);

    /// <summary>The data that the model's recipe names, divided as there; null when it was made by another kind of recipe, or elsewhere.</summary>
    protected static DataSettings? DataOf(EvalRequest request, params ReadOnlySpan<string> kinds)
    {
        string file = Path.Combine(request.Folder, "craton.json");
        ModelCard? card = AdapterDirectory.IsAdapter(request.Folder) ? AdapterDirectory.LoadCard(request.Folder) : ModelDirectory.LoadCard(request.Folder);
        if (card?.Recipe is not { } recipe || RecipeReader.Kind(recipe, file) is var kind && !kinds.Contains(kind)) return null;
        return kind switch
        {
            "pretrain" => RecipeReader.Read<PretrainRecipe>(recipe, file).Data,
            "continue" => RecipeReader.Read<ContinueRecipe>(recipe, file).Data,
            "lora" => RecipeReader.Read<LoraRecipe>(recipe, file).Data,
            _ => RecipeReader.Read<SftRecipe>(recipe, file).Data,
        };
    }

    /// <summary>How documents are divided for a request.</summary>
    protected static Splitter Divider(DataSettings data) => new(data.ValidFraction, data.TestFraction);

    /// <summary>Nothing falls into the share held out.</summary>
    protected static CratonException NothingHeldOut(int count, string what, double fraction) => new(
        $"none of the {count:N0} {what} falls into the held-out share of {fraction}; use more of them (--lines makes every line a document) or a larger --test-fraction");
}

/// <summary>Tells of what is being read.</summary>
internal sealed class MessageListener(Output output) : Training.TrainingListener
{
    public override void OnMessage(string message) => output.Info(message);
}
