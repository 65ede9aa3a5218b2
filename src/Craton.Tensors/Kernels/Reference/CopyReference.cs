namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = x, or y += x: same type and shape, any strides.</summary>
    public virtual void Copy(Tensor x, Tensor y, bool add = false) => Copy(x, x.Layout, y, y.Layout, add);

    /// <summary>The same between two regions.</summary>
    public virtual void Copy(Tensor x, in Layout lx, Tensor y, in Layout ly, bool add = false)
    {
        if (add)
        {
            if (y.DType == DType.F64) AddRows<double>(x, lx, y, ly);
            else AddRows<float>(x, lx, y, ly);
            return;
        }
        switch (y.DType.Size())
        {
            case 1: CopyRows<byte>(x, lx, y, ly); break;
            case 2: CopyRows<short>(x, lx, y, ly); break;
            case 4: CopyRows<int>(x, lx, y, ly); break;
            default: CopyRows<long>(x, lx, y, ly); break;
        }
    }

    /// <summary>y = x converted to y's type, rounding to the nearest even value; floats become integers by truncation.</summary>
    public virtual void Cast(Tensor x, Tensor y)
    {
        for (long i = 0; i < y.Count; i++) Casts.Write(y, i, Casts.Read(x, i));
    }

    private protected static void CopyRows<T>(Tensor x, in Layout lx, Tensor y, in Layout ly) where T : unmanaged
    {
        RowPlan plan = RowPlan.Of(ly, lx);
        long to = plan.Step(0), from = plan.Step(1);
        for (long row = 0; row < plan.Rows; row++)
        {
            T* target = (T*)y.Storage.Pointer + plan.Start(0, row);
            T* source = (T*)x.Storage.Pointer + plan.Start(1, row);
            if (to == 1 && from == 1) Buffer.MemoryCopy(source, target, plan.Length * sizeof(T), plan.Length * sizeof(T));
            else
                for (long i = 0; i < plan.Length; i++) target[i * to] = source[i * from];
        }
    }

    private static void AddRows<T>(Tensor x, in Layout lx, Tensor y, in Layout ly) where T : unmanaged, System.Numerics.INumber<T>
    {
        RowPlan plan = RowPlan.Of(ly, lx);
        for (long row = 0; row < plan.Rows; row++)
        {
            T* target = (T*)y.Storage.Pointer + plan.Start(0, row);
            T* source = (T*)x.Storage.Pointer + plan.Start(1, row);
            for (long i = 0; i < plan.Length; i++) target[i * plan.Step(0)] += source[i * plan.Step(1)];
        }
    }
}

/// <summary>Elements of any type, one at a time, through a double: exact for every type but large 64-bit integers.</summary>
internal static unsafe class Casts
{
    public static double Read(Tensor x, long i) => x.DType switch
    {
        DType.F32 => new Elements<float>(x)[i],
        DType.F64 => new Elements<double>(x)[i],
        DType.F16 => (double)new Elements<Half>(x)[i],
        DType.BF16 => BitConverter.Int32BitsToSingle(new Elements<ushort>(x)[i] << 16),
        DType.I32 => new Elements<int>(x)[i],
        DType.I64 => new Elements<long>(x)[i],
        _ => new Elements<byte>(x)[i],
    };

    public static void Write(Tensor y, long i, double value)
    {
        switch (y.DType)
        {
            case DType.F32: new Elements<float>(y)[i] = (float)value; break;
            case DType.F64: new Elements<double>(y)[i] = value; break;
            case DType.F16: new Elements<Half>(y)[i] = (Half)value; break;
            case DType.BF16: new Elements<ushort>(y)[i] = ToBFloat16((float)value); break;
            case DType.I32: new Elements<int>(y)[i] = (int)value; break;
            case DType.I64: new Elements<long>(y)[i] = (long)value; break;
            case DType.Bool: new Elements<byte>(y)[i] = value != 0 ? (byte)1 : (byte)0; break;
            default: new Elements<byte>(y)[i] = (byte)value; break;
        }
    }

    /// <summary>Rounds to the nearest even BF16; NaN stays NaN.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
