using Craton.Training.Schedules;
using Craton.Training.Tests.Golden;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Schedules;

[Trait("Category", "Golden")]
public sealed class ScheduleGoldenTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, Action<GoldenCase>> s_ops = new()
    {
        ["schedule.constant"] = c => Values(c, new ConstantSchedule(c.Whole("warmup_steps"))),
        ["schedule.linear"] = c => Values(c, new LinearSchedule(c.Whole("warmup_steps"), c.Whole("total_steps"))),
        ["schedule.cosine"] = c => Values(c, new CosineSchedule(c.Whole("warmup_steps"), c.Whole("total_steps"), c.Number("min_ratio"))),
        ["schedule.cosine_restarts"] = c =>
            Values(c, new CosineRestartsSchedule(c.Whole("warmup_steps"), c.Whole("total_steps"), c.Whole("cycles"))),
        ["schedule.cosine_warm_restarts"] = c =>
            Values(c, new CosineWarmRestartsSchedule(c.Whole("first_cycle"), c.Whole("multiplier"), c.Number("min_lr") / c.Number("lr"))),
        ["schedule.inverse_sqrt"] = c => Values(c, new InverseSqrtSchedule(c.Whole("warmup_steps"), c.Whole("timescale"))),
        ["schedule.warmup_stable_decay"] = c => Values(c, new WarmupStableDecaySchedule(
            c.Whole("warmup_steps"), c.Whole("stable_steps"), c.Whole("decay_steps"), c.Number("min_ratio"), Form(c.Text("decay_form")))),
        ["schedule.polynomial"] = c => Values(c, new PolynomialSchedule(
            c.Whole("warmup_steps"), c.Whole("total_steps"), c.Number("power"), c.Number("end_lr") / c.Number("lr"))),
        ["schedule.step"] = c => Values(c, new StepSchedule(c.Whole("step_size"), c.Number("gamma"))),
        // The values were made with one step more than the attribute says, so that the last one is just before the end.
        ["schedule.one_cycle"] = c =>
        {
            Assert.Equal(c.Number("max_lr") / c.Number("divide"), c.Number("lr"), 1e-12); // where it starts
            Values(c, new OneCycleSchedule(c.Whole("total_steps") + 1, c.Number("rise_fraction"), c.Number("divide"), c.Number("final_divide")), "max_lr");
        },
    };

    [Fact]
    public void Schedules_agree_with_golden_values() => GoldenRunner.Run("schedule", s_ops, output);

    private static void Values(GoldenCase c, Schedule schedule, string peak = "lr") =>
        c.ExpectValues([.. Enumerable.Range(0, c.ValueCount).Select(step => c.Number(peak) * schedule.Factor(step))]);

    private static DecayForm Form(string name) => name switch
    {
        "linear" => DecayForm.Linear,
        "cosine" => DecayForm.Cosine,
        "1-sqrt" => DecayForm.OneMinusSqrt,
        _ => throw new NotSupportedException($"unknown form of decay '{name}'"),
    };
}
