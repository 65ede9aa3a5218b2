using System.Globalization;
using Craton.Training.Recipes;
using Xunit.Abstractions;

namespace Craton.Training.Tests.Reproducibility;

/// <summary>In steady state the training loop allocates nothing, neither managed memory on any thread nor tensor memory; generation next to nothing.</summary>
public sealed class SteadyStateTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(OptimizerKind.AdamW, 1, false)]
    [InlineData(OptimizerKind.AdamW, 2, false)]
    [InlineData(OptimizerKind.AdamW, 2, true)]
    [InlineData(OptimizerKind.Muon, 2, false)]
    public void A_step_allocates_nothing(OptimizerKind optimizer, int accumulate, bool checkpoint)
    {
        // Without tiers every method is compiled once, at its first call: compiling in the background allocates a little.
        string result = Child.Run(["steady", $"{optimizer}", $"{accumulate}", $"{checkpoint}"], ("DOTNET_TieredCompilation", "0"), ("CRATON_THREADS", "2"))[^1];
        output.WriteLine(result);
        Assert.Equal("0 bytes, 0 misses", result);
    }

    [Theory]
    [InlineData("greedy", 100)]
    [InlineData("sampled", 100)]
    [InlineData("filtered", 100)]
    [InlineData("logprobs", 350)] // a record and its five best
    public void A_generated_token_allocates_its_text_and_no_more(string sampling, int most)
    {
        string result = Child.Run(["generate", sampling], ("DOTNET_TieredCompilation", "0"), ("CRATON_THREADS", "2"))[^1];
        output.WriteLine(result);
        Assert.InRange(int.Parse(result.Split(' ')[0], CultureInfo.InvariantCulture), 0, most);
    }
}
