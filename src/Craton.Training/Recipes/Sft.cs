using Craton.Data;
using Craton.Models;

namespace Craton.Training.Recipes;

/// <summary>Instruction tuning: the model learns what the assistant says, and when to stop.</summary>
public static class Sft
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(SftRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("sft", recipe.Name, recipe, options);
        TextModel start = TextModel.Load(recipe.Base);
        string startWeights = ModelDirectory.HashWeights(start.Model);
        (TrainingTask task, string data) = Prepare(recipe, start, folder, options);
        TrainingOutcome outcome = LanguageModelTraining.Run(task, recipe.Train, recipe.Optimizer, recipe.Schedule, folder.Folder, options.Stop, options.Listener);
        return RunEnd.Finish(folder, "sft", task, outcome, new Origin(data, recipe.Base, startWeights));
    }

    /// <summary>The conversations as rows for the model.</summary>
    /// <returns>What the loop needs, and the hash of the conversations.</returns>
    internal static (TrainingTask Task, string Data) Prepare(SftRecipe recipe, TextModel start, RunFolder folder, RunOptions options)
    {
        ChatTemplate template = start.Tokenizer.ChatTemplate is { } source ? ChatTemplate.Parse(source, start.Tokenizer) : ChatTemplate.ChatMl(start.Tokenizer);
        template.Validate();
        int context = start.Model.Config.MaxPositionEmbeddings;
        ConversationRows rows = ConversationRows.Prepare(recipe.Data, template, start.Tokenizer, context, folder.Data, options.Listener);
        PackedRows train = rows.Pack(Split.Train, (ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {rows.Count(Split.Train):N0} conversations in {train.RowsPerEpoch:N0} rows");
        var task = new TrainingTask(
            recipe.Name, start.Model, start.Tokenizer, train,
            rows.Has(Split.Valid) ? () => rows.Pack(Split.Valid, 0, shuffle: false) : null, context,
            options.Sample is { } sample ? m => sample(m, start.Tokenizer, recipe.Train.SamplePrompt) : null);
        options.Listener.OnMessage($"{recipe.Name}: {rows.Count(Split.Train):N0} conversations in {train.RowsPerEpoch:N0} rows");
        start.Tokenizer.ChatTemplate = template.Source; // what the model is saved with
        return (task, rows.Sha256);
    }

    /// <summary>The conversations of a source.</summary>
    /// <param name="data">Which ones.</param>
    /// <param name="reader">Reads the source.</param>
    public static IEnumerable<Conversation> Conversations(DataSettings data, SourceReader reader)
    {
        IEnumerable<Conversation> conversations = reader.Conversations(data.Source);
        // The questions about one member go together, with the member's own page.
        if (data.SplitBy == SplitUnit.Document) conversations = conversations.Select(c => c with { Group = c.Id.Split('?')[0] });
        return data.MaxDocuments > 0 ? conversations.Take(data.MaxDocuments) : conversations;
    }
}
