using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Craton.Tensors.Memory;

/// <summary>
/// One block of memory that tensors share: a range of the pool's, an array of its own, or memory of something else. All of the pool's
/// memory lies in pinned arrays, so what nobody returns is collected like any other object: forgetting a scope costs reuse, never a leak,
/// and no finalizer is needed. The count of tensors decides when a block goes back.
/// </summary>
internal sealed unsafe class Storage
{
    private const int LargePage = 2 << 20;

    private object? _owner; // keeps the memory alive
    private int _tensors;

    /// <summary>The first byte, 64-byte aligned where the memory is ours; arrays of 2 MiB and more begin at a large page.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>Usable bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>The range of the pool's memory that this is; null for memory that is not the pool's, or not any more.</summary>
    public PoolRange? Range { get; private set; }

    /// <summary>True when exactly one tensor uses the block.</summary>
    public bool IsUnshared => _tensors == 1;

    /// <summary>Set where the bytes count as leased.</summary>
    public bool IsLeased { get; set; }

    /// <summary>Allocates an array outside the pool.</summary>
    public static Storage Allocate(long bytes)
    {
        bool large = bytes >= LargePage;
        long alignment = large ? LargePage : 64;
        long lines = (bytes + alignment + 63) / 64;
        CacheLine[] array = GC.AllocateUninitializedArray<CacheLine>(checked((int)lines), pinned: true);
        long start = ((long)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) + alignment - 1) & -alignment;
        if (large) LargePages.Advise((void*)start, bytes);
        return Foreign(array, (void*)start, bytes);
    }

    /// <summary>Wraps memory that something else owns (a mapped file).</summary>
    public static Storage Foreign(object owner, void* pointer, long bytes) => new() { _owner = owner, Pointer = (byte*)pointer, Bytes = bytes };

    /// <summary>Makes this the block of a range; null ends that.</summary>
    public void Attach(PoolRange? range)
    {
        (Range, _owner) = (range, range?.Segment);
        if (range is null) return;
        Pointer = range.Segment.Memory.Pointer + range.Offset;
        Bytes = range.Bytes;
    }

    public void AddTensor() => Interlocked.Increment(ref _tensors);

    public void RemoveTensor()
    {
        if (Interlocked.Decrement(ref _tensors) == 0) MemoryPool.Return(this);
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct CacheLine;
}
