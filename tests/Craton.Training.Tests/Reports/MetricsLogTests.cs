using Craton.Training.Reports;

namespace Craton.Training.Tests.Reports;

public sealed class MetricsLogTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Metrics => folder["metrics.jsonl"];

    private void Write(long after, long until)
    {
        using var log = new MetricsLog(folder.Root, after);
        for (long step = Math.Max(after, 0) + 1; step <= until; step++)
        {
            log.Write(step, new Metric("loss", 1.0 / step), new Metric("lr", 3e-4));
            if (step % 2 == 0) log.Write(step, new Metric("val_loss", 2.0 / step));
            log.WriteTiming(step, new Metric("seconds", Environment.TickCount64));
        }
    }

    [Fact]
    public void Lines_are_flushed_at_once_and_numbers_are_exact()
    {
        using var log = new MetricsLog(folder.Root, -1);
        log.Write(1, new Metric("loss", 0.1), new Metric("grad_norm", 1e-300), new Metric("bad", double.NaN), new Metric("worse", double.NegativeInfinity));
        Assert.Equal("{\"step\":1,\"loss\":0.1,\"grad_norm\":1E-300,\"bad\":\"NaN\",\"worse\":\"-Infinity\"}\n", File.ReadAllText(Metrics));
        MetricsRecord record = Assert.Single(MetricsLog.Read(folder.Root));
        Assert.Equal([new Metric("loss", 0.1), new Metric("grad_norm", 1e-300), new Metric("bad", double.NaN), new Metric("worse", double.NegativeInfinity)], record.Values);
        Assert.Equal(0.1, record["loss"]);
        Assert.Null(record["none"]);
        Assert.Empty(MetricsLog.Read(folder.Root, MetricsLog.TimingFile));
    }

    /// <summary>The tail may end anywhere, after any step; the log comes out the same.</summary>
    [Fact]
    public void After_a_resume_the_log_is_that_of_an_uninterrupted_run()
    {
        Write(-1, 6);
        byte[] whole = File.ReadAllBytes(Metrics);
        int complete = 0;
        for (int length = 0; length <= whole.Length; length++)
        {
            if (length > 0 && whole[length - 1] == '\n') complete++;
            int[] steps = [0, 1, 2, 2, 3, 4, 4, 5, 6, 6]; // the steps done when so many lines are complete
            foreach (int from in new[] { 0, 2, 4 }.Where(step => step <= steps[complete]))
            {
                // A checkpoint of step 2 or 4 exists only after both lines of that step.
                if ((from == 2 && complete < 3) || (from == 4 && complete < 6)) continue;
                File.WriteAllBytes(Metrics, whole[..length]);
                Write(from, 6);
                Assert.Equal(whole, File.ReadAllBytes(Metrics));
            }
        }
        Assert.Equal(9, complete);
    }

    [Theory]
    [InlineData("{\"step\":3,\"lo")]
    [InlineData("\0\0\0\0\0\n")]
    [InlineData("not json\n")]
    [InlineData("{\"loss\":3}\n")]
    [InlineData("{\"step\":\"3\"}\n")]
    public void A_torn_tail_is_cut(string tail)
    {
        Write(-1, 2);
        byte[] good = File.ReadAllBytes(Metrics);
        File.AppendAllText(Metrics, tail);
        Assert.Equal(3, MetricsLog.Read(folder.Root).Count);
        new MetricsLog(folder.Root, 100).Dispose();
        Assert.Equal(good, File.ReadAllBytes(Metrics));
    }

    [Fact]
    public void Damage_in_the_middle_is_an_error_not_a_cut()
    {
        Write(-1, 4);
        byte[] bytes = File.ReadAllBytes(Metrics);
        bytes[3] = (byte)'x';
        bytes[2] = (byte)'{';
        File.WriteAllBytes(Metrics, bytes);
        Assert.Contains("line 1", Assert.Throws<CratonException>(() => new MetricsLog(folder.Root, 4)).Message, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(Metrics));
    }

    [Fact]
    public void Two_writers_are_refused()
    {
        using var log = new MetricsLog(folder.Root, -1);
        Assert.Contains("another training", Assert.Throws<CratonException>(() => new MetricsLog(folder.Root, -1)).Message, StringComparison.Ordinal);
    }
}
