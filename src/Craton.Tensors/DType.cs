namespace Craton.Tensors;

/// <summary>Element types. F32 computes; F64 is the reference; BF16 and F16 store; I32 and I64 index; Bool masks (one byte, 0 or 1).</summary>
public enum DType : byte
{
    /// <summary>IEEE single precision.</summary>
    F32,
    /// <summary>IEEE double precision, for references and gradient checks.</summary>
    F64,
    /// <summary>The upper half of a single: storage only.</summary>
    BF16,
    /// <summary>IEEE half precision: storage only.</summary>
    F16,
    /// <summary>32-bit signed index.</summary>
    I32,
    /// <summary>64-bit signed index.</summary>
    I64,
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>One unsigned byte, for raw data.</summary>
    U8,
}

/// <summary>Sizes of element types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.F64 or DType.I64 => 8,
        DType.BF16 or DType.F16 => 2,
        _ => 1,
    };
}
