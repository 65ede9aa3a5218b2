using Craton.Inference.Engine;
using Craton.Models;
using Craton.Models.Generation;

namespace Craton.Inference.Tests;

/// <summary>What steps read, without a pass of the model: the scores are made up.</summary>
public sealed class SchedulerTests
{
    private static readonly TextModel Model = TestEngine.Random();

    [Fact]
    public void PromptsAreReadInPiecesBetweenTheTokensOfAnswers()
    {
        Scheduler scheduler = Create(pages: 100, out _);
        scheduler.Add(Sequence(prompt: 10));
        Assert.Equal([10], Step(scheduler));
        scheduler.Add(Sequence(prompt: 30));
        scheduler.Add(Sequence(prompt: 5));
        Assert.Equal([1, 15], Step(scheduler)); // sixteen tokens a step
        Assert.Equal([1, 15], Step(scheduler));
        Assert.Equal([1, 1, 5], Step(scheduler));
        Assert.Equal([1, 1, 1], Step(scheduler));
    }

    [Fact]
    public void OnlySoManyAreAnsweredAtATimeInTheOrderOfArrival()
    {
        Scheduler scheduler = Create(pages: 100, out _);
        Sequence[] sequences = [.. Enumerable.Range(0, 5).Select(_ => Sequence(prompt: 2))];
        foreach (Sequence sequence in sequences) scheduler.Add(sequence);
        Assert.Equal([2, 2, 2], Step(scheduler)); // three at a time
        Assert.Equal((3, 2), (scheduler.Count().Running, scheduler.Count().Waiting));
        sequences[1].Fail(new OperationCanceledException());
        Step(scheduler);
        Assert.Equal([1, 1, 2], Step(scheduler));
        Assert.Equal(2, sequences[3].PageCount + sequences[0].PageCount);
    }

    [Fact]
    public void TheLatestGivesItsPagesBackAndBeginsAnew()
    {
        Scheduler scheduler = Create(pages: 4, out PagePool pages);
        Sequence first = Sequence(prompt: 7), second = Sequence(prompt: 3);
        scheduler.Add(first);
        scheduler.Add(second);
        Assert.Equal([7, 3], Step(scheduler));
        Assert.Equal([1, 1], Step(scheduler)); // 8 and 4 tokens are stored on 2 + 1 pages, one is free
        Assert.Equal([1], Step(scheduler));    // it goes to the first
        Assert.Equal((3, 0), (first.PageCount, second.PageCount));
        Assert.Equal((1, 1L), (scheduler.Count().Waiting, scheduler.Count().Preemptions));
        first.Fail(new OperationCanceledException());
        Step(scheduler);
        Assert.Equal(4, pages.Free);
        Assert.Equal([1], Step(scheduler)); // of its 5 tokens, 4 are still on their page
    }

    private static Scheduler Create(int pages, out PagePool pool)
    {
        pool = new PagePool(pages);
        return new Scheduler(Model.Model, new EngineOptions { MaxBatch = 3, MaxStepTokens = 16, PageSize = 4 }, pool);
    }

    private static Sequence Sequence(int prompt) =>
        new(new GenerationRequest(TestEngine.Prompt(prompt, prompt)) { Sampling = new SamplingOptions { Temperature = 0, MaxTokens = 20 } }, Model, virtualTokens: 0, CancellationToken.None);

    // A step in which every sequence that wants a token gets the same one.
    private static int[] Step(Scheduler scheduler)
    {
        float[] scores = new float[TestEngine.Config.VocabSize];
        scores[65] = 1;
        List<StepPart> plan = scheduler.Plan();
        int[] counts = [.. plan.Select(part => part.Count)];
        foreach ((Sequence sequence, int count) in plan)
        {
            for (int place = sequence.Computed; place < sequence.Computed + count; place++)
                if (sequence.WantsScores(place)) sequence.Take(place, scores);
        }
        scheduler.Settle();
        return counts;
    }
}
