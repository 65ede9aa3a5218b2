using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Craton.Inference.Engine;

/// <summary>
/// Who uses which page of a cache. A full page has a name, made of all tokens up to its end; whoever begins with the same tokens uses the same
/// page. A page that nobody uses keeps its name until it is needed for something else, the one longest unused first.
/// </summary>
internal sealed class PagePool
{
    private readonly int[] _uses;
    private readonly UInt128?[] _names;
    private readonly Dictionary<UInt128, int> _pages = [];
    private readonly LinkedList<int> _free = new(); // the longest unused first
    private readonly LinkedListNode<int>[] _nodes;

    public PagePool(int pages)
    {
        _uses = new int[pages];
        _names = new UInt128?[pages];
        _nodes = [.. Enumerable.Range(0, pages).Select(_free.AddLast)];
    }

    public int Count => _uses.Length;

    /// <summary>Pages that nobody uses, named or not.</summary>
    public int Free => _free.Count;

    /// <summary>Takes a page with undefined content.</summary>
    public bool TryTake(out int page)
    {
        page = -1;
        if (_free.First is not { } node) return false;
        _free.RemoveFirst();
        page = node.Value;
        _uses[page] = 1;
        if (_names[page] is { } name) _pages.Remove(name);
        _names[page] = null;
        return true;
    }

    /// <summary>Takes the page of a name, if there is one.</summary>
    public bool TryFind(UInt128 name, out int page)
    {
        if (!_pages.TryGetValue(name, out page)) return false;
        if (_uses[page]++ == 0) _free.Remove(_nodes[page]);
        return true;
    }

    /// <summary>Names a page that has been filled. A second page of the same content gets no name.</summary>
    public void SetName(int page, UInt128 name)
    {
        if (_names[page] is null && _pages.TryAdd(name, page)) _names[page] = name;
    }

    /// <summary>Gives a page back.</summary>
    public void Release(int page)
    {
        if (--_uses[page] == 0) _free.AddLast(_nodes[page]);
    }

    /// <summary>The name of no tokens.</summary>
    /// <param name="salt">Texts of different salts share no page.</param>
    /// <param name="adapter">Number of the adapter that their keys and values are computed with.</param>
    /// <param name="epoch">How positions turn (<see cref="Models.CausalLanguageModel.Epoch"/>).</param>
    public static UInt128 Root(string salt, int adapter, int epoch) => NameOf(new UInt128((uint)adapter, (uint)epoch), Encoding.UTF8.GetBytes(salt));

    /// <summary>The name of a page: of all tokens up to its end.</summary>
    /// <param name="before">The name of the page before.</param>
    /// <param name="tokens">The page's own tokens.</param>
    public static UInt128 NameOf(UInt128 before, ReadOnlySpan<int> tokens) => NameOf(before, MemoryMarshal.AsBytes(tokens));

    // Half of a SHA-256: nobody can make two texts of one name.
    private static UInt128 NameOf(UInt128 before, ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, before);
        hash.AppendData(bytes[..16]);
        hash.AppendData(content);
        hash.GetHashAndReset(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }
}
