using Craton.Models;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.Quantization;
using Craton.Tensors.Threading;

namespace Craton.Inference.Tests;

/// <summary>An answer has the same tokens and the same bits of log-probabilities whatever else the engine does.</summary>
public sealed class BatchInvarianceTests
{
    private const int Trials = 200;

    private static readonly TextModel Model = TestEngine.Random();

    /// <summary>
    /// A request, the needle, is asked alone and among 1 to 31 others that arrive before and with it, with pages that are new or filled, and with
    /// prompts read in pieces of several sizes.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ANeedleIsFoundTheSameInEveryHaystack(double temperature)
    {
        var options = TestEngine.Small;
        using var warm = new InferenceEngine(Model, options);
        for (int trial = 0; trial < Trials / 2; trial++)
        {
            GenerationRequest needle = Needle(trial, temperature);
            GenerationResult alone = Model.Alone(needle);
            int others = 1 + trial * 17 % 31;
            using var cold = new InferenceEngine(Model, options with { MaxStepTokens = 32 + trial % 5 * 16, PageSize = 1 + trial % 7 });
            foreach (InferenceEngine engine in new[] { warm, cold }) TestEngine.AssertSame(alone, await Among(engine, needle, others, trial));
        }
        Assert.True(warm.Statistics.CachedTokens > 0);
    }

    /// <summary>Too few pages, guesses, requests that are cancelled, salts: the answers that come are right, and nothing stays in use.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task WhateverHappensAnswersAreThoseOfTheRequestAlone(int seed)
    {
        using var engine = new InferenceEngine(Model, new EngineOptions { PageSize = 3, MaxBatch = 9, MaxStepTokens = 20 + seed, CacheTokens = 260, Drafter = new PromptLookup(2), DraftTokens = seed });
        var random = new CounterRandom((ulong)seed);
        int answered = 0, number = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int trial = 0; trial < 10; trial++)
            {
                int i = Interlocked.Increment(ref number);
                GenerationRequest request = Needle(random.NextInt(i, 40), temperature: i % 2) with { CacheSalt = i % 4 == 0 ? "own" : "" };
                using var cancel = new CancellationTokenSource();
                if (i % 5 == 0) cancel.CancelAfter(random.NextInt(1000 + i, 20));
                try
                {
                    TestEngine.AssertSame(Model.Alone(request), await engine.GenerateAsync(request, cancel.Token));
                    Interlocked.Increment(ref answered);
                }
                catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
            }
        })));
        Assert.InRange(answered, 64, 80);
        for (int i = 0; i < 500 && engine.Statistics.PagesInUse > 0; i++) await Task.Delay(10);
        Assert.Equal(0, engine.Statistics.PagesInUse);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task TheNumberOfThreadsChangesNothing(int threads)
    {
        GenerationRequest needle = Needle(5, temperature: 1);
        GenerationResult alone = Model.Alone(needle);
        int before = WorkerPool.Threads;
        WorkerPool.SetThreads(threads);
        try
        {
            using var engine = new InferenceEngine(Model, TestEngine.Small);
            TestEngine.AssertSame(alone, await Among(engine, needle, others: 11, trial: 3));
        }
        finally
        {
            WorkerPool.SetThreads(before);
        }
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, BlockType.Q8_0)]
    [InlineData(true, BlockType.Q4_0)]
    public async Task WeightsInAnyFormGiveTheBitsOfARowAlone(bool quantized, BlockType? type)
    {
        TextModel model = TestEngine.Random(packed: false);
        if (quantized) Quantize(model.Model, type!.Value);
        using var engine = new InferenceEngine(model, TestEngine.Small);
        for (int trial = 0; trial < 6; trial++)
        {
            GenerationRequest needle = Needle(trial, temperature: trial % 2);
            TestEngine.AssertSame(model.Alone(needle), await Among(engine, needle, others: 3 + 5 * trial, trial));
        }
    }

    /// <summary>Keys and values of 16 bits change an answer, but by rounding alone, and to the same one in every batch.</summary>
    [Theory]
    [InlineData(DType.F16, 0.02)]
    [InlineData(DType.BF16, 0.2)]
    public async Task KeysAndValuesOf16BitsAreRoundedTheSameInEveryBatch(DType type, double near)
    {
        EngineOptions options = TestEngine.Small with { CacheType = type };
        using var warm = new InferenceEngine(Model, options);
        for (int trial = 0; trial < 20; trial++)
        {
            GenerationRequest needle = Needle(trial, temperature: trial % 2) with { Sampling = Needle(trial, trial % 2).Sampling with { Echo = true } };
            using var single = new InferenceEngine(Model, options with { MaxStepTokens = 256, ReusePrefixes = false });
            GenerationResult alone = await single.GenerateAsync(needle), exact = Model.Alone(needle);
            using var cold = new InferenceEngine(Model, options with { MaxStepTokens = 32 + trial % 5 * 16, PageSize = 1 + trial % 7 });
            foreach (InferenceEngine engine in new[] { warm, cold }) TestEngine.AssertSame(alone, await Among(engine, needle, others: 2 + trial, trial));
            double[] differences = [.. alone.PromptLogProbs.Zip(exact.PromptLogProbs).Select(pair => Math.Abs(pair.First.LogProb - pair.Second.LogProb))];
            if (differences.Length > 8) Assert.InRange(differences.Max(), double.Epsilon, near);
        }
        Assert.True(warm.Statistics.CachedTokens > 0);
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void ACacheOf16BitsGivesTheSameInPiecesAndInAnyRow(DType type)
    {
        using var scope = TensorScope.Open("test");
        int[] prompt = TestEngine.Prompt(23, 1), next = [70, 71];
        float[] Hidden(int[] ids, int rows, KvCache cache) => Model.Model.Hidden(Tensor.From(ids, rows, ids.Length / rows), default, cache).ToArray<float>();

        KvCache whole = Model.Model.NewCache(capacity: 64, type: type), pieces = Model.Model.NewCache(capacity: 64, type: type);
        float[] expected = Hidden(prompt, 1, whole);
        float[] inPieces = [.. Hidden(prompt[..9], 1, pieces), .. Hidden(prompt[9..], 1, pieces)];
        Assert.Equal(expected, inPieces);
        Assert.NotEqual(expected, Hidden(prompt, 1, Model.Model.NewCache(capacity: 64)));

        // Two rows that go on differently, and change places.
        KvCache rows = pieces.Repeat(2);
        _ = Hidden(next, 2, rows);
        rows.Reorder([1, 0]);
        float[] both = Hidden([72, 72], 2, rows);
        _ = Hidden(next[1..], 1, whole);
        Assert.Equal(Hidden([72], 1, whole), both[..(both.Length / 2)]);
    }

    [Fact]
    public void AnEngineRefusesKeysOfATypeThatItDoesNotKeep()
    {
        var refused = Assert.Throws<CratonException>(() => new InferenceEngine(Model, new EngineOptions { CacheType = DType.I32 }));
        Assert.Equal("engine: CacheType is I32, expected F32, F16 or BF16", refused.Message);
    }

    private static void Quantize(CausalLanguageModel model, BlockType type)
    {
        foreach ((string name, Tensor weight) in model.NamedParameters())
        {
            if (weight.Rank == 2 && weight.Size(1) % 32 == 0 && name.Contains("proj", StringComparison.Ordinal))
                weight.Quantize(QuantizedMatrix.From(type, weight));
        }
    }

    private static GenerationRequest Needle(int trial, double temperature) => new(TestEngine.Prompt(1 + trial * 29 % 150, trial % 9))
    {
        Sampling = new SamplingOptions
        {
            Temperature = temperature,
            Seed = (ulong)trial,
            MaxTokens = 8 + trial % 9,
            LogProbs = 3,
            Echo = trial % 10 == 0,
            TopP = trial % 3 == 0 ? 0.9 : 1,
            TopK = trial % 4 == 0 ? 20 : 0,
            TypicalP = trial % 5 == 0 ? 0.8 : 1,
            RepetitionPenalty = trial % 6 == 0 ? 1.2 : 1,
        },
    };

    private static async Task<GenerationResult> Among(InferenceEngine engine, GenerationRequest needle, int others, int trial)
    {
        Task<GenerationResult>[] before = [.. Enumerable.Range(0, others / 2).Select(i => engine.GenerateAsync(Other(i, trial)))];
        Task<GenerationResult> asked = engine.GenerateAsync(needle);
        Task<GenerationResult>[] after = [.. Enumerable.Range(others / 2, others - others / 2).Select(i => engine.GenerateAsync(Other(i, trial)))];
        await Task.WhenAll([.. before, .. after]);
        return await asked;
    }

    // Some begin as the needle does.
    private static GenerationRequest Other(int i, int trial) => new(TestEngine.Prompt(1 + (i * 31 + trial) % 60, i % 2 == 0 ? trial % 9 : i))
    {
        Sampling = new SamplingOptions { Temperature = i % 3, Seed = (ulong)i, MaxTokens = 1 + (i + trial) % 12 },
    };
}
