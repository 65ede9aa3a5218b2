namespace Craton.Tensors;

/// <summary>
/// Cosines and sines of position · frequency for rotary embeddings (<see cref="Ops.Rotary"/>). One table serves all layers of a model; it
/// grows with the positions that are asked for. Angles are computed in double, so entries are exact to a float at any position.
/// </summary>
public sealed class RotaryTable
{
    /// <summary>Positions from here on are refused: a mistake, or a table beyond all memory.</summary>
    public const int MaxPositions = 1 << 24;

    private const int FirstSize = 256;

    private readonly double[] _frequencies;
    private readonly double _attentionFactor;
    private readonly Lock _gate = new();
    private (Tensor Cos, Tensor Sin) _tables;

    /// <summary>A table for frequencies θ^(−2i/d), i = 0 .. d/2 − 1.</summary>
    /// <param name="theta">The base θ, mostly 10000.</param>
    /// <param name="rotaryDim">How many features of a head rotate; even.</param>
    public RotaryTable(double theta, int rotaryDim) : this(Frequencies(theta, rotaryDim)) { }

    /// <summary>A table for given frequencies, such as the scaled ones of long-context models.</summary>
    /// <param name="frequencies">Radians per position of every pair of features.</param>
    /// <param name="attentionFactor">Multiplies cosines and sines (YaRN).</param>
    public RotaryTable(ReadOnlySpan<double> frequencies, double attentionFactor = 1)
    {
        Check.That(frequencies.Length > 0, "rotary", "frequencies", "at least one", "none");
        _frequencies = frequencies.ToArray();
        _attentionFactor = attentionFactor;
        _tables = Tables(FirstSize);
    }

    /// <summary>How many features of a head rotate: two for each frequency.</summary>
    public int RotaryDim => 2 * _frequencies.Length;

    /// <summary>The frequencies θ^(−2i/d) of J. Su et al., "RoFormer", 2021: what frequency scaling starts from.</summary>
    public static double[] Frequencies(double theta, int rotaryDim)
    {
        Check.That(rotaryDim > 0 && rotaryDim % 2 == 0, "rotary", "rotaryDim", "an even number of at least 2", $"{rotaryDim}");
        Check.That(theta > 0, "rotary", "theta", "a positive number", $"{theta}");
        var frequencies = new double[rotaryDim / 2];
        for (int i = 0; i < frequencies.Length; i++) frequencies[i] = PortableMath.Pow(theta, -2.0 * i / rotaryDim);
        return frequencies;
    }

    /// <summary>Tables [P, RotaryDim / 2] for at least the positions 0 .. <paramref name="positions"/> − 1.</summary>
    internal (Tensor Cos, Tensor Sin) UpTo(long positions)
    {
        if (positions > MaxPositions) Check.Fail("rotary", "positions", $"positions below {MaxPositions}", $"{positions - 1}");
        lock (_gate)
        {
            // Who still uses the old tables keeps them alive.
            if (positions > _tables.Cos.Size(0)) _tables = Tables((int)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)positions));
            return _tables;
        }
    }

    private (Tensor Cos, Tensor Sin) Tables(int positions)
    {
        Tensor cos = Tensor.Persistent(DType.F32, positions, _frequencies.Length), sin = Tensor.Persistent(DType.F32, positions, _frequencies.Length);
        Span<float> cosines = cos.AsSpan<float>(), sines = sin.AsSpan<float>();
        for (int position = 0, at = 0; position < positions; position++)
            foreach (double frequency in _frequencies)
            {
                (double s, double c) = PortableMath.SinCos(position * frequency);
                cosines[at] = (float)(c * _attentionFactor);
                sines[at++] = (float)(s * _attentionFactor);
            }
        return (cos, sin);
    }
}
