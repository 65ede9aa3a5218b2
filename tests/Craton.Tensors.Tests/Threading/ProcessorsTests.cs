using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

public sealed class ProcessorsTests
{
    [Fact]
    public void A_thread_that_left_a_processor_may_run_on_all_again()
    {
        if (!OperatingSystem.IsLinux()) return;
        string before = "", after = "";
        var thread = new Thread(() =>
        {
            before = Allowed();
            Processors.Leave([Processors.Current]);
            after = Allowed();
        });
        thread.Start();
        thread.Join();
        Assert.NotEqual("", before);
        Assert.Equal(before, after);
    }

    [Fact]
    public void A_thread_stays_when_all_are_taken()
    {
        if (!OperatingSystem.IsLinux()) return;
        string before = Allowed();
        Processors.Leave([.. Enumerable.Range(-1, 9000)]);
        Assert.Equal(before, Allowed());
    }

    private static string Allowed() => File.ReadLines("/proc/thread-self/status").Single(line => line.StartsWith("Cpus_allowed:", StringComparison.Ordinal));
}
