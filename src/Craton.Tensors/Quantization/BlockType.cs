namespace Craton.Tensors.Quantization;

/// <summary>
/// How the values of a tensor of a GGUF file are stored: plain numbers, or blocks of integers with scales. The numbers are those of the
/// file format (https://github.com/ggml-org/ggml, docs/gguf.md).
/// </summary>
public enum BlockType
{
    /// <summary>IEEE single precision.</summary>
    F32 = 0,
    /// <summary>IEEE half precision.</summary>
    F16 = 1,
    /// <summary>4 bits and a scale for 32 values.</summary>
    Q4_0 = 2,
    /// <summary>4 bits, a scale and a minimum for 32 values.</summary>
    Q4_1 = 3,
    /// <summary>5 bits and a scale for 32 values.</summary>
    Q5_0 = 6,
    /// <summary>5 bits, a scale and a minimum for 32 values.</summary>
    Q5_1 = 7,
    /// <summary>8 bits and a scale for 32 values.</summary>
    Q8_0 = 8,
    /// <summary>2 bits; scales and minima of 16 values, scaled for 256.</summary>
    Q2_K = 10,
    /// <summary>3 bits; scales of 16 values, scaled for 256.</summary>
    Q3_K = 11,
    /// <summary>4 bits; scales and minima of 32 values, scaled for 256.</summary>
    Q4_K = 12,
    /// <summary>5 bits; scales and minima of 32 values, scaled for 256.</summary>
    Q5_K = 13,
    /// <summary>6 bits; scales of 16 values, scaled for 256.</summary>
    Q6_K = 14,
    /// <summary>Eight values from a grid of 256, 2.06 bits a value.</summary>
    IQ2_XXS = 16,
    /// <summary>Eight values from a grid of 512, 2.31 bits a value.</summary>
    IQ2_XS = 17,
    /// <summary>Four values from a grid of 256, 3.06 bits a value.</summary>
    IQ3_XXS = 18,
    /// <summary>Eight values from a grid of 2048, 1.56 bits a value.</summary>
    IQ1_S = 19,
    /// <summary>4 bits that choose one of 16 uneven steps, a scale for 32 values.</summary>
    IQ4_NL = 20,
    /// <summary>Four values from a grid of 512, 3.44 bits a value.</summary>
    IQ3_S = 21,
    /// <summary>Eight values from a grid of 1024, 2.56 bits a value.</summary>
    IQ2_S = 22,
    /// <summary>The steps of <see cref="IQ4_NL"/>; scales of 32 values, scaled for 256.</summary>
    IQ4_XS = 23,
    /// <summary>8-bit integers.</summary>
    I8 = 24,
    /// <summary>16-bit integers.</summary>
    I16 = 25,
    /// <summary>32-bit integers.</summary>
    I32 = 26,
    /// <summary>64-bit integers.</summary>
    I64 = 27,
    /// <summary>IEEE double precision.</summary>
    F64 = 28,
    /// <summary>Eight values from a grid of 2048, 1.75 bits a value.</summary>
    IQ1_M = 29,
    /// <summary>The upper half of a single.</summary>
    BF16 = 30,
    /// <summary>−1, 0 or 1, five to a byte, and a scale for 256 values.</summary>
    TQ1_0 = 34,
    /// <summary>−1, 0 or 1, four to a byte, and a scale for 256 values.</summary>
    TQ2_0 = 35,
    /// <summary>4-bit floats with a power of two as scale for 32 values (OCP Microscaling).</summary>
    MXFP4 = 39,
    /// <summary>4-bit floats with an 8-bit float as scale for 16 values.</summary>
    NVFP4 = 40,
}

/// <summary>Sizes of block types.</summary>
public static class BlockTypes
{
    private static readonly (BlockType Type, int Values, int Bytes)[] Sizes =
    [
        (BlockType.F32, 1, 4), (BlockType.F16, 1, 2), (BlockType.BF16, 1, 2), (BlockType.F64, 1, 8),
        (BlockType.I8, 1, 1), (BlockType.I16, 1, 2), (BlockType.I32, 1, 4), (BlockType.I64, 1, 8),
        (BlockType.Q4_0, 32, 18), (BlockType.Q4_1, 32, 20), (BlockType.Q5_0, 32, 22), (BlockType.Q5_1, 32, 24), (BlockType.Q8_0, 32, 34),
        (BlockType.Q2_K, 256, 84), (BlockType.Q3_K, 256, 110), (BlockType.Q4_K, 256, 144), (BlockType.Q5_K, 256, 176), (BlockType.Q6_K, 256, 210),
        (BlockType.IQ2_XXS, 256, 66), (BlockType.IQ2_XS, 256, 74), (BlockType.IQ2_S, 256, 82), (BlockType.IQ3_XXS, 256, 98), (BlockType.IQ3_S, 256, 110),
        (BlockType.IQ1_S, 256, 50), (BlockType.IQ1_M, 256, 56), (BlockType.IQ4_NL, 32, 18), (BlockType.IQ4_XS, 256, 136),
        (BlockType.TQ1_0, 256, 54), (BlockType.TQ2_0, 256, 66), (BlockType.MXFP4, 32, 17), (BlockType.NVFP4, 64, 36),
    ];

    private static readonly (int Values, int Bytes)[] ById = Index();

    /// <summary>Whether this number of the format is a type that is known.</summary>
    public static bool IsKnown(uint id) => id < ById.Length && ById[id].Values > 0;

    /// <summary>Values of one block; 1 for plain numbers.</summary>
    public static int BlockValues(this BlockType type) => ById[(int)type].Values;

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(this BlockType type) => ById[(int)type].Bytes;

    /// <summary>Bytes of so many values, which are whole blocks.</summary>
    public static long ByteCount(this BlockType type, long values) => values / type.BlockValues() * type.BlockBytes();

    /// <summary>The type of that name, in capitals or not; null when there is none.</summary>
    public static BlockType? Find(string name)
    {
        foreach ((BlockType type, _, _) in Sizes)
            if (string.Equals(type.ToString(), name, StringComparison.OrdinalIgnoreCase)) return type;
        return null;
    }

    private static (int, int)[] Index()
    {
        var index = new (int, int)[Sizes.Max(size => (int)size.Type) + 1];
        foreach ((BlockType type, int values, int bytes) in Sizes) index[(int)type] = (values, bytes);
        return index;
    }
}
