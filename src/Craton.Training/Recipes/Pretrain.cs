using Craton.Data;
using Craton.Models;

namespace Craton.Training.Recipes;

/// <summary>Pre-training: text → tokenizer → tokens → a model from nothing.</summary>
public static class Pretrain
{
    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(PretrainRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("pretrain", recipe.Name, recipe, options);
        Corpus corpus = Corpus.Prepare(recipe.Data, recipe.Tokenizer, folder.Data, options.Listener);
        GptConfig config = Shape(recipe.Model, corpus);
        Gpt model = new Gpt(config).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {corpus.Train.Tokens:N0} training tokens, {recipe.Train.Steps:N0} steps of {(long)recipe.Train.Batch * recipe.Train.Accumulate * config.MaxPositionEmbeddings:N0}");
        var task = new TrainingTask(
            recipe.Name, model, corpus.Tokenizer,
            corpus.TrainRows(recipe.Data, recipe.Model.Context, (ulong)recipe.Seed), corpus.ValidRows(recipe.Data, recipe.Model.Context), recipe.Model.Context,
            options.Sample is { } sample ? m => sample(m, corpus.Tokenizer, recipe.Train.SamplePrompt) : null);
        TrainingOutcome outcome = LanguageModelTraining.Run(task, recipe.Train, recipe.Optimizer, recipe.Schedule, folder.Folder, options.Stop, options.Listener);
        return RunEnd.Finish(folder, "pretrain", task, outcome, new Origin(corpus.Sha256));
    }

    /// <summary>The model's shape: the dial, and what the recipe sets otherwise.</summary>
    public static GptConfig Shape(ModelSettings model, Corpus corpus)
    {
        GptConfig dial = GptConfig.FromDepth(model.Depth, corpus.Tokenizer.VocabularySize, model.Context);
        int width = model.Width ?? dial.HiddenSize;
        int heads = model.Heads ?? Math.Max(1, width / dial.HeadDim);
        if (width % heads != 0) throw new CratonException($"model.width is {width}, expected a multiple of the number of heads ({heads}); set model.width or model.heads");
        return dial with
        {
            HiddenSize = width,
            NumAttentionHeads = heads,
            NumKeyValueHeads = model.KvHeads ?? (model.Heads is null && model.Width is null ? dial.NumKeyValueHeads : heads),
            HeadDim = width / heads,
            IntermediateSize = model.FeedForward ?? (width * 8 / 3 + 63) / 64 * 64,
            QkNorm = model.QkNorm,
            TieWordEmbeddings = model.TieEmbeddings,
            BosTokenId = corpus.Tokenizer.EndOfText,
            EosTokenId = corpus.Tokenizer.EndOfText,
        };
    }
}
