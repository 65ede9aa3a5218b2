namespace Craton.Tensors.Kernels;

/// <summary>
/// Products of bytes for several rows of a weight at once, written once for every instruction set. A register of bytes holds four neighbours
/// of k for each of <see cref="Lanes"/> rows. Integer results are exact and so the same on all of them.
/// </summary>
/// <typeparam name="TBytes">A register of unsigned weights, or of signed activations.</typeparam>
/// <typeparam name="TSum">Sums while they run.</typeparam>
/// <typeparam name="TInt">One 32-bit integer for every row.</typeparam>
/// <typeparam name="TFloat">One float for every row.</typeparam>
internal unsafe interface IDot<TBytes, TSum, TInt, TFloat>
{
    /// <summary>Rows of a register: 16, 8 or 4.</summary>
    static abstract int Lanes { get; }

    /// <summary>Whether <see cref="Step"/> takes unsigned weights of 8 bits; otherwise of 4, and eight steps at most for one sum.</summary>
    static abstract bool Wide { get; }

    /// <summary>Whether <see cref="Step"/> takes signed weights of 8 bits, which need no offset.</summary>
    static abstract bool Signed { get; }

    /// <summary>Weights from memory.</summary>
    static abstract TBytes Load(byte* weights);

    /// <summary>Four activations for all rows.</summary>
    static abstract TBytes Quad(sbyte* x);

    /// <summary>The lower four bits of every byte.</summary>
    static abstract TBytes Low(TBytes weights);

    /// <summary>The upper four bits of every byte.</summary>
    static abstract TBytes High(TBytes weights);

    /// <summary>The bits of a mask, of every byte, after a shift to the right.</summary>
    static abstract TBytes Bits(TBytes weights, int shift, byte mask);

    /// <summary>Zero.</summary>
    static abstract TSum None { get; }

    /// <summary>Adds the four products of every row.</summary>
    static abstract TSum Step(TSum sum, TBytes weights, TBytes x);

    /// <summary>The sum of every row.</summary>
    static abstract TInt Total(TSum sum);

    /// <summary>The sum of every row, plus a number.</summary>
    static abstract TInt Total(TSum sum, int* offset);

    /// <summary>a + 16·b for every row.</summary>
    static abstract TInt Combine(TSum a, TSum b);

    /// <summary>a + 16·b for every row, plus a number.</summary>
    static abstract TInt Combine(TSum a, TSum b, int* offset);

    /// <summary>As floats, exactly.</summary>
    static abstract TFloat Float(TInt value);

    /// <summary>Finite half-precision numbers, one for every row.</summary>
    static abstract TFloat Halves(byte* values);

    /// <summary>Unsigned bytes as floats, one for every row.</summary>
    static abstract TFloat Bytes(byte* values);

    /// <summary>Signed bytes as floats, one for every row.</summary>
    static abstract TFloat SignedBytes(byte* values);

    /// <summary>The same float for every row.</summary>
    static abstract TFloat All(float value);

    /// <summary>Reads one float for every row.</summary>
    static abstract TFloat Read(float* values);

    /// <summary>a · b.</summary>
    static abstract TFloat Multiply(TFloat a, TFloat b);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract TFloat Fma(TFloat a, TFloat b, TFloat c);

    /// <summary>Writes one float for every row.</summary>
    static abstract void Store(TFloat value, float* y);
}
