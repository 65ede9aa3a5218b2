using System.Globalization;

namespace Craton.Training.Reports;

/// <summary>One axis of a plot: a range of values, where the ticks are, and how a value becomes a place from 0 to 1.</summary>
internal sealed class PlotAxis
{
    private readonly bool logarithmic;
    private readonly double low;
    private readonly double high;

    private PlotAxis(double low, double high, bool logarithmic, IReadOnlyList<double> ticks)
    {
        this.low = low;
        this.high = high;
        this.logarithmic = logarithmic;
        Ticks = ticks;
    }

    /// <summary>Values that get a label and a line.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>An axis that shows all the values: to round numbers, or to whole powers of ten.</summary>
    /// <param name="values">The values; those that are not finite, or not above 0 on a logarithmic axis, do not count.</param>
    /// <param name="logarithmic">Whether equal distances are equal factors.</param>
    /// <param name="fromZero">Whether 0 must be shown, as for bars.</param>
    /// <param name="tight">Whether the axis ends with the values instead of at a tick.</param>
    public static PlotAxis Of(IEnumerable<double> values, bool logarithmic, bool fromZero = false, bool tight = false)
    {
        double least = double.PositiveInfinity, most = double.NegativeInfinity;
        foreach (double value in values.Where(value => double.IsFinite(value) && (value > 0 || !logarithmic)))
        {
            least = Math.Min(least, value);
            most = Math.Max(most, value);
        }
        if (least > most) (least, most) = logarithmic ? (1, 10) : (0, 1);
        if (fromZero && !logarithmic) (least, most) = (Math.Min(0, least), Math.Max(0, most));
        return logarithmic ? Logarithmic(least, most, tight) : Linear(least, most, tight);
    }

    /// <summary>Whether a value has a place on this axis.</summary>
    public bool Shows(double value) => double.IsFinite(value) && (value > 0 || !logarithmic);

    /// <summary>0 at the low end, 1 at the high end.</summary>
    public double Place(double value) => logarithmic
        ? (Math.Log10(value) - Math.Log10(low)) / (Math.Log10(high) - Math.Log10(low))
        : (value - low) / (high - low);

    /// <summary>A short label: 1.5, 20k, 3M, 1e-5.</summary>
    public static string Label(double value)
    {
        double size = Math.Abs(value);
        if (size is > 0 and < 1e-3 or >= 1e15)
            return value.ToString("0.##e+0", CultureInfo.InvariantCulture).Replace("e+", "e", StringComparison.Ordinal);
        (double unit, string letter) = size switch { >= 1e12 => (1e12, "T"), >= 1e9 => (1e9, "B"), >= 1e6 => (1e6, "M"), >= 1e4 => (1e3, "k"), _ => (1.0, "") };
        return (value / unit).ToString("0.####", CultureInfo.InvariantCulture) + letter;
    }

    private static PlotAxis Linear(double least, double most, bool tight)
    {
        if (most - least <= 1e-12 * Math.Max(Math.Abs(least), Math.Abs(most)) || least == most)
        {
            double margin = least == 0 ? 1 : Math.Abs(least) / 10;
            (least, most, tight) = (least - margin, most + margin, false);
        }
        double step = RoundStep((most - least) / 5);
        double first = Math.Floor(least / step), last = Math.Ceiling(most / step);
        (double low, double high) = tight ? (least, most) : (first * step, last * step);
        var ticks = new List<double>();
        for (double n = first; n <= last; n++)
        {
            double tick = n * step;
            if (tick >= low - (step / 1e6) && tick <= high + (step / 1e6)) ticks.Add(tick);
        }
        return new PlotAxis(low, high, false, ticks);
    }

    private static PlotAxis Logarithmic(double least, double most, bool tight)
    {
        int first = (int)Math.Floor(Math.Log10(least)), last = (int)Math.Ceiling(Math.Log10(most));
        if (last == first) last++;
        (double low, double high) = tight && least < most ? (least, most) : (Math.Pow(10, first), Math.Pow(10, last));
        int every = Math.Max(1, (last - first + 5) / 6);
        double[] within = last - first <= 2 ? [1, 2, 5] : [1];
        var ticks = new List<double>();
        for (int power = first; power <= last; power += every)
            ticks.AddRange(within.Select(digit => digit * Math.Pow(10, power)).Where(tick => tick >= low * 0.999999 && tick <= high * 1.000001));
        return new PlotAxis(low, high, true, ticks);
    }

    /// <summary>The least of 1, 2, 5 times a power of ten that is not below a distance.</summary>
    private static double RoundStep(double distance)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(distance)));
        double digit = distance / power;
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    }
}
