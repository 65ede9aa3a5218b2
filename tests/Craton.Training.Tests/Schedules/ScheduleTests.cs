using Craton.Training.Schedules;

namespace Craton.Training.Tests.Schedules;

public sealed class ScheduleTests
{
    public static TheoryData<Schedule> All => new()
    {
        new ConstantSchedule(5), new LinearSchedule(5, 40), new PolynomialSchedule(5, 40, 1.5, 0.1), new InverseSqrtSchedule(5, 5),
        new StepSchedule(7, 0.5), new CosineSchedule(5, 40, 0.1), new CosineRestartsSchedule(5, 40, 3), new CosineWarmRestartsSchedule(6, 2, 0.1),
        new OneCycleSchedule(40), new WarmupStableDecaySchedule(5, 20, 15, 0.1, DecayForm.Cosine),
    };

    [Theory]
    [MemberData(nameof(All))]
    public void Factors_lie_between_0_and_1_and_reach_1(Schedule schedule)
    {
        double[] factors = [.. Enumerable.Range(0, 100).Select(step => schedule.Factor(step))];
        Assert.All(factors, factor => Assert.InRange(factor, 0, 1));
        Assert.Equal(1, factors.Max(), 1e-12);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(10, 10, 5)]
    public void Phases_without_steps_do_no_harm(long warmup, long total, long stable)
    {
        Schedule[] schedules =
        [
            new LinearSchedule(warmup, total), new CosineSchedule(warmup, total), new PolynomialSchedule(warmup, total, 2),
            new CosineRestartsSchedule(warmup, total, 2), new WarmupStableDecaySchedule(warmup, stable, 0), new OneCycleSchedule(1),
        ];
        Assert.All(schedules, schedule => Assert.All(Enumerable.Range(0, 30), step => Assert.InRange(schedule.Factor(step), 0, 1)));
    }
}
