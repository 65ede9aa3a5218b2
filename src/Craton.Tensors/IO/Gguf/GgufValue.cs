namespace Craton.Tensors.IO;

/// <summary>Types of metadata in a GGUF file, by the numbers of the format.</summary>
public enum GgufValueType
{
    /// <summary>Unsigned, 8 bits.</summary>
    UInt8,
    /// <summary>Signed, 8 bits.</summary>
    Int8,
    /// <summary>Unsigned, 16 bits.</summary>
    UInt16,
    /// <summary>Signed, 16 bits.</summary>
    Int16,
    /// <summary>Unsigned, 32 bits.</summary>
    UInt32,
    /// <summary>Signed, 32 bits.</summary>
    Int32,
    /// <summary>Single precision.</summary>
    Float32,
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>UTF-8 with its length.</summary>
    String,
    /// <summary>A <see cref="GgufArray"/>.</summary>
    Array,
    /// <summary>Unsigned, 64 bits.</summary>
    UInt64,
    /// <summary>Signed, 64 bits.</summary>
    Int64,
    /// <summary>Double precision.</summary>
    Float64,
}

/// <summary>One value of a GGUF file's metadata.</summary>
/// <param name="Type">Its type in the file.</param>
/// <param name="Content">
/// The value: byte, sbyte, ushort, short, uint, int, float, bool, string, <see cref="GgufArray"/>, ulong, long or double, in the order of
/// <see cref="GgufValueType"/>.
/// </param>
public readonly record struct GgufValue(GgufValueType Type, object Content)
{
    /// <summary>A string.</summary>
    public static implicit operator GgufValue(string value) => new(GgufValueType.String, value);

    /// <summary>A 32-bit count.</summary>
    public static implicit operator GgufValue(uint value) => new(GgufValueType.UInt32, value);

    /// <summary>A number in single precision.</summary>
    public static implicit operator GgufValue(float value) => new(GgufValueType.Float32, value);

    /// <summary>A flag.</summary>
    public static implicit operator GgufValue(bool value) => new(GgufValueType.Bool, value);

    /// <summary>An array of strings.</summary>
    public static GgufValue Of(string[] items) => new(GgufValueType.Array, new GgufArray(GgufValueType.String, items));

    /// <summary>An array of 32-bit integers.</summary>
    public static GgufValue Of(int[] items) => new(GgufValueType.Array, new GgufArray(GgufValueType.Int32, items));

    /// <summary>An array of numbers in single precision.</summary>
    public static GgufValue Of(float[] items) => new(GgufValueType.Array, new GgufArray(GgufValueType.Float32, items));

    /// <summary>The value when it is a whole number that fits; null otherwise.</summary>
    public long? AsInteger() => Content switch
    {
        byte v => v,
        sbyte v => v,
        ushort v => v,
        short v => v,
        uint v => v,
        int v => v,
        long v => v,
        ulong v when v <= long.MaxValue => (long)v,
        _ => null,
    };

    /// <summary>The value when it is a number; null otherwise.</summary>
    public double? AsNumber() => Content switch
    {
        float v => v,
        double v => v,
        _ => AsInteger(),
    };
}

/// <summary>An array of metadata.</summary>
/// <param name="ItemType">What every item is.</param>
/// <param name="Items">A <c>byte[]</c>, <c>float[]</c>, <c>string[]</c>, <c>GgufArray[]</c>, … with the items.</param>
public sealed record GgufArray(GgufValueType ItemType, Array Items);
