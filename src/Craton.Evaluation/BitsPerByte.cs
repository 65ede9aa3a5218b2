using System.Globalization;
using Craton.Tensors;

namespace Craton.Evaluation;

/// <summary>
/// The length of texts under a model, in bits per UTF-8 byte: comparable between models of any vocabulary and with compressors.
/// </summary>
/// <remarks>
/// The convention of everything in this project: each document is coded alone, its end counts as one more symbol that has to be
/// coded, and the bytes are those of the text only. Fewer is better; 8 is no model at all.
/// </remarks>
/// <param name="Bits">Code length of all documents and their ends: the sum of −log₂ p.</param>
/// <param name="Bytes">UTF-8 bytes of all documents.</param>
public readonly record struct BitsPerByte(double Bits, long Bytes)
{
    /// <summary>Bits per byte.</summary>
    public double Value => Bits / Bytes;

    /// <summary>From a negative log-likelihood in nats.</summary>
    public static BitsPerByte FromNats(double nats, long bytes) => new(nats / DeterministicMath.Ln2, bytes);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Value:F4} bits/byte over {Bytes} bytes");

    /// <summary>The measure of a set of documents, which must hold some text.</summary>
    internal static BitsPerByte Of(double bits, long bytes) => bytes > 0
        ? new BitsPerByte(bits, bytes)
        : throw new CratonException("Bits per byte need at least one byte of held-out text, got none; check the split and what cleaning left of it.");
}

/// <summary>
/// Adds up −log₂ of probabilities. It multiplies them, keeping the exponent apart, and takes one logarithm at the end: faster than
/// one each.
/// </summary>
internal struct CodeLength()
{
    private const double Low = 1.0 / (1L << 32);

    private double _product = 1;
    private long _exponent;

    /// <summary>Adds a symbol of a probability in [1e-200, 1].</summary>
    public void Add(double probability)
    {
        _product *= probability;
        if (_product >= Low) return;
        int exponent = Math.ILogB(_product);
        _product = Math.ScaleB(_product, -exponent);
        _exponent += exponent;
    }

    /// <summary>The sum so far.</summary>
    public readonly double Bits => -(_exponent + DeterministicMath.Log(_product) / DeterministicMath.Ln2);
}
