using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Training;
using Craton.Training.Optimizers;

namespace Craton.Cli.Tests.Docs;

/// <summary>What the README claims and no library's own tests cover.</summary>
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
}
