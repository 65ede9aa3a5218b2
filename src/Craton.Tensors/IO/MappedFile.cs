using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Craton.Tensors.IO;

/// <summary>A whole file as memory, read only: pages are read when touched and shared among processes.</summary>
/// <remarks>
/// For files that nobody else changes. When a mapped file is cut by someone, touching the lost pages kills the process (SIGBUS): read foreign
/// files by position instead.
/// </remarks>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    public MappedFile(SafeFileHandle handle)
    {
        _file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* address = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        _start = address + _view.PointerOffset;
    }

    /// <summary>The first byte of the file.</summary>
    public byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start is null, this);
            return _start;
        }
    }

    /// <summary>Removes the mapping: pointers into it are invalid from here on.</summary>
    public void Dispose()
    {
        if (_start is null) return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
