namespace Craton.Tensors;

// Elements in other places, repeated or cut off: all made of views, copies and selections, whose gradients they inherit.
public static partial class Ops
{
    /// <summary>The elements of the last two dimensions on and below a diagonal, column − row ≤ diagonal; 0 above.</summary>
    public static Tensor Tril(Tensor x, int diagonal = 0)
    {
        Check.Rank("tril", "x", x, 2);
        int rows = x.Size(-2), columns = x.Size(-1);
        Tensor above = Tensor.Empty(DType.Bool, rows, columns);
        Span<bool> isAbove = above.AsSpan<bool>();
        for (int i = 0; i < isAbove.Length; i++) isAbove[i] = i % columns - i / columns > diagonal;
        return MaskedFill(x, above, 0);
    }

    /// <summary>The order of the elements reversed along every given dimension.</summary>
    public static Tensor Flip(Tensor x, params ReadOnlySpan<int> dims)
    {
        foreach (int dim in dims)
        {
            Tensor index = Tensor.Empty(DType.I64, x.Size(Check.Dim("flip", x, dim)));
            Span<long> from = index.AsSpan<long>();
            for (int i = 0; i < from.Length; i++) from[i] = from.Length - 1 - i;
            x = IndexSelect(x, dim, index);
        }
        return x;
    }

    /// <summary>The elements moved along dimensions, those beyond the end to the front: y[i + shift] = x[i].</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="shifts">How far, one for each dimension given; negative moves to the front.</param>
    /// <param name="dims">The dimensions.</param>
    public static Tensor Roll(Tensor x, ReadOnlySpan<int> shifts, ReadOnlySpan<int> dims)
    {
        Check.That(shifts.Length == dims.Length, "roll", "shifts", $"{dims.Length}, one for each dimension", $"{shifts.Length}");
        for (int d = 0; d < dims.Length; d++)
        {
            Tensor index = Tensor.Empty(DType.I64, x.Size(Check.Dim("roll", x, dims[d])));
            Span<long> from = index.AsSpan<long>();
            for (int i = 0; i < from.Length; i++)
                from[i] = (((long)i - shifts[d]) % from.Length + from.Length) % from.Length;
            x = IndexSelect(x, dims[d], index);
        }
        return x;
    }

    /// <summary>Every slice along a dimension several times in a row: a a b b.</summary>
    public static Tensor RepeatInterleave(Tensor x, int repeats, int dim)
    {
        dim = Check.Dim("repeat_interleave", x, dim);
        Check.That(repeats >= 0, "repeat_interleave", "repeats", "0 or more", $"{repeats}");
        return Repeated(x, dim, dim + 1, repeats);
    }

    /// <summary>The whole tensor several times along every dimension: a b a b. One number of repeats for each dimension.</summary>
    public static Tensor Tile(Tensor x, params ReadOnlySpan<int> repeats)
    {
        Check.That(repeats.Length == x.Rank, "tile", "repeats", $"{x.Rank}, one for each dimension", $"{repeats.Length}");
        for (int dim = 0; dim < repeats.Length; dim++)
        {
            Check.That(repeats[dim] >= 0, "tile", "repeats", "0 or more", $"{repeats[dim]}");
            if (repeats[dim] != 1) x = Repeated(x, dim, dim, repeats[dim]);
        }
        return x;
    }

    // Repeats the blocks that the dimensions from `inner` on form; the dimension `dim` grows.
    private static Tensor Repeated(Tensor x, int dim, int inner, int repeats)
    {
        int blocks = 1, length = 1;
        for (int i = 0; i < inner; i++) blocks *= x.Size(i);
        for (int i = inner; i < x.Rank; i++) length *= x.Size(i);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        shape[dim] = Check.Fits("repeat", "repeats", (long)shape[dim] * repeats);
        return Reshape(Expand(Reshape(x, blocks, 1, length), blocks, repeats, length), shape[..x.Rank]);
    }

    /// <summary>1 at the place of every id, 0 elsewhere: ids of any shape → ids.Shape + [classes], F32.</summary>
    /// <exception cref="CratonException">An id is negative or not below <paramref name="classes"/>.</exception>
    public static Tensor OneHot(Tensor ids, int classes)
    {
        Check.That(classes > 0, "one_hot", "classes", "1 or more", $"{classes}");
        Check.Rank("one_hot", "ids", ids, 0, Layout.MaxRank - 1);
        ids = CheckIndex("one_hot", ids, classes);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        ids.Shape.CopyTo(shape);
        shape[ids.Rank] = classes;
        Tensor y = Tensor.Zeros(DType.F32, shape[..(ids.Rank + 1)]);
        Span<float> hot = y.AsSpan<float>();
        ReadOnlySpan<long> at = ids.AsSpan<long>();
        for (int i = 0; i < at.Length; i++) hot[i * classes + (int)at[i]] = 1;
        return y;
    }
}
