using System.Text.Json.Nodes;
using Craton.Tensors.Diagnostics;

namespace Craton.Cli.Bench;

/// <summary>Where the time of training steps goes, operation by operation, beside the limits of the machine.</summary>
/// <param name="times">What was measured.</param>
/// <param name="steps">Over how many steps; the table is of one.</param>
/// <param name="wall">Seconds of all of them.</param>
/// <param name="limits">The machine's limits.</param>
/// <param name="flops">Floating-point operations of one step; what the operations count themselves unless given.</param>
internal sealed class ProfileTable(IReadOnlyList<OpTime> times, long steps, double wall, Limits limits, double? flops = null)
{
    private const int NameWidth = 42;

    /// <summary>Operations of a step in a second as a share of what the machine's multiply-adds reach.</summary>
    public double LimitShare => Rate / limits.FmaN;

    private double Rate => (flops * steps ?? times.Sum(time => time.Flops)) / wall / 1e9;

    /// <summary>Writes what was measured where, and the table: operations, sums of each pass, what lies between, and the whole.</summary>
    public void Show(Output output, Machine machine, int threads, string work)
    {
        output.Line($"{machine.Model}, {threads} threads: {work}, mean of {steps:N0} steps");
        output.Line($"limits: {limits.Describe(threads)}");
        output.Line($"{"operation".PadRight(NameWidth)} {"pass",-9} {"calls",5} {"ms",9} {"share",6} {"GFLOP/s",8} {"GB/s",6}  of the limit");
        foreach (OpTime time in times)
        {
            Row row = RowOf(time);
            string gflops = row.Gflops is { } g ? Figure.Short(g) : "", gigabytes = row.Gigabytes is { } b ? Figure.Short(b) : "";
            string share = row.LimitShare is { } part ? $"{part:P0} of {(row.Gflops is null ? "triad" : "multiply-adds")}" : "";
            output.Line($"{time.Name.PadRight(NameWidth)} {time.Pass,-9} {Calls(time),5} {row.Seconds * 1e3,9:F2} {time.Seconds / wall,6:P1} {gflops,8} {gigabytes,6}  {share}".TrimEnd());
        }
        foreach (IGrouping<string, OpTime> pass in times.GroupBy(time => time.Pass)) Sum(pass.Key, pass.Sum(time => time.Seconds));
        Sum("between operations", wall - times.Sum(time => time.Seconds));
        output.Line($"{"whole step".PadRight(NameWidth)} {"",15} {wall / steps * 1e3,9:F2}        {Figure.Short(Rate),8}         {LimitShare:P0} of multiply-adds");

        void Sum(string name, double seconds) => output.Line($"{name.PadRight(NameWidth)} {"",15} {seconds / steps * 1e3,9:F2} {seconds / wall,6:P1}");
    }

    /// <summary>The same for scripts.</summary>
    public JsonArray ToJson()
    {
        var rows = new JsonArray();
        foreach (OpTime time in times)
        {
            Row row = RowOf(time);
            rows.Add((JsonNode)new JsonObject
            {
                ["op"] = time.Name,
                ["pass"] = time.Pass,
                ["calls"] = Calls(time),
                ["seconds"] = row.Seconds,
                ["share"] = time.Seconds / wall,
                ["gflops"] = row.Gflops,
                ["gigabytes_per_second"] = row.Gigabytes,
                ["limit_share"] = row.LimitShare,
            });
        }
        return rows;
    }

    private double Calls(OpTime time) => Math.Round((double)time.Calls / steps, 2);

    // Products against arithmetic, all else against memory. What stays in the caches may be faster than memory.
    private Row RowOf(OpTime time)
    {
        double? gflops = time.Flops > 0 ? time.Flops / time.Seconds / 1e9 : null, gigabytes = time.Bytes > 0 ? time.Bytes / time.Seconds / 1e9 : null;
        return new(time.Seconds / steps, gflops, gigabytes, gflops / limits.FmaN ?? gigabytes / limits.Triad);
    }

    private readonly record struct Row(double Seconds, double? Gflops, double? Gigabytes, double? LimitShare);
}
