using Craton.Models;
using Craton.Models.Generation;
using Craton.Tensors;

namespace Craton.Inference.Tests;

public sealed class InferenceEngineTests
{
    private static readonly TextModel Model = TestEngine.Random();

    [Fact]
    public async Task AnswersAreThoseOfTheSimpleGeneratorAndPiecesMakeTheText()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        var request = new GenerationRequest(TestEngine.Prompt(100, 1)) { Sampling = new SamplingOptions { Temperature = 1, Seed = 3, MaxTokens = 40, LogProbs = 2, Echo = true } };
        GenerationResult expected = Model.Alone(request);
        TestEngine.AssertSame(expected, await engine.GenerateAsync(request));

        List<GenerationUpdate> updates = await All(engine.StreamAsync(request));
        Assert.Equal(expected.Text, string.Concat(updates.Select(u => u.Text)));
        Assert.Equal(expected.Tokens, updates.SelectMany(u => u.Tokens));
        Assert.Equal(100, updates[0].PromptLogProbs.Count);
        Assert.All(updates.SkipLast(1), u => Assert.Null(u.Finish));
        Assert.Equal(expected.FinishReason, updates[^1].Finish);
        Assert.Equal(new GenerationUsage(100, 0, expected.Tokens.Count), updates[^1].Usage);
    }

    [Fact]
    public async Task AStopTextEndsTheAnswerBeforeIt()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        var request = new GenerationRequest(TestEngine.Prompt(9, 2)) { Sampling = new SamplingOptions { Temperature = 1, Seed = 3, MaxTokens = 60 } };
        string whole = Model.Alone(request).Text, stop = whole.Substring(whole.Length / 2, 2);
        request = request with { Sampling = request.Sampling with { Stop = ["never to be seen", stop] } };
        GenerationResult got = await engine.GenerateAsync(request);
        TestEngine.AssertSame(Model.Alone(request), got);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], got.Text);
        Assert.Equal(FinishReason.Stop, got.FinishReason);
    }

    [Fact]
    public async Task NoNewTokensScoreThePromptAlone()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        GenerationResult got = await engine.GenerateAsync(new GenerationRequest(TestEngine.Prompt(70, 1)) { Sampling = new SamplingOptions { MaxTokens = 0, Echo = true, LogProbs = 1 } });
        Assert.Equal((70, 0, FinishReason.Length), (got.PromptLogProbs.Count, got.Tokens.Count, got.FinishReason));
    }

    [Fact]
    public async Task WhatCannotBeAnsweredIsRefusedWithATypedError()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small with { CacheTokens = 40 });
        ContextOverflowException model = await Assert.ThrowsAsync<ContextOverflowException>(() => engine.GenerateAsync(Request(length: 200, tokens: 57)));
        Assert.Equal((200, 57, 256), (model.PromptTokens, model.MaxTokens, model.Context));
        ContextOverflowException cache = await Assert.ThrowsAsync<ContextOverflowException>(() => engine.GenerateAsync(Request(length: 30, tokens: 11)));
        Assert.Equal(40, cache.Context);
        Assert.Contains("at most 10", cache.Message, StringComparison.Ordinal);
        await engine.GenerateAsync(Request(length: 30, tokens: 10));
        Assert.Contains("token 9999", (await Assert.ThrowsAsync<CratonException>(() => engine.GenerateAsync(Request(length: 1, tokens: 1) with { Prompt = [9999] }))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<CratonException>(() => engine.GenerateAsync(Request(length: 0, tokens: 1)));
        var bias = new SamplingOptions { MaxTokens = 3, Biases = [new SequenceBias([9999], 1)] };
        await Assert.ThrowsAsync<CratonException>(() => engine.GenerateAsync(new GenerationRequest([65]) { Sampling = bias }));
        Assert.Throws<CratonException>(() => new InferenceEngine(Model, new EngineOptions { MaxBatch = 0 }));
    }

    [Fact]
    public async Task AFullQueueRefuses()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small with { MaxBatch = 1, MaxQueue = 2 });
        using var cancel = new CancellationTokenSource();
        Task[] asked = [.. Enumerable.Range(0, 20).Select(_ => engine.GenerateAsync(Request(length: 5, tokens: 200), cancel.Token))];
        await Assert.ThrowsAsync<QueueFullException>(() => Task.WhenAny(asked.Where(t => t.IsFaulted)).Unwrap());
        await cancel.CancelAsync();
        foreach (Task task in asked) await Assert.ThrowsAnyAsync<Exception>(() => task);
        await Idle(engine);
        Assert.NotEmpty((await engine.GenerateAsync(Request(length: 5, tokens: 5))).Tokens);
    }

    [Fact]
    public async Task CancellingEndsWithinAStepAndGivesEverythingBack()
    {
        // Far more tokens than the engine makes before the one who asks has run at all, however busy the machine is.
        const int Tokens = 60_000;
        using var engine = new InferenceEngine(TestEngine.Random(context: 1 << 16), TestEngine.Small with { CacheTokens = 1 << 16 });
        using var cancel = new CancellationTokenSource();
        int heard = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (GenerationUpdate _ in engine.StreamAsync(Request(length: 20, Tokens), cancel.Token))
                if (++heard == 3) await cancel.CancelAsync();
        });
        await Idle(engine);
        long read = engine.Statistics.ReadTokens;
        Assert.True(read < Tokens, "the answer went on");

        await foreach (GenerationUpdate _ in engine.StreamAsync(Request(length: 20, Tokens))) break; // who stops asking cancels too
        await Idle(engine);
        Assert.True(engine.Statistics.ReadTokens - read < Tokens, "the answer went on");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.GenerateAsync(Request(length: 20, tokens: 5), new CancellationToken(canceled: true)));
        await Idle(engine);
    }

    [Fact]
    public async Task WhenPagesRunOutTheLatestWaitAndAnswersStayTheSame()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small with { CacheTokens = 160, MaxBatch = 8 });
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => new GenerationRequest(TestEngine.Prompt(10 + i, i))
        {
            Sampling = new SamplingOptions { Temperature = i % 2, Seed = (ulong)i, MaxTokens = 60, LogProbs = 1, Echo = i % 4 == 0 },
        })];
        GenerationResult[] got = await Task.WhenAll(requests.Select(r => engine.GenerateAsync(r)));
        for (int i = 0; i < got.Length; i++) TestEngine.AssertSame(Model.Alone(requests[i]), got[i]);
        Assert.True(engine.Statistics.Preemptions > 0);
        await Idle(engine);
    }

    [Fact]
    public async Task CommonBeginningsAreReadOnce()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        int[] common = TestEngine.Prompt(40, 1);
        Assert.Equal(0, await Cached([.. common, 65, 66, 67]));
        Assert.Equal(40, await Cached([.. common, 65, 66]));
        Assert.Equal(36, await Cached(common)); // one token at least is read
        Assert.Equal(36, await Cached([.. common[..39], 100, 101, 102, 103]));
        Assert.Equal(0, await Cached([.. common, 65, 66], salt: "another"));
        Assert.Equal(40 + 36 + 36, engine.Statistics.CachedTokens);
        await Idle(engine);

        async Task<int> Cached(int[] prompt, string salt = "") =>
            (await All(engine.StreamAsync(new GenerationRequest(prompt) { Sampling = new SamplingOptions { MaxTokens = 2, Temperature = 0 }, CacheSalt = salt })))[^1].Usage.CachedTokens;
    }

    [Fact]
    public async Task AConversationGoesOnFromItsOwnAnswer()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small);
        GenerationRequest first = Request(length: 21, tokens: 30);
        int[] sofar = [.. first.Prompt, .. (await engine.GenerateAsync(first)).Tokens];
        GenerationUpdate next = (await All(engine.StreamAsync(new GenerationRequest([.. sofar, 65]) { Sampling = new SamplingOptions { MaxTokens = 1 } })))[^1];
        Assert.True(next.Usage.CachedTokens >= sofar.Length - 1 - 4, $"{next.Usage.CachedTokens} of {sofar.Length} tokens were kept");
    }

    [Fact]
    public async Task ScoresThatAreNoNumbersFailTheirRequestAlone()
    {
        TextModel broken = TestEngine.Random(packed: false);
        Tensor table = broken.Model.NamedParameters().Single(p => p.Name == "model.embed_tokens.weight").Tensor;
        table.AsSpan<float>().Slice(90 * TestEngine.Config.HiddenSize, 4).Fill(float.NaN); // its own scores are no numbers for anybody
        using var engine = new InferenceEngine(broken, TestEngine.Small);
        Task<GenerationResult> bad = engine.GenerateAsync(new GenerationRequest([90]) { Sampling = new SamplingOptions { MaxTokens = 5 } });
        Assert.Contains("diverged", (await Assert.ThrowsAsync<CratonException>(() => bad)).Message, StringComparison.Ordinal);
        await Idle(engine);
    }

    [Fact]
    public async Task AClosedEngineEndsWhatIsInProgress()
    {
        var engine = new InferenceEngine(Model, TestEngine.Small);
        Task<GenerationResult> asked = engine.GenerateAsync(Request(length: 5, tokens: 250));
        engine.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => asked);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => engine.GenerateAsync(Request(length: 5, tokens: 5)));
    }

    [Fact]
    public async Task ThousandsOfRequestsLeaveNothingBehind()
    {
        using var engine = new InferenceEngine(Model, TestEngine.Small with { CacheTokens = 600, MaxQueue = 3000, MaxBatch = 16 });
        int answered = 0;
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(async i =>
        {
            using var cancel = new CancellationTokenSource();
            try
            {
                await foreach (GenerationUpdate update in engine.StreamAsync(new GenerationRequest(TestEngine.Prompt(1 + i % 70, i % 5)) { Sampling = new SamplingOptions { MaxTokens = 1 + i % 9, Seed = (ulong)i } }, cancel.Token))
                {
                    if (i % 7 == 0) await cancel.CancelAsync();
                    if (update.Finish is not null) Interlocked.Increment(ref answered);
                }
            }
            catch (OperationCanceledException) { }
        }));
        Assert.True(answered >= 1000 * 6 / 7);
        await Idle(engine);
    }

    private static GenerationRequest Request(int length, int tokens) =>
        new(TestEngine.Prompt(length, 1)) { Sampling = new SamplingOptions { Temperature = 0, MaxTokens = tokens, Biases = [new SequenceBias([256], -100), new SequenceBias([258], -100)] } };

    private static async Task<List<GenerationUpdate>> All(IAsyncEnumerable<GenerationUpdate> stream)
    {
        List<GenerationUpdate> all = [];
        await foreach (GenerationUpdate update in stream) all.Add(update);
        return all;
    }

    // Nothing runs, nothing waits, and no page is in use.
    private static async Task Idle(InferenceEngine engine)
    {
        for (int i = 0; i < 500 && engine.Statistics is not { Running: 0, Waiting: 0, PagesInUse: 0 }; i++) await Task.Delay(10);
        Assert.Equal((0, 0, 0), (engine.Statistics.Running, engine.Statistics.Waiting, engine.Statistics.PagesInUse));
    }
}
