using Craton.Data;
using Craton.Models;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>Continued pre-training: a model that exists learns new text, with a share of the old replayed.</summary>
public static class Continue
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(ContinueRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("continue", recipe.Name, recipe, options);
        TextModel start = TextModel.Load(recipe.Base);
        string startWeights = ModelDirectory.HashWeights(start.Model);
        int context = start.Model.Config.MaxPositionEmbeddings;
        Corpus fresh = Corpus.Prepare(recipe.Data, start.Tokenizer, folder.Data, options.Listener);
        Corpus? old = null;
        BatchLoader rows = fresh.TrainRows(recipe.Data, context, (ulong)recipe.Seed);
        if (recipe.Replay is { } replay && recipe.ReplayFraction > 0)
        {
            if (recipe.Data.Loader != LoaderKind.Packed || replay.Loader != LoaderKind.Packed)
                throw new CratonException("replay: expected data.loader and replay.loader 'packed', since rows of both texts are mixed");
            old = Corpus.Prepare(replay, start.Tokenizer, folder.Data + "-replay", options.Listener);
            rows = new TokenLoader(
                [new MixturePart(fresh.Train, 1 - recipe.ReplayFraction), new MixturePart(old.Train, recipe.ReplayFraction)], context,
                new TokenLoaderOptions { Seed = (ulong)recipe.Seed, Begin = start.Tokenizer.EndOfText });
        }
        options.Listener.OnMessage($"{recipe.Name}: continuing {recipe.Base}, {fresh.Train.Tokens:N0} new tokens");
        var task = new TrainingTask(
            recipe.Name, start.Model, start.Tokenizer, rows, fresh.ValidRows(recipe.Data, context), context,
            options.Sample is { } sample ? m => sample(m, start.Tokenizer, recipe.Train.SamplePrompt) : null);
        TrainingOutcome outcome = LanguageModelTraining.Run(task, recipe.Train, recipe.Optimizer, recipe.Schedule, folder.Folder, options.Stop, options.Listener);
        return RunEnd.Finish(folder, "continue", task, outcome, new Origin(fresh.Sha256, recipe.Base, startWeights, old?.Sha256));
    }
}
