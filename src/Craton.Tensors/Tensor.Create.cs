using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Craton.Tensors.Memory;

namespace Craton.Tensors;

public sealed unsafe partial class Tensor
{
    /// <summary>A tensor with undefined content.</summary>
    public static Tensor Empty(DType type, params ReadOnlySpan<int> shape) => Lease(type, new Layout(shape));

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(DType type, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = Empty(type, shape);
        tensor.Clear();
        return tensor;
    }

    /// <summary>An F32 tensor with every element the same.</summary>
    public static Tensor Full(float value, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = Empty(DType.F32, shape);
        tensor.AsSpan<float>().Fill(value);
        return tensor;
    }

    /// <summary>A tensor with a copy of the values, in row-major order.</summary>
    /// <typeparam name="T">float, double, int, long, bool, Half or byte.</typeparam>
    public static Tensor From<T>(ReadOnlySpan<T> values, params ReadOnlySpan<int> shape) where T : unmanaged
    {
        Tensor tensor = Empty(TypeOf<T>(), shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>A tensor with a copy of the values, in row-major order.</summary>
    public static Tensor From<T>(T[] values, params ReadOnlySpan<int> shape) where T : unmanaged => From((ReadOnlySpan<T>)values, shape);

    /// <summary>A scalar.</summary>
    public static Tensor Scalar(float value) => From([value], []);

    /// <summary>A leaf that outlives every scope and requires a gradient: a weight, zeroed. It has no memory before it is first touched.</summary>
    public static Tensor Parameter(DType type, params ReadOnlySpan<int> shape) => Deferred(type, new Layout(shape), 0).RequireGrad();

    /// <summary>A <see cref="FilledParameter"/> that is not trained: an average or a table that belongs to a model.</summary>
    public static Tensor Buffer(float value, params ReadOnlySpan<int> shape) => Deferred(DType.F32, new Layout(shape), value);

    /// <summary>An F32 <see cref="Parameter"/> with every element the same at first.</summary>
    public static Tensor FilledParameter(float value, params ReadOnlySpan<int> shape) => Deferred(DType.F32, new Layout(shape), value).RequireGrad();

    /// <summary>A tensor that outlives every scope, zeroed: optimizer state, caches, tables.</summary>
    public static Tensor Persistent(DType type, params ReadOnlySpan<int> shape)
    {
        var layout = new Layout(shape);
        Tensor tensor = Fresh(type, layout, MemoryPool.LeaseLasting(BytesOf(type, layout)));
        tensor.Clear();
        return tensor;
    }

    /// <summary>Gives a <see cref="Parameter"/> that was not touched yet memory that something else owns, such as a mapped file.</summary>
    /// <param name="owner">Kept alive as long as the tensor.</param>
    /// <param name="pointer">The first element, aligned to the element size.</param>
    public void AllocateOver(object owner, void* pointer)
    {
        if (_firstValue is null) throw new InvalidOperationException($"tensor {this}: expected a parameter that was not touched yet");
        Storage storage = Storage.Foreign(owner, pointer, ByteCount);
        storage.AddTensor();
        (_storage, _firstValue) = (storage, null);
    }

    /// <summary>A tensor over memory that something else owns, such as a mapped file.</summary>
    /// <param name="owner">Kept alive as long as the tensor.</param>
    /// <param name="pointer">The first element, aligned to the element size.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Shape, row-major.</param>
    public static Tensor Over(object owner, void* pointer, DType type, params ReadOnlySpan<int> shape)
    {
        var layout = new Layout(shape);
        return FromStorage(type, layout, Storage.Foreign(owner, pointer, layout.Count * type.Size()));
    }

    /// <summary>The elements of a contiguous tensor. Valid as long as the tensor lives.</summary>
    /// <exception cref="InvalidOperationException">The tensor is no contiguous one of this type.</exception>
    public Span<T> AsSpan<T>() where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() != DType.Size()) throw new InvalidOperationException($"tensor {this}: expected elements of {DType.Size()} bytes, asked for {typeof(T).Name}");
        if (!_layout.IsContiguous) throw new InvalidOperationException($"tensor {this}: expected a contiguous layout, got a strided view; call Contiguous() first");
        return new Span<T>(Pointer, checked((int)Count));
    }

    /// <summary>The bytes of a contiguous tensor, in pieces short enough for a span.</summary>
    /// <param name="start">First byte.</param>
    /// <param name="length">Number of bytes.</param>
    public Span<byte> AsBytes(long start, int length)
    {
        if (!_layout.IsContiguous) throw new InvalidOperationException($"tensor {this}: expected a contiguous layout, got a strided view; call Contiguous() first");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, ByteCount);
        return new Span<byte>((byte*)Pointer + start, length);
    }

    /// <summary>Bytes of all elements.</summary>
    public long ByteCount => Count * DType.Size();

    /// <summary>Copies the values in, in row-major order.</summary>
    public void CopyFrom<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        if (values.Length != Count) throw new CratonException($"[tensor] values: expected {Count} for shape {_layout}, got {values.Length}");
        values.CopyTo(AsSpan<T>());
    }

    /// <summary>The elements in row-major order, as a new array.</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        if (_layout.IsContiguous) return AsSpan<T>().ToArray();
        Tensor copy = Empty(DType, Shape);
        Kernel.For(this).Copy(this, copy);
        T[] values = copy.AsSpan<T>().ToArray();
        copy.Release();
        return values;
    }

    /// <summary>The only element, as a double.</summary>
    public double Item()
    {
        if (Count != 1) throw new InvalidOperationException($"tensor {this}: expected one element, got {Count}");
        return DType switch
        {
            DType.F32 => *(float*)Pointer,
            DType.F64 => *(double*)Pointer,
            DType.I32 => *(int*)Pointer,
            DType.I64 => *(long*)Pointer,
            DType.F16 => (double)*(Half*)Pointer,
            DType.BF16 => BitConverter.Int32BitsToSingle(*(ushort*)Pointer << 16),
            _ => *(byte*)Pointer,
        };
    }

    /// <summary>Copies another tensor of the same shape into this one's elements, converting the type if need be. Not recorded.</summary>
    public void Assign(Tensor source)
    {
        Check.SameShape("assign", "source", source, Layout);
        if (source.DType == DType) Kernel.For(this).Copy(source, this);
        else Kernel.For(this).Cast(source, this);
    }

    /// <summary>Sets every byte to zero; the tensor must have no gaps.</summary>
    public void Clear() => NativeMemory.Clear(Pointer, (nuint)ByteCount);

    private static DType TypeOf<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.F32
        : typeof(T) == typeof(double) ? DType.F64
        : typeof(T) == typeof(int) ? DType.I32
        : typeof(T) == typeof(long) ? DType.I64
        : typeof(T) == typeof(bool) ? DType.Bool
        : typeof(T) == typeof(Half) ? DType.F16
        : typeof(T) == typeof(byte) ? DType.U8
        : throw new NotSupportedException($"no element type for {typeof(T).Name}");
}
