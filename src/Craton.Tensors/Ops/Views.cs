namespace Craton.Tensors;

// Operations that only change the layout. The gradient of a view is the same view of the gradient, so none of them has a backward step.
public static partial class Ops
{
    /// <summary>The same elements under another shape; one size may be −1. Copies only where the strides demand it.</summary>
    public static Tensor Reshape(Tensor x, params ReadOnlySpan<int> shape)
    {
        Span<int> sizes = stackalloc int[Layout.MaxRank];
        Check.That(shape.Length <= Layout.MaxRank, "reshape", "shape", $"at most {Layout.MaxRank} dimensions", $"{shape}");
        shape.CopyTo(sizes);
        sizes = sizes[..shape.Length];
        int open = sizes.IndexOf(-1);
        long known = 1;
        for (int i = 0; i < sizes.Length; i++) known *= i == open ? 1 : sizes[i];
        if (open >= 0 && known > 0) sizes[open] = (int)(x.Count / known);
        long count = open >= 0 ? known * Math.Max(0, sizes[open]) : known;
        Check.That(count == x.Count, "reshape", "shape", $"a shape of {x.Count} elements", $"{shape}");
        Tensor source = Viewable(x);
        return source.Layout.Reshape(sizes) is { } layout ? source.CreateView(layout) : Contiguous(source).View(sizes);
    }

    /// <summary>Dimensions in another order.</summary>
    public static Tensor Permute(Tensor x, params ReadOnlySpan<int> order)
    {
        Check.That(order.Length == x.Rank, "permute", "order", $"{x.Rank} dimensions", $"{order}");
        Span<int> from = stackalloc int[Layout.MaxRank];
        int seen = 0;
        for (int i = 0; i < order.Length; i++)
        {
            from[i] = Check.Dim("permute", x, order[i]);
            seen |= 1 << from[i];
        }
        Check.That(seen == (1 << x.Rank) - 1, "permute", "order", "every dimension once", $"{order}");
        Tensor source = Viewable(x);
        return source.CreateView(source.Layout.Permute(from[..x.Rank]));
    }

    /// <summary>Two dimensions exchanged.</summary>
    public static Tensor Transpose(Tensor x, int a = -2, int b = -1)
    {
        Span<int> order = stackalloc int[Layout.MaxRank];
        for (int i = 0; i < x.Rank; i++) order[i] = i;
        (a, b) = (Check.Dim("transpose", x, a), Check.Dim("transpose", x, b));
        (order[a], order[b]) = (b, a);
        return Permute(x, order[..x.Rank]);
    }

    /// <summary>Elements start, start + step, … before stop of one dimension; negative bounds count from the end.</summary>
    public static Tensor Slice(Tensor x, int dim, int start, int stop = int.MaxValue, int step = 1)
    {
        dim = Check.Dim("slice", x, dim);
        Check.Rank("slice", "x", x, 1);
        Check.That(step > 0, "slice", "step", "1 or more", $"{step}");
        int size = x.Size(dim);
        start = Math.Clamp(start < 0 ? start + size : start, 0, size);
        stop = Math.Clamp(stop < 0 ? stop + size : stop, start, size);
        Tensor source = Viewable(x);
        return source.CreateView(source.Layout.Slice(dim, start, (stop - start + step - 1) / step, step));
    }

    /// <summary>One index of a dimension, which disappears.</summary>
    public static Tensor Select(Tensor x, int dim, int index)
    {
        dim = Check.Dim("select", x, dim);
        int at = index < 0 ? index + x.Size(dim) : index;
        Check.That(at >= 0 && at < x.Size(dim), "select", "index", $"below {x.Size(dim)}", $"{index}");
        return Squeeze(Slice(x, dim, at, at + 1), dim);
    }

    /// <summary>Without a dimension of size 1.</summary>
    public static Tensor Squeeze(Tensor x, int dim)
    {
        dim = Check.Dim("squeeze", x, dim);
        Check.Size("squeeze", "x", x, dim, 1);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape[..dim].CopyTo(shape);
        x.Shape[(dim + 1)..].CopyTo(shape[dim..]);
        return Reshape(x, shape[..(x.Rank - 1)]);
    }

    /// <summary>With a new dimension of size 1 before <paramref name="dim"/>.</summary>
    public static Tensor Unsqueeze(Tensor x, int dim)
    {
        if (dim < 0) dim += x.Rank + 1;
        Check.That(dim >= 0 && dim <= x.Rank && x.Rank < Layout.MaxRank, "unsqueeze", "dim", $"0 to {x.Rank}", $"{dim}");
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape[..dim].CopyTo(shape);
        shape[dim] = 1;
        x.Shape[dim..].CopyTo(shape[(dim + 1)..]);
        return Reshape(x, shape[..(x.Rank + 1)]);
    }

    /// <summary>Parts of the given sizes along a dimension.</summary>
    public static Tensor[] Split(Tensor x, int dim, params ReadOnlySpan<int> sizes)
    {
        dim = Check.Dim("split", x, dim);
        long sum = 0;
        foreach (int size in sizes) sum += size < 0 ? long.MinValue / sizes.Length : size; // a negative one spoils the sum
        Check.That(sum == x.Size(dim), "split", "sizes", $"sizes of 0 or more with a sum of {x.Size(dim)}", $"{sizes}");
        var parts = new Tensor[sizes.Length];
        for (int i = 0, start = 0; i < parts.Length; start += sizes[i++]) parts[i] = Slice(x, dim, start, start + sizes[i]);
        return parts;
    }

    // Gradients of views are views of the gradient of a whole without gaps; a leaf that is itself a strided view is copied first.
    private static Tensor Viewable(Tensor x)
    {
        Tensor whole = x.ViewOf ?? x;
        return !Tape.Records(x) || whole.Layout.Strides.SequenceEqual(whole.Layout.Dense().Strides) ? x : Copy(x);
    }
}

public sealed unsafe partial class Tensor
{
    /// <inheritdoc cref="Ops.Reshape" />
    public Tensor View(params ReadOnlySpan<int> shape) => Ops.Reshape(this, shape);

    /// <inheritdoc cref="Ops.Permute" />
    public Tensor Permute(params ReadOnlySpan<int> order) => Ops.Permute(this, order);

    /// <inheritdoc cref="Ops.Transpose" />
    public Tensor Transpose(int a = -2, int b = -1) => Ops.Transpose(this, a, b);

    /// <inheritdoc cref="Ops.Slice" />
    public Tensor Slice(int dim, int start, int stop = int.MaxValue, int step = 1) => Ops.Slice(this, dim, start, stop, step);

    /// <inheritdoc cref="Ops.Contiguous" />
    public Tensor Contiguous() => Ops.Contiguous(this);
}
