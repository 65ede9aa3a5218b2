using Craton.Data;
using Craton.Models;
using Craton.Models.Diffusion.Discrete;
using Craton.Models.Generative;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Training.Reports;

namespace Craton.Training.Recipes;

/// <summary>Trains a language model that denoises: text → tokenizer → tokens → a model from nothing.</summary>
public static class TextDiffusionTraining
{
    private const string Bound = "bound_nats", Bits = "bound_bits_per_byte";
    private static readonly uint s_train = CounterRandom.PlaceOf("text_diffusion.train"), s_held = CounterRandom.PlaceOf("text_diffusion.held");

    /// <summary>Runs the recipe.</summary>
    public static RunResult Run(TextDiffusionRecipe recipe, RunOptions options)
    {
        var folder = new RunFolder("text-diffusion", recipe.Name, recipe, options);
        Corpus corpus = Corpus.Prepare(recipe.Data, recipe.Tokenizer, folder.Data, options.Listener);
        int context = recipe.Model.Context;
        if (corpus.ValidRows(recipe.Data, context) is not { } held) throw new CratonException("no document of the text was held out to measure on; raise data.valid_fraction, or give more documents");
        if (corpus.Tokenizer.EndOfText is null && recipe.Data.Loader == LoaderKind.Packed)
            throw new CratonException("the tokenizer has no token for the end of a text, which packed documents need; train one with the recipe, or set data.loader to windows");
        GptConfig shape = Pretrain.Shape(recipe.Model, corpus);
        TextDiffusion model = new TextDiffusion(shape with { VocabSize = shape.VocabSize + 1 }, corpus.Tokenizer).Initialize((ulong)recipe.Seed);
        options.Listener.OnMessage($"{recipe.Name}: {model.ParameterCount:N0} parameters, {corpus.Train.Tokens:N0} training tokens, {recipe.Train.Steps:N0} steps of {recipe.Train.Batch:N0} rows of {context:N0}");
        MeasuredTask task = Task(recipe, model, corpus.TrainRows(recipe.Data, context, (ulong)recipe.Seed), held, folder.Folder, options.Listener);
        (TrainingOutcome, IReadOnlyList<Metric>) end = MeasuredTraining.Run(task, recipe.Name, recipe.Train, folder.Folder, options);
        return ImageRun.Finish(folder, "text-diffusion", recipe.Name, corpus.Sha256, end, model, (path, card) => TextDiffusionDirectory.Save(path, model, card), task.Unit, [Bound, Bits]);
    }

    private static MeasuredTask Task(TextDiffusionRecipe recipe, TextDiffusion model, BatchLoader rows, Func<BatchLoader> held, string runFolder, TrainingListener listener)
    {
        ulong seed = (ulong)recipe.Seed;
        var update = new ModelUpdate(model, recipe.Optimizer, recipe.Schedule, recipe.Train.Steps, recipe.EmaDecay);
        var batch = new TokenBatch(recipe.Train.Batch, rows.Context);
        return new MeasuredTask([update.Part], rows, Step, Measure) { Unit = "rows" };

        StepResult Step(long step)
        {
            update.ClearGradients();
            double loss;
            using (TensorScope.Open("step"))
            using (Tape tape = Tape.Start())
            {
                Tensor bound = Loss(model, batch.Fill(rows), new CounterRandom(seed, (uint)step, s_train));
                tape.Backward(bound);
                loss = bound.Item();
            }
            return update.Apply(loss, 1, step);
        }

        IReadOnlyList<Metric> Measure(long step)
        {
            string samples = Samples(model, held(), seed);
            DurableFile.WriteText(Path.Combine(runFolder, SampleLog.FileName), samples);
            listener.OnSample(step, samples);
            return MeasureBound(model, held(), recipe.MeasuredRows, recipe.Train.Batch);
        }
    }

    // What follows on each place is what a decoder learns to say: the bound and its loss speak of the same tokens.
    private static Tensor Loss(TextDiffusion model, TokenBatch batch, CounterRandom random) => model.Loss(batch.Targets, TrainingStep.Input(batch), random);

    /// <summary>The bound over held-out rows, always the same ones with the same masks, in nats per token and in bits per byte of their text.</summary>
    private static IReadOnlyList<Metric> MeasureBound(TextDiffusion model, BatchLoader held, int rows, int most)
    {
        double nats = 0;
        long tokens = 0, bytes = 0;
        for (int done = 0; done < rows; done += most)
        {
            TokenBatch batch = new TokenBatch(Math.Min(most, rows - done), held.Context).Fill(held);
            using (TensorScope.Open("measure"))
                nats += Loss(model, batch, new CounterRandom(0, (uint)done, s_held)).Item() * batch.Targets.Count;
            tokens += batch.Targets.Count;
            foreach (int target in batch.Targets.AsSpan<int>())
                if (!model.Tokenizer.IsSpecial(target)) bytes += model.Tokenizer.TokenBytes(target).Length;
        }
        return [new(Bound, nats / tokens), new(Bits, nats / DeterministicMath.Ln2 / Math.Max(1, bytes))];
    }

    // Texts from nothing in few steps and in many, and one with a gap that is filled.
    private static string Samples(TextDiffusion model, BatchLoader held, ulong seed)
    {
        int context = held.Context, side = context / 4;
        int[] row = new TokenBatch(1, context).Fill(held).Targets.ToArray<int>(), before = row[..side], after = row[(context - side)..];
        IEnumerable<string> texts = new[] { context / 8, context }.Select(steps => $"--- in {steps} steps\n{Text(steps, [], [])}");
        return string.Join('\n', [.. texts, $"--- between parts of a held-out text, which are in brackets\n[{model.Tokenizer.Decode(before)}]{Text(context, before, after)}[{model.Tokenizer.Decode(after)}]\n"]);

        string Text(int steps, int[] before, int[] after) =>
            model.TextOf(model.Write(before, context - before.Length - after.Length, after, new UnmaskingOptions(Math.Max(1, steps)) { Temperature = 1, RandomOrder = true }, seed));
    }
}
