using Craton.Tensors;

namespace Craton.Data.Tests;

public class SplitTests
{
    [Fact]
    public void Fractions_are_met_and_do_not_depend_on_other_documents()
    {
        var splitter = new Splitter(0.1, 0.2, seed: 3);
        Dictionary<string, Split> all = Enumerable.Range(0, 20_000).ToDictionary(i => $"doc{i}", i => splitter.Of(Make.Doc("x", $"doc{i}")));
        Assert.InRange(all.Values.Count(s => s == Split.Valid), 1800, 2200);
        Assert.InRange(all.Values.Count(s => s == Split.Test), 3750, 4250);
        Assert.All(all.Where((_, i) => i % 7 == 0).Reverse(), p => Assert.Equal(p.Value, new Splitter(0.1, 0.2, 3).Of(p.Key)));
        Assert.Contains(all, p => p.Value != new Splitter(0.1, 0.2, 4).Of(p.Key));
    }

    [Fact]
    public void Members_of_a_group_stay_together()
    {
        var splitter = new Splitter(0.3, 0.3);
        for (int group = 0; group < 50; group++)
            Assert.Single(Enumerable.Range(0, 20).Select(i => splitter.Of(Make.Doc("x", $"{group}/{i}") with { Group = $"g{group}" })).Distinct());
    }

    [Fact]
    public void A_larger_test_fraction_only_adds_to_the_test_split()
    {
        string[] keys = [.. Enumerable.Range(0, 1000).Select(i => $"{i}")];
        Assert.All(keys.Where(k => new Splitter(0, 0.1).Of(k) == Split.Test), k => Assert.Equal(Split.Test, new Splitter(0, 0.2).Of(k)));
    }

    [Theory]
    [InlineData(-0.1, 0.1)]
    [InlineData(0.5, 0.5)]
    [InlineData(double.NaN, 0)]
    public void Impossible_fractions_are_refused(double valid, double test) => Assert.Throws<CratonException>(() => new Splitter(valid, test));
}
