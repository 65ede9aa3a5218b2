using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Tensors.Memory;
using Craton.Training;
using Craton.Training.Optimizers;
using Craton.Training.Recipes;

namespace Craton.Cli.Tests.Docs;

/// <summary>Tests that count allocations or change a setting of the process run alone: others would take memory out of the same pool.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public static class AloneCollection;

/// <summary>What the README claims and no library's own tests cover.</summary>
[Collection("alone")]
public sealed class ClaimTests
{
    [Fact]
    public void A_warm_training_step_allocates_nothing()
    {
        const int Context = 32, WarmUp = 5, Measured = 10;
        int[] tokens = [.. Enumerable.Range(0, 2000).Select(i => i * i % 61)];
        Gpt model = new Gpt(GptConfig.FromDepth(2, vocabSize: 64, Context)).Initialize(seed: 1);
        var optimizer = new AdamW(model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor)), new AdamWOptions());
        var step = new TrainingStep(model, optimizer, clipNorm: 1);
        var rows = new RandomWindows(new MemoryTokens(tokens), Context);
        var batch = new TokenBatch(rows: 4, Context);
        Func<TokenBatch> next = () => batch.Fill(rows);
        bool checks = TensorScope.Checks;
        TensorScope.Checks = false; // with checks on, released tensor objects are not recycled
        try
        {
            for (int i = 0; i < WarmUp; i++) _ = step.Run(next, passes: 2, learningRateScale: 1);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Measured; i++) _ = step.Run(next, passes: 2, learningRateScale: 1);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        finally
        {
            TensorScope.Checks = checks;
        }
    }

    [Fact]
    public void Blocks_computed_again_on_the_way_back_take_less_memory_and_give_the_same_gradients()
    {
        const int Layers = 6, Context = 64;
        GptConfig config = GptConfig.FromDepth(Layers, vocabSize: 64, Context) with { HiddenSize = 64, IntermediateSize = 192, NumAttentionHeads = 2, NumKeyValueHeads = 2, HeadDim = 32 };
        int[] tokens = [.. Enumerable.Range(0, 4 * Context + 1).Select(i => i * i % 61)];
        (long Bytes, float[] Gradients) plain = Step(checkpoint: false), again = Step(checkpoint: true);
        Assert.Equal(plain.Gradients, again.Gradients);
        Assert.True(again.Bytes < plain.Bytes / 2, $"{again.Bytes} bytes instead of {plain.Bytes}");

        (long, float[]) Step(bool checkpoint)
        {
            Gpt model = new Gpt(config) { CheckpointActivations = checkpoint }.Initialize(seed: 1);
            long before = MemoryPool.LeasedBytes;
            MemoryPool.ResetPeak();
            using (TensorScope.Open("step"))
            using (Tape tape = Tape.Start())
                tape.Backward(model.Loss(Tensor.From(tokens.AsSpan(0, 4 * Context), 4, Context), Tensor.From(tokens.AsSpan(1, 4 * Context), 4, Context)));
            return (MemoryPool.PeakBytes - before - 4 * model.ParameterCount, [.. model.NamedParameters().SelectMany(p => p.Tensor.Grad!.ToArray<float>())]);
        }
    }

    [Fact]
    public void A_training_that_broke_off_ends_with_the_weights_of_an_unbroken_one()
    {
        string folder = Directory.CreateTempSubdirectory("craton-claims-").FullName;
        try
        {
            string text = Path.Combine(folder, "text.txt");
            File.WriteAllLines(text, Enumerable.Range(0, 200).Select(i => $"{i} times {i % 9} is {i * (i % 9)}."));
            var recipe = new PretrainRecipe
            {
                Name = "run",
                Data = new DataSettings { Source = text, LinesAreDocuments = true, Cleaning = CleaningPreset.None, ValidFraction = 0.1, TestFraction = 0 },
                Tokenizer = new TokenizerSettings { Kind = TokenizerKind.Byte },
                Model = new ModelSettings { Depth = 2, Width = 32, Heads = 2, Context = 32 },
                Train = new LoopSettings { Steps = 20, Batch = 4, LogEvery = 1, EvalEvery = 5, EvalBatches = 2, SaveEvery = 6, SampleEvery = 15 },
            };
            var options = new RunOptions(Path.Combine(folder, "broken"), Resume: false, new BreaksOff()) { Sample = (_, _, _) => "" };
            Assert.Throws<InvalidOperationException>(() => Pretrain.Run(recipe, options));
            RunResult resumed = Pretrain.Run(recipe, options with { Resume = true, Listener = TrainingListener.Silent });
            RunResult whole = Pretrain.Run(recipe, options with { Runs = Path.Combine(folder, "whole"), Listener = TrainingListener.Silent });
            Assert.NotNull(whole.Sha256);
            Assert.Equal(whole.Sha256, resumed.Sha256);
            Assert.Equal(File.ReadAllText(Path.Combine(whole.RunFolder, "metrics.jsonl")), File.ReadAllText(Path.Combine(resumed.RunFolder, "metrics.jsonl")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Three steps after the last checkpoint.
    private sealed class BreaksOff : TrainingListener
    {
        public override void OnSample(long step, string text) => throw new InvalidOperationException($"broken off at step {step}");
    }
}
