using System.Buffers;

namespace Craton.Tokenizers.Bpe;

/// <summary>A binary heap in pooled memory, the first in order on top; the order is a type, so that comparing is inlined.</summary>
internal struct MinHeap<T, TOrder>(TOrder order, int capacity) : IDisposable
    where T : unmanaged
    where TOrder : struct, IComparer<T>
{
    private T[] _items = ArrayPool<T>.Shared.Rent(capacity + 1);
    private int _count;

    public void Add(T item)
    {
        if (_count == _items.Length)
        {
            T[] larger = ArrayPool<T>.Shared.Rent(2 * _count);
            _items.CopyTo(larger, 0);
            ArrayPool<T>.Shared.Return(_items);
            _items = larger;
        }

        int hole = _count++;
        while (hole > 0 && order.Compare(item, _items[(hole - 1) / 2]) < 0)
        {
            _items[hole] = _items[(hole - 1) / 2];
            hole = (hole - 1) / 2;
        }

        _items[hole] = item;
    }

    public bool TryTake(out T item)
    {
        item = _count > 0 ? _items[0] : default;
        if (_count == 0)
            return false;
        T moved = _items[--_count];
        int hole = 0;
        while (2 * hole + 1 < _count)
        {
            int child = 2 * hole + 1;
            if (child + 1 < _count && order.Compare(_items[child + 1], _items[child]) < 0)
                child++;
            if (order.Compare(moved, _items[child]) <= 0)
                break;
            _items[hole] = _items[child];
            hole = child;
        }

        _items[hole] = moved;
        return true;
    }

    public readonly void Dispose() => ArrayPool<T>.Shared.Return(_items);
}
