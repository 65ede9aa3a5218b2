using Craton.Data;
using Craton.Models;
using Craton.Tensors;

namespace Craton.Training.Recipes;

/// <summary>Instruction tuning: the model learns what the assistant says, and when to stop.</summary>
public static class Sft
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(SftRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("sft", recipe.Name, recipe, options);
        TextModel start = TextModel.Load(recipe.Base);
        ChatTemplate template = start.Template ?? ChatTemplate.ChatMl(start.Tokenizer);
        template.Validate();
        int context = start.Model.Config.MaxPositionEmbeddings;
        var splitter = new Splitter(recipe.Data.ValidFraction, recipe.Data.TestFraction);
        ILookup<Split, MaskedExample> examples = Conversations(recipe.Data).ToLookup(splitter.Of, c => Example(template, c));
        PackedRows train = Rows(examples[Split.Train], context, (ulong)recipe.Seed, template.Padding, options.Listener);
        bool hasValid = examples[Split.Valid].Any();
        var task = new TrainingTask(
            recipe.Name, start.Model, start.Tokenizer, train,
            hasValid ? () => Rows(examples[Split.Valid], context, 0, template.Padding, TrainingListener.Silent, shuffle: false) : null, context,
            options.Sample is { } sample ? m => sample(m, start.Tokenizer, recipe.Train.SamplePrompt) : null);
        options.Listener.OnMessage($"{recipe.Name}: {examples[Split.Train].Count():N0} conversations in {train.RowsPerEpoch:N0} rows");
        TrainingOutcome outcome = LanguageModelTraining.Run(task, recipe.Train, recipe.Optimizer, recipe.Schedule, folder.Folder, options.Stop, options.Listener);
        start.Tokenizer.ChatTemplate = ChatTemplate.ChatMlSource;
        return RunEnd.Finish(folder, "sft", task, outcome, recipe.Base);
    }

    /// <summary>The conversations of a source.</summary>
    public static IEnumerable<Conversation> Conversations(DataSettings data)
    {
        IEnumerable<Conversation> conversations = data.Source == "dotnet-docs"
            ? ApiQuestions.From(DotNetDocs.ReadMembers())
            : new TextFiles([Corpus.Resolve(data.Source)]).ReadConversations();
        // The questions about one member go together, with the member's own page.
        if (data.SplitBy == SplitUnit.Document) conversations = conversations.Select(c => c with { Group = c.Id.Split('?')[0] });
        return data.MaxDocuments > 0 ? conversations.Take(data.MaxDocuments) : conversations;
    }

    private static MaskedExample Example(ChatTemplate template, Conversation conversation)
    {
        (int[] ids, bool[] learn) = template.Render(conversation.Turns);
        return new MaskedExample(ids, learn);
    }

    private static PackedRows Rows(IEnumerable<MaskedExample> examples, int context, ulong seed, int padding, TrainingListener listener, bool shuffle = true)
    {
        // A conversation whose answer is cut off would teach not to end: it is left out, and counted.
        MaskedExample[] all = [.. examples], fitting = [.. all.Where(e => e.Ids.Length <= context + 1)];
        if (fitting.Length < all.Length) listener.OnMessage($"{all.Length - fitting.Length:N0} of {all.Length:N0} conversations are longer than the context of {context} and were left out");
        if (fitting.Length == 0) throw new CratonException($"no conversation fits the model's context of {context} tokens; use shorter ones or a model with a longer context");
        return new PackedRows(fitting, context, seed, padding, shuffle);
    }
}
