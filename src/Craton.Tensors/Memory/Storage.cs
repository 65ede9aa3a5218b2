using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Craton.Tensors.Memory;

/// <summary>
/// One block of memory that tensors share. It lies in a pinned array, so a block that nobody returns is collected like any other
/// object: forgetting a scope costs reuse, never a leak, and no finalizer is needed. The count of tensors decides when it goes back to
/// the pool.
/// </summary>
internal sealed unsafe class Storage
{
    private const int LargePage = 2 << 20;

    private readonly object _owner; // keeps the memory alive
    private int _tensors;

    private Storage(object owner, void* pointer, long bytes, int bucket)
    {
        _owner = owner;
        Pointer = (byte*)pointer;
        Bytes = bytes;
        Bucket = bucket;
    }

    /// <summary>The first byte: 64-byte aligned, for blocks of 2 MiB and more aligned to a large page.</summary>
    public byte* Pointer { get; }

    /// <summary>Usable bytes.</summary>
    public long Bytes { get; }

    /// <summary>The pool's size class, or -1 for memory that is not the pool's.</summary>
    public int Bucket { get; }

    /// <summary>True when exactly one tensor uses the block.</summary>
    public bool IsUnshared => _tensors == 1;

    /// <summary>Allocates a block outside the pool's stock.</summary>
    public static Storage Allocate(long bytes, int bucket)
    {
        bool large = bytes >= LargePage;
        long alignment = large ? LargePage : 64;
        long lines = (bytes + alignment + 63) / 64;
        CacheLine[] array = GC.AllocateUninitializedArray<CacheLine>(checked((int)lines), pinned: true);
        long start = ((long)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) + alignment - 1) & -alignment;
        if (large) LargePages.Advise((void*)start, bytes);
        return new Storage(array, (void*)start, bytes, bucket);
    }

    /// <summary>Wraps memory that something else owns (a mapped file).</summary>
    public static Storage Foreign(object owner, void* pointer, long bytes) => new(owner, pointer, bytes, -1);

    public void AddTensor() => Interlocked.Increment(ref _tensors);

    public void RemoveTensor()
    {
        if (Interlocked.Decrement(ref _tensors) == 0) MemoryPool.Return(this);
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct CacheLine;
}
