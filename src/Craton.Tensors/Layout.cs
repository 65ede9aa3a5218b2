using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Craton.Tensors;

/// <summary>
/// Where the elements of a tensor lie in its storage: shape, strides and offset, all counted in elements. Every view operation
/// (reshape, permute, slice, expand) is a change of layout and moves no data. A stride of 0 repeats an element.
/// </summary>
public readonly struct Layout : IEquatable<Layout>
{
    /// <summary>The greatest number of dimensions.</summary>
    public const int MaxRank = 6;

    private readonly Dims _shape;
    private readonly Steps _strides;

    /// <summary>A contiguous (row-major) layout.</summary>
    /// <exception cref="CratonException">A size is negative, there are too many dimensions, or the product overflows.</exception>
    public Layout(ReadOnlySpan<int> shape)
    {
        if (shape.Length > MaxRank) throw new CratonException($"[layout] shape: expected at most {MaxRank} dimensions, got {shape.Length}");
        Rank = shape.Length;
        long count = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            if (shape[i] < 0) throw new CratonException($"[layout] shape: expected sizes of 0 or more, got {shape[i]} in dimension {i}");
            _shape[i] = shape[i];
            _strides[i] = count;
            // Zero-sized dimensions keep the strides of size one, so that views of empty tensors stay well defined.
            if (Math.BigMul(count, Math.Max(1, (long)shape[i]), out long next) != 0 || next < 0)
                throw new CratonException("[layout] shape: the number of elements does not fit in 63 bits");
            count = next;
        }
    }

    /// <summary>A layout of given shape, strides and offset.</summary>
    public Layout(ReadOnlySpan<int> shape, ReadOnlySpan<long> strides, long offset)
    {
        Rank = shape.Length;
        Offset = offset;
        for (int i = 0; i < Rank; i++)
        {
            _shape[i] = shape[i];
            _strides[i] = strides[i];
        }
    }

    /// <summary>Number of dimensions; 0 for a scalar.</summary>
    public int Rank { get; }

    /// <summary>Index of the first element in the storage.</summary>
    public long Offset { get; }

    /// <summary>Sizes of the dimensions.</summary>
    [UnscopedRef]
    public ReadOnlySpan<int> Shape => ((ReadOnlySpan<int>)_shape)[..Rank];

    /// <summary>Distance between neighbours of each dimension, in elements.</summary>
    [UnscopedRef]
    public ReadOnlySpan<long> Strides => ((ReadOnlySpan<long>)_strides)[..Rank];

    /// <summary>Number of elements.</summary>
    public long Count
    {
        get
        {
            long n = 1;
            for (int i = 0; i < Rank; i++) n *= _shape[i];
            return n;
        }
    }

    /// <summary>Size of a dimension; negative counts from the end.</summary>
    public int this[int dim] => _shape[dim < 0 ? dim + Rank : dim];

    /// <summary>Stride of a dimension; negative counts from the end.</summary>
    public long Stride(int dim) => _strides[dim < 0 ? dim + Rank : dim];

    /// <summary>True when the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Rank - 1; i >= 0; i--)
            {
                if (_shape[i] == 0) return true;
                if (_shape[i] != 1 && _strides[i] != expected) return false;
                expected *= _shape[i];
            }
            return true;
        }
    }

    /// <summary>The same elements with dimensions in another order.</summary>
    public Layout Permute(ReadOnlySpan<int> order)
    {
        Span<int> shape = stackalloc int[MaxRank];
        Span<long> strides = stackalloc long[MaxRank];
        for (int i = 0; i < Rank; i++)
        {
            shape[i] = this[order[i]];
            strides[i] = Stride(order[i]);
        }
        return new Layout(shape[..Rank], strides[..Rank], Offset);
    }

    /// <summary>Elements start, start+step, … of one dimension.</summary>
    public Layout Slice(int dim, int start, int count, int step = 1)
    {
        Span<int> shape = stackalloc int[MaxRank];
        Span<long> strides = stackalloc long[MaxRank];
        Shape.CopyTo(shape);
        Strides.CopyTo(strides);
        shape[dim] = count;
        long offset = count == 0 ? Offset : Offset + start * strides[dim];
        strides[dim] *= step;
        return new Layout(shape[..Rank], strides[..Rank], offset);
    }

    /// <summary>The layout broadcast to a larger shape: missing and one-sized dimensions repeat with stride 0.</summary>
    public Layout Expand(ReadOnlySpan<int> shape)
    {
        Span<long> strides = stackalloc long[MaxRank];
        int lead = shape.Length - Rank;
        for (int i = 0; i < shape.Length; i++)
            strides[i] = i < lead || (_shape[i - lead] == 1 && shape[i] != 1) ? 0 : _strides[i - lead];
        return new Layout(shape, strides[..shape.Length], Offset);
    }

    /// <summary>The same elements, in the same row-major order, under another shape; null when that needs a copy.</summary>
    public Layout? Reshape(ReadOnlySpan<int> shape)
    {
        if (IsContiguous)
        {
            var contiguous = new Layout(shape);
            return new Layout(shape, contiguous.Strides, Offset);
        }
        // Walk both shapes from the right: each group of old dimensions that lies evenly in memory may be divided anew.
        Span<long> strides = stackalloc long[MaxRank];
        int next = shape.Length - 1;
        for (int old = Rank - 1; old >= 0;)
        {
            long stride = _strides[old], size = _shape[old];
            old--;
            while (old >= 0 && (_shape[old] == 1 || _strides[old] == stride * size)) size *= _shape[old--];
            while (next >= 0 && (size > 1 || shape[next] == 1))
            {
                if (size % shape[next] != 0) return null;
                strides[next] = stride;
                stride *= shape[next];
                size /= shape[next];
                next--;
            }
            if (size != 1) return null;
        }
        while (next >= 0) strides[next--] = 1;
        return new Layout(shape, strides[..shape.Length], Offset);
    }

    /// <summary>
    /// A layout without gaps for new memory whose dimensions lie in the same order as here: the gradient of a transposed tensor is
    /// then transposed too, and undoing the transposition costs nothing.
    /// </summary>
    public Layout Dense()
    {
        Span<int> order = stackalloc int[MaxRank];
        for (int i = 0; i < Rank; i++) order[i] = i;
        for (int i = 1; i < Rank; i++) // insertion sort by descending stride, stable
            for (int j = i; j > 0 && _strides[order[j - 1]] < _strides[order[j]]; j--)
                (order[j - 1], order[j]) = (order[j], order[j - 1]);
        Span<long> strides = stackalloc long[MaxRank];
        long expected = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            strides[order[i]] = expected;
            expected *= Math.Max(1, _shape[order[i]]);
        }
        return new Layout(Shape, strides[..Rank], 0);
    }

    /// <summary>True when both have the same sizes.</summary>
    public bool SameShape(in Layout other) => Shape.SequenceEqual(other.Shape);

    /// <inheritdoc />
    public bool Equals(Layout other) => Offset == other.Offset && SameShape(other) && Strides.SequenceEqual(other.Strides);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is Layout other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (int size in Shape) hash.Add(size);
        hash.Add(Offset);
        return hash.ToHashCode();
    }

    /// <summary>Equality of shape, strides and offset.</summary>
    public static bool operator ==(Layout left, Layout right) => left.Equals(right);

    /// <summary>Inequality of shape, strides or offset.</summary>
    public static bool operator !=(Layout left, Layout right) => !left.Equals(right);

    /// <summary>The shape as <c>[2, 3]</c>.</summary>
    public override string ToString() => Describe(Shape);

    internal static string Describe(ReadOnlySpan<int> shape) => "[" + string.Join(", ", shape.ToArray()) + "]";

    [InlineArray(MaxRank)]
    private struct Dims
    {
        private int _first;
    }

    [InlineArray(MaxRank)]
    private struct Steps
    {
        private long _first;
    }
}
