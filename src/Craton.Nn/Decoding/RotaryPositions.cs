using Craton.Tensors;

namespace Craton.Nn;

/// <summary>How rotary frequencies are stretched for texts longer than those of the training.</summary>
public enum RotaryScaling
{
    /// <summary>Not at all.</summary>
    None,
    /// <summary>All frequencies divided by the factor (Chen et al. 2023).</summary>
    Linear,
    /// <summary>A base that grows with the length of the text ("NTK-aware").</summary>
    Dynamic,
    /// <summary>Low frequencies divided, high ones kept, a ramp between (Peng et al. 2023).</summary>
    Yarn,
    /// <summary>Three bands by wavelength (Llama 3.1).</summary>
    Llama3,
    /// <summary>One divisor for each frequency, of two lists: one for short, one for long texts (Ding et al. 2024).</summary>
    LongRope,
}

/// <summary>Rotary positions as a configuration describes them.</summary>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Dim">How many features of a head rotate.</param>
public sealed record RotarySettings(double Theta, int Dim)
{
    /// <summary>How frequencies are stretched.</summary>
    public RotaryScaling Scaling { get; init; }

    /// <summary>By how much.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Length of the training's texts.</summary>
    public int OriginalContext { get; init; }

    /// <summary>Llama 3: wavelengths above OriginalContext / this are divided by the factor.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths below OriginalContext / this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>YaRN: frequencies with more turns over OriginalContext than this are kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: frequencies with fewer turns than this are divided.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN: whether the ramp's ends are rounded outwards.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>Factor on cosines and sines.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>LongRope: divisors of the frequencies up to OriginalContext.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary>LongRope: divisors beyond.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    // A base that grows with the text has no end of its own; beyond this, models give nonsense long since.
    private const int DynamicReach = 8, MostPositions = 1 << 24;

    /// <summary>The longest text that a model of some context can read: more than the context where the base grows with the text.</summary>
    public int Reach(int context) => Scaling == RotaryScaling.Dynamic ? (int)Math.Min(MostPositions, Math.Ceiling(DynamicReach * Factor * context)) : context;
}

/// <summary>The tables of rotary positions of a model; its layers share one object.</summary>
public sealed class RotaryPositions
{
    private readonly RotaryTable _table;
    private readonly RotaryTable? _long;
    private Stretched? _dynamic; // replaced as a whole: several threads may read

    /// <summary>Creates the tables.</summary>
    public RotaryPositions(RotarySettings settings)
    {
        Settings = settings;
        double[] frequencies = RotaryTable.Frequencies(settings.Theta, settings.Dim);
        _table = settings.Scaling switch
        {
            RotaryScaling.Linear => Table(frequencies, f => f / settings.Factor),
            RotaryScaling.Llama3 => Table(frequencies, ByBand),
            RotaryScaling.Yarn => new RotaryTable(Yarn(frequencies), settings.AttentionFactor),
            RotaryScaling.LongRope => new RotaryTable(Divided(frequencies, settings.ShortFactors), settings.AttentionFactor),
            _ => new RotaryTable(frequencies, settings.AttentionFactor),
        };
        if (settings.Scaling == RotaryScaling.LongRope) _long = new RotaryTable(Divided(frequencies, settings.LongFactors), settings.AttentionFactor);
    }

    /// <summary>What the tables were made from.</summary>
    public RotarySettings Settings { get; }

    /// <summary>
    /// Texts whose lengths have the same number turn by the same angles. Keys that were turned under another number do not fit: they are to
    /// be computed again.
    /// </summary>
    public int Epoch(int length) => length <= Settings.OriginalContext ? 0 : Settings.Scaling switch
    {
        RotaryScaling.Dynamic => length,
        RotaryScaling.LongRope => 1,
        _ => 0,
    };

    /// <summary>The angles for a text of some length.</summary>
    public RotaryTable For(int length)
    {
        int epoch = Epoch(length);
        if (epoch == 0) return _table;
        if (_long is not null) return _long;
        if (_dynamic is { } last && last.Length == length) return last.Table;
        double stretch = Settings.Factor * length / Settings.OriginalContext - (Settings.Factor - 1);
        double theta = Settings.Theta * DeterministicMath.Pow(stretch, (double)Settings.Dim / (Settings.Dim - 2));
        var table = new RotaryTable(theta, Settings.Dim);
        _dynamic = new Stretched(length, table);
        return table;
    }

    private RotaryTable Table(double[] frequencies, Func<double, double> scaled) => new(Array.ConvertAll(frequencies, f => scaled(f)), Settings.AttentionFactor);

    private double ByBand(double frequency)
    {
        double turns = Settings.OriginalContext * frequency / (2 * Math.PI); // over the original context
        if (turns < Settings.LowFrequencyFactor) return frequency / Settings.Factor;
        if (turns > Settings.HighFrequencyFactor) return frequency;
        double smooth = (turns - Settings.LowFrequencyFactor) / (Settings.HighFrequencyFactor - Settings.LowFrequencyFactor);
        return (1 - smooth) * frequency / Settings.Factor + smooth * frequency;
    }

    private double[] Yarn(double[] frequencies)
    {
        double low = Place(Settings.BetaFast), high = Place(Settings.BetaSlow);
        if (Settings.Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, Settings.Dim - 1));
        if (low == high) high += 0.001;
        var scaled = new double[frequencies.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            double kept = 1 - Math.Clamp((i - low) / (high - low), 0, 1);
            scaled[i] = frequencies[i] / Settings.Factor * (1 - kept) + frequencies[i] * kept;
        }
        return scaled;

        // The place among the frequencies of the one that turns so often over the original context.
        double Place(double turns) =>
            Settings.Dim * DeterministicMath.Log(Settings.OriginalContext / (turns * 2 * Math.PI)) / (2 * DeterministicMath.Log(Settings.Theta));
    }

    private sealed record Stretched(int Length, RotaryTable Table);

    private static double[] Divided(double[] frequencies, IReadOnlyList<double> factors)
    {
        if (factors.Count != frequencies.Length)
            throw new CratonException($"rotary positions: expected {frequencies.Length} short and long factors, one for each pair of features that rotates, got {factors.Count}");
        return [.. frequencies.Select((f, i) => f / factors[i])];
    }
}
