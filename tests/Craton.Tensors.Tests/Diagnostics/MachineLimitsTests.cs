using Craton.Tensors.Diagnostics;

namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class MachineLimitsTests
{
    [Fact]
    public void Probes_give_figures_of_a_real_machine()
    {
        foreach (int threads in new[] { 1, 2 })
        {
            Assert.InRange(MachineLimits.FmaGflops(threads), 0.05, 5000.0 * threads);
            Assert.InRange(MachineLimits.TriadGigabytesPerSecond(threads), 0.1, 5000);
            Assert.InRange(MachineLimits.ReadGigabytesPerSecond(threads), 0.1, 5000);
        }
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => MachineLimits.FmaGflops(0));
    }
}
