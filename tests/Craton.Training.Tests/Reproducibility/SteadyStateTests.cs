using Craton.Training.Recipes;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>In steady state the training loop allocates nothing: neither managed memory on any thread, nor tensor memory.</summary>
public sealed class SteadyStateTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(OptimizerKind.AdamW, 1)]
    [InlineData(OptimizerKind.AdamW, 2)]
    [InlineData(OptimizerKind.Muon, 2)]
    public void A_step_allocates_nothing(OptimizerKind optimizer, int accumulate)
    {
        // Without tiers every method is compiled once, at its first call: compiling in the background allocates a little.
        string result = Child.Run(["steady", $"{optimizer}", $"{accumulate}"], ("DOTNET_TieredCompilation", "0"), ("CRATON_THREADS", "2"));
        output.WriteLine(result);
        Assert.Equal("0 bytes, 0 misses", result);
    }
}
