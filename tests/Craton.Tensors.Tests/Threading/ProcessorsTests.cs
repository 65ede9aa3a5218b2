using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

public sealed class ProcessorsTests
{
    [Fact]
    public void A_thread_leaves_a_taken_processor_and_is_free_again()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessorCount < 2)
        {
            Assert.True(Processors.Current >= -1);
            return;
        }
        bool moved = false;
        string before = "", after = "";
        var thread = new Thread(() =>
        {
            before = Allowed();
            for (int i = 0; i < 100 && !moved; i++) // the scheduler may move it back at once
            {
                int here = Processors.Current;
                Processors.Leave([here]);
                moved = Processors.Current != here;
            }
            after = Allowed();
        });
        thread.Start();
        thread.Join();
        Assert.True(moved);
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
