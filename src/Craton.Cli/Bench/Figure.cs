using System.Diagnostics;
using System.Globalization;

namespace Craton.Cli.Bench;

/// <summary>Median, least and greatest of several runs.</summary>
internal sealed record Spread(double Median, double Least, double Greatest, int Count)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1], sorted.Length);
    }
}

/// <summary>One figure of this machine.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Rates">The rates of all runs.</param>
internal sealed record Figure(string Name, string Unit, Spread Rates)
{
    /// <summary>The median as a share of the machine's own limit, where one applies.</summary>
    public double? LimitShare { get; init; }

    /// <summary>Which limit that is.</summary>
    public string Limit { get; init; } = "multiply-adds";

    /// <summary>Times a piece of work, after one run that does not count. Without a number of runs, at least five, and up to fifteen while they take less than
    /// two seconds together.</summary>
    public static Figure Measure(string name, string unit, double amount, Action work, int? runs, int usually = 5)
    {
        work();
        var rates = new List<double>();
        long begin = Stopwatch.GetTimestamp();
        while (rates.Count < (runs ?? usually) || (runs is null && rates.Count < 3 * usually && Stopwatch.GetElapsedTime(begin).TotalSeconds < 2))
        {
            long start = Stopwatch.GetTimestamp();
            work();
            rates.Add(amount / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return new Figure(name, unit, Spread.Of(rates));
    }

    /// <summary>A number of three or so digits.</summary>
    public static string Short(double value) => value.ToString(Math.Abs(value) < 10 ? "F2" : Math.Abs(value) < 100 ? "F1" : "N0", CultureInfo.InvariantCulture);
}
