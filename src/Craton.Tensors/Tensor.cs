using System.Runtime.InteropServices;
using Craton.Tensors.Kernels;
using Craton.Tensors.Kernels.Cpu;
using Craton.Tensors.Memory;
using Craton.Tensors.Quantization;

namespace Craton.Tensors;

/// <summary>
/// An n-dimensional array: elements of one type in a <see cref="Storage"/>, arranged by a <see cref="Layout"/>. Several tensors may view
/// one storage. Tensors are made by operations (<see cref="Ops"/>) and belong to the open <see cref="TensorScope"/>.
/// A tensor that requires a gradient receives it in <see cref="Grad"/> when <see cref="Tape.Backward(Tensor)"/> runs.
/// </summary>
public sealed unsafe partial class Tensor
{
    [ThreadStatic] private static Stack<Tensor>? s_recycled;

    private Storage? _storage;
    private Layout _layout;
    private string _releasedBy = "";
    private float? _firstValue; // of every element of a parameter that was not touched yet and so has no memory

    private Tensor() { }

    /// <summary>Element type.</summary>
    public DType DType { get; private set; }

    /// <summary>Shape, strides and offset.</summary>
    public ref readonly Layout Layout => ref _layout;

    /// <summary>Sizes of the dimensions.</summary>
    public ReadOnlySpan<int> Shape => _layout.Shape;

    /// <summary>Number of dimensions.</summary>
    public int Rank => _layout.Rank;

    /// <summary>Number of elements.</summary>
    public long Count => _layout.Count;

    /// <summary>Size of one dimension; a negative one counts from the end.</summary>
    public int Size(int dim) => _layout[dim];

    /// <summary>True when operations on this tensor are recorded, so that a gradient reaches it.</summary>
    public bool RequiresGrad { get; internal set; }

    /// <summary>
    /// The gradient of a leaf after <see cref="Tape.Backward(Tensor)"/>, of the same shape; null before. It adds up until
    /// <see cref="ClearGrad"/>.
    /// </summary>
    public Tensor? Grad => GradIsEmpty ? null : GradBuffer;

    /// <summary>True after the memory went back to the pool; every use then fails.</summary>
    public bool IsReleased => _storage is null && _firstValue is null && !IsForComputing;

    /// <summary>
    /// The blocks that this weight is kept in instead of floats (<see cref="Quantize"/>); null for an ordinary tensor. <see cref="Ops.Linear"/>,
    /// <see cref="Ops.Embedding"/> and <see cref="Ops.LinearCrossEntropy"/> compute with them; nothing else reads such a tensor.
    /// </summary>
    public QuantizedMatrix? Quantized { get; private set; }

    // The same with floats in the order in which products read them: see Pack.
    internal PackedMatrix? Packed { get; private set; }

    // The weight is kept in a form that only some operations read, and that has no gradient.
    internal bool IsForComputing => Quantized is not null || Packed is not null;

    // What it is kept in, for errors.
    internal string Form => Quantized is { } blocks ? $"{blocks.Type} blocks" : "the packed form of inference";

    // The gradient's memory. Empty: its content does not count yet, the first writer overwrites it.
    internal Tensor? GradBuffer { get; set; }

    // The gradient may lie in memory that other tensors' gradients read: whoever changes it looks first whether they are gone.
    internal bool GradIsShared { get; set; }

    // The result of a recorded operation: its gradient is the tape's.
    internal bool IsRecorded { get; set; }

    internal bool GradIsEmpty { get; set; } = true;

    /// <summary>
    /// The gap-free tensor that this one is a differentiable view of: the gradient of a view is the same view of that one's gradient, so
    /// view operations have no backward step.
    /// </summary>
    internal Tensor? ViewOf { get; private set; }

    /// <summary>Counts the lives of a recycled object, so that a scope never releases a later life.</summary>
    internal int Generation { get; private set; }

    internal Storage Storage => _storage ?? FirstStorage();

    /// <summary>The first element.</summary>
    internal void* Pointer => Storage.Pointer + _layout.Offset * DType.Size();

    /// <summary>Keeps the weight in blocks from here on; its floats are given up, and it has no gradient.</summary>
    /// <param name="matrix">The blocks, of this tensor's shape [rows, columns].</param>
    public void Quantize(QuantizedMatrix matrix)
    {
        Check.Shape("quantize", "matrix", this, matrix.Rows, matrix.Columns);
        GiveUp("Quantize");
        Quantized = matrix;
    }

    /// <summary>
    /// Keeps an F32 weight in the order in which products read it from here on, for inference: a linear layer then costs what reading its
    /// weight once costs, from one row on, with the same bits. Where BF16 or F16 holds all of its values exactly, they take half the memory. Its
    /// plain floats are given up, and it has no gradient. A weight in blocks stays in them.
    /// </summary>
    public void Pack()
    {
        if (IsForComputing) return;
        Check.Rank("pack", "weight", this, 2, 2);
        Check.That(DType == DType.F32, "pack", "weight", "F32", $"{DType}");
        var rows = new StridedMatrix<float>((float*)Pointer, (nint)_layout.Stride(0), (nint)_layout.Stride(1));
        var packed = new PackedMatrix(rows.Transposed, Size(1), Size(0));
        GiveUp("Pack");
        Packed = packed;
    }

    /// <summary>Asks for gradients with respect to this leaf.</summary>
    /// <returns>The tensor itself.</returns>
    public Tensor RequireGrad()
    {
        RequiresGrad = true;
        return this;
    }

    /// <summary>Asks for no gradient with respect to this leaf any more, and forgets one that is there.</summary>
    /// <returns>The tensor itself.</returns>
    public Tensor Freeze()
    {
        ClearGrad();
        RequiresGrad = false;
        return this;
    }

    /// <summary>Forgets the gradient; its memory goes back to the pool.</summary>
    public void ClearGrad() => DropGrad("ClearGrad()");

    /// <summary>The values as plain floats, cut off from the tape: the same elements, or a copy of a weight that is kept in another form.</summary>
    public Tensor AsFloats()
    {
        if (!IsForComputing) return Detach();
        Tensor rows = Empty(DType.I32, Size(0));
        for (int i = 0; i < rows.Count; i++) rows.AsSpan<int>()[i] = i;
        return Ops.Embedding(this, rows);
    }

    /// <summary>The same elements, cut off from the tape: no gradient flows through.</summary>
    public Tensor Detach() => IsForComputing ? this : CreateView(_layout, differentiable: false);

    /// <summary>Releases the memory now instead of at the scope's end.</summary>
    public void Release() => Release("Release()");

    internal static Tensor Lease(DType type, in Layout layout) => Register(LeaseUnscoped(type, layout));

    // Not of any scope: gradients, which the tape or their leaf owns.
    internal static Tensor LeaseUnscoped(DType type, in Layout layout) => Fresh(type, layout, MemoryPool.Lease(BytesOf(type, layout)));

    private static long BytesOf(DType type, in Layout layout) => Math.BigMul(layout.Count, (long)type.Size(), out long low) == 0 && low >= 0
        ? low
        : throw new CratonException($"[tensor] shape: {layout} does not fit in memory");

    // Of no scope, and without memory until it is touched.
    private static Tensor Deferred(DType type, in Layout layout, float firstValue)
    {
        _ = BytesOf(type, layout);
        return new() { DType = type, _layout = layout, _firstValue = firstValue };
    }

    internal static Tensor FromStorage(DType type, in Layout layout, Storage storage) => Register(Fresh(type, layout, storage));

    internal Tensor CreateView(in Layout layout, bool differentiable = true)
    {
        Tensor view = Fresh(DType, layout, Storage);
        if (differentiable && Tape.Records(this))
        {
            view.ViewOf = ViewOf ?? this;
            view.RequiresGrad = true;
            Tape.RecordView(view);
        }
        return Register(view);
    }

    internal void Release(string by)
    {
        if (_storage is null && _firstValue is null) return;
        GiveUp(by);
        if (!TensorScope.Checks) (s_recycled ??= []).Push(this);
    }

    private void GiveUp(string by)
    {
        Generation++;
        _releasedBy = by;
        _storage?.RemoveTensor();
        _storage = null;
        _firstValue = null;
        DropGrad(by);
        RequiresGrad = IsRecorded = false;
        ViewOf = null;
    }

    // A parameter gets its memory when it is first touched: one that is only counted, mapped or loaded in blocks never has any.
    private Storage FirstStorage()
    {
        if (IsForComputing)
            throw new CratonException($"tensor {_layout}: expected floats, got a weight in {Form}; load the model with its weights as floats to train or change it");
        if (_firstValue is null && _storage is null)
            throw new ObjectDisposedException(null, $"tensor {_layout}: expected a live tensor, got one whose memory went back when '{_releasedBy}' ended; use it earlier, or keep it with scope.Keep(tensor)");
        lock (this)
        {
            if (_storage is { } made) return made;
            Storage storage = MemoryPool.LeaseLasting(ByteCount);
            storage.AddTensor();
            if (_firstValue is { } value and not 0) new Span<float>(storage.Pointer, checked((int)Count)).Fill(value);
            else NativeMemory.Clear(storage.Pointer, (nuint)ByteCount);
            Volatile.Write(ref _storage, storage);
            _firstValue = null;
            return storage;
        }
    }

    internal void DropGrad(string by)
    {
        GradBuffer?.Release(by);
        GradBuffer = null;
        GradIsEmpty = true;
        GradIsShared = false;
    }

    // A second tensor on the same memory, of no scope.
    internal Tensor ShareUnscoped() => Fresh(DType, _layout, Storage);

    private static Tensor Fresh(DType type, in Layout layout, Storage storage)
    {
        Tensor tensor = s_recycled is { Count: > 0 } stock ? stock.Pop() : new Tensor();
        storage.AddTensor();
        tensor.DType = type;
        tensor._layout = layout;
        tensor._storage = storage;
        return tensor;
    }

    private static Tensor Register(Tensor tensor)
    {
        TensorScope.Register(tensor);
        return tensor;
    }

    /// <summary>Type and shape, as <c>F32 [2, 3]</c>.</summary>
    public override string ToString() => $"{DType} {_layout}";
}
