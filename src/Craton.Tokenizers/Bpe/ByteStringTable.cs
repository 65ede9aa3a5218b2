using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Craton.Tokenizers.Bpe;

/// <summary>Numbers distinct byte strings from 0 in order of arrival; open addressing over one flat buffer of their bytes.</summary>
internal sealed class ByteStringTable
{
    private byte[] _bytes;
    private int[] _ends;
    private uint[] _hashes;
    private int[] _slots;

    /// <summary>An empty table, with room for about <paramref name="capacity"/> strings before it grows.</summary>
    public ByteStringTable(int capacity = 64)
    {
        capacity = Math.Max(capacity, 16);
        _bytes = new byte[8 * capacity];
        _ends = new int[capacity];
        _hashes = new uint[capacity];
        _slots = new int[2 * BitOperations.RoundUpToPowerOf2((uint)capacity)];
    }

    /// <summary>Number of distinct strings.</summary>
    public int Count { get; private set; }

    /// <summary>Number of bytes of all distinct strings.</summary>
    public int Bytes => Count == 0 ? 0 : _ends[Count - 1];

    /// <summary>The string of a number.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            int start = index == 0 ? 0 : _ends[index - 1];
            return _bytes.AsSpan(start, _ends[index] - start);
        }
    }

    /// <summary>The number of a string, or -1.</summary>
    public int Find(ReadOnlySpan<byte> value)
    {
        uint hash = Hash(value);
        for (uint slot = hash; ; slot++)
        {
            int index = _slots[slot & (uint)(_slots.Length - 1)] - 1;
            if (index < 0 || (_hashes[index] == hash && this[index].SequenceEqual(value)))
                return index;
        }
    }

    /// <summary>The number of a string, which is added when it is new.</summary>
    public int GetOrAdd(ReadOnlySpan<byte> value)
    {
        uint hash = Hash(value);
        uint slot = hash;
        for (; ; slot++)
        {
            int index = _slots[slot & (uint)(_slots.Length - 1)] - 1;
            if (index < 0)
                break;
            if (_hashes[index] == hash && this[index].SequenceEqual(value))
                return index;
        }

        Append(value, hash);
        _slots[slot & (uint)(_slots.Length - 1)] = Count;
        if (Count * 2 > _slots.Length)
            Grow();
        return Count - 1;
    }

    private void Append(ReadOnlySpan<byte> value, uint hash)
    {
        int start = Count == 0 ? 0 : _ends[Count - 1];
        int end = checked(start + value.Length);
        if (end > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Max(end, Math.Min(2L * _bytes.Length, Array.MaxLength)));
        if (Count == _ends.Length)
        {
            Array.Resize(ref _ends, 2 * Count + 1);
            Array.Resize(ref _hashes, 2 * Count + 1);
        }

        value.CopyTo(_bytes.AsSpan(start));
        _ends[Count] = end;
        _hashes[Count] = hash;
        Count++;
    }

    private void Grow()
    {
        _slots = new int[2 * _slots.Length];
        for (int index = 0; index < Count; index++)
        {
            uint slot = _hashes[index];
            while (_slots[slot & (uint)(_slots.Length - 1)] != 0)
                slot++;
            _slots[slot & (uint)(_slots.Length - 1)] = index + 1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(ReadOnlySpan<byte> value)
    {
        const ulong multiplier = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)value.Length * multiplier;
        while (value.Length >= 8)
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(value)) * multiplier;
            hash ^= hash >> 32;
            value = value[8..];
        }

        ulong tail = 0;
        for (int i = value.Length - 1; i >= 0; i--)
            tail = tail << 8 | value[i];
        hash = (hash ^ tail) * multiplier;
        return (uint)(hash >> 32);
    }
}
