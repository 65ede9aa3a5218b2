using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

/// <summary>Which of its elements a tensor is padded with, along one dimension.</summary>
public enum PadMode
{
    /// <summary>Mirrored at the border, which is not repeated: c b | a b c | b a.</summary>
    Reflect,
    /// <summary>The nearest: a a | a b c | c c.</summary>
    Replicate,
    /// <summary>From the other end: b c | a b c | a b.</summary>
    Circular,
}

// Operations that move data.
public static partial class Ops
{
    /// <summary>The tensor itself when it is contiguous, else a contiguous copy.</summary>
    public static Tensor Contiguous(Tensor x) => x.Layout.IsContiguous ? x : Copy(x);

    /// <summary>A contiguous copy.</summary>
    public static Tensor Copy(Tensor x) => CopyAs(x, x.Layout);

    /// <summary>x broadcast to a larger shape, as a copy.</summary>
    public static Tensor Expand(Tensor x, params ReadOnlySpan<int> shape)
    {
        Span<int> common = stackalloc int[Layout.MaxRank];
        int rank = Broadcast("expand", x.Layout, new Layout(shape), common);
        Check.That(common[..rank].SequenceEqual(shape), "expand", "shape", $"a shape that {x.Layout} broadcasts to", $"{shape}");
        return CopyAs(x, x.Layout.Expand(shape));
    }

    private static Tensor CopyAs(Tensor x, in Layout layout)
    {
        Tensor y = Tensor.Empty(x.DType, layout.Shape);
        Kernel.For(x).Copy(x, layout, y, y.Layout);
        if (Tape.Records(x))
        {
            var op = CopyOp.Rent();
            op.X = x;
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class CopyOp : Op<CopyOp>
    {
        public Tensor X = null!;

        public override string Name => "copy";

        public override void Backward(Tensor dy)
        {
            if (X.Layout.SameShape(dy.Layout)) Tape.PassGradient(X, dy);
            else
            {
                (Tensor dx, bool add) = Tape.GradFor(X);
                Kernel.For(dy).SumTo(dy, dx, add);
            }
        }

        public override void BackwardRecorded(Tensor dy, RecordedGradients gradients) => gradients.AddBroadcast(X, dy);
    }

    /// <summary>The tensors one after the other along a dimension; all other sizes agree.</summary>
    public static Tensor Concat(int dim, params ReadOnlySpan<Tensor> parts)
    {
        Check.That(parts.Length > 0, "concat", "parts", "at least one tensor", "none");
        Span<int> shape = stackalloc int[Layout.MaxRank];
        parts[0].Shape.CopyTo(shape);
        dim = Check.Dim("concat", parts[0], dim);
        for (int p = 1; p < parts.Length; p++)
        {
            Check.SameType("concat", "parts", parts[p], parts[0]);
            Check.Rank("concat", "parts", parts[p], parts[0].Rank, parts[0].Rank);
            for (int i = 0; i < parts[0].Rank; i++)
                if (i != dim) Check.Size("concat", "parts", parts[p], i, shape[i]);
            shape[dim] = Check.Fits("concat", "parts", (long)shape[dim] + parts[p].Size(dim));
        }
        Tensor y = Tensor.Empty(parts[0].DType, shape[..parts[0].Rank]);
        int start = 0;
        foreach (Tensor part in parts)
        {
            Place(part, y, dim, start);
            start += part.Size(dim);
        }
        return y;
    }

    /// <summary>The tensors of one shape along a new dimension.</summary>
    public static Tensor Stack(int dim, params ReadOnlySpan<Tensor> parts)
    {
        Check.That(parts.Length > 0, "stack", "parts", "at least one tensor", "none");
        Tensor first = Unsqueeze(parts[0], dim);
        dim = dim < 0 ? dim + first.Rank : dim;
        Span<int> shape = stackalloc int[Layout.MaxRank];
        first.Shape.CopyTo(shape);
        shape[dim] = parts.Length;
        Tensor y = Tensor.Empty(first.DType, shape[..first.Rank]);
        for (int p = 0; p < parts.Length; p++)
        {
            Check.SameType("stack", "parts", parts[p], parts[0]);
            Check.SameShape("stack", "parts", parts[p], parts[0].Layout);
            Place(p == 0 ? first : Unsqueeze(parts[p], dim), y, dim, p);
        }
        return y;
    }

    /// <summary>x with a constant around it.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="value">The constant.</param>
    /// <param name="before">Elements added before, for each dimension.</param>
    /// <param name="after">Elements added after, for each dimension.</param>
    public static Tensor Pad(Tensor x, double value, ReadOnlySpan<int> before, ReadOnlySpan<int> after)
    {
        Check.That(before.Length == x.Rank && after.Length == x.Rank, "pad", "before and after", $"{x.Rank} sizes each", $"{before.Length} and {after.Length}");
        Span<int> shape = stackalloc int[Layout.MaxRank];
        Span<int> start = stackalloc int[Layout.MaxRank];
        for (int i = 0; i < x.Rank; i++)
        {
            Check.That(before[i] >= 0 && after[i] >= 0, "pad", "before and after", "0 or more", $"{before[i]}, {after[i]}", "crop with Slice");
            shape[i] = Check.Fits("pad", "before and after", (long)before[i] + x.Size(i) + after[i]);
            start[i] = before[i];
        }
        Tensor y = Tensor.Empty(x.DType, shape[..x.Rank]);
        Kernel.For(y).Fill(y, value);
        Place(x, y, start[..x.Rank]);
        return y;
    }

    /// <summary>x with elements of its own around it.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="before">Elements added before, for each dimension.</param>
    /// <param name="after">Elements added after, for each dimension.</param>
    /// <param name="mode">Which elements.</param>
    public static Tensor Pad(Tensor x, ReadOnlySpan<int> before, ReadOnlySpan<int> after, PadMode mode)
    {
        Check.That(before.Length == x.Rank && after.Length == x.Rank, "pad", "before and after", $"{x.Rank} sizes each", $"{before.Length} and {after.Length}");
        for (int dim = 0; dim < before.Length; dim++)
            if (before[dim] != 0 || after[dim] != 0) x = IndexSelect(x, dim, PaddedPlaces(mode, x.Size(dim), before[dim], after[dim]));
        return x;
    }

    // For each place of the padded dimension the place it shows.
    private static Tensor PaddedPlaces(PadMode mode, int size, int before, int after)
    {
        int most = size == 0 ? 0 : mode switch { PadMode.Reflect => size - 1, PadMode.Circular => size, _ => int.MaxValue };
        Check.That(
            before >= 0 && after >= 0 && before <= most && after <= most, "pad", "before and after", $"0 to {most} along a dimension of {size}", $"{before}, {after}");
        Tensor index = Tensor.Empty(DType.I32, Check.Fits("pad", "before and after", (long)before + size + after));
        Span<int> places = index.AsSpan<int>();
        for (int i = 0; i < places.Length; i++)
        {
            int place = i - before;
            places[i] = mode switch
            {
                PadMode.Reflect => size - 1 - Math.Abs(size - 1 - Math.Abs(place)),
                PadMode.Circular => (place + size) % size,
                _ => Math.Clamp(place, 0, size - 1),
            };
        }
        return index;
    }

    private static void Place(Tensor part, Tensor whole, int dim, int start)
    {
        Span<int> starts = stackalloc int[Layout.MaxRank];
        starts.Clear();
        starts[dim] = start;
        Place(part, whole, starts[..whole.Rank]);
    }

    // Copies a part into its region of the whole and records that its gradient is the same region of the whole's.
    private static void Place(Tensor part, Tensor whole, ReadOnlySpan<int> starts)
    {
        Layout region = Region(whole.Layout, starts, part.Shape);
        Kernel.For(whole).Copy(part, part.Layout, whole, region);
        if (!Tape.Records(part)) return;
        var op = PlaceOp.Rent();
        op.Part = part;
        op.Starts.Clear();
        op.Starts.AddRange(starts);
        Tape.Record(op, whole);
    }

    private static Layout Region(Layout layout, ReadOnlySpan<int> starts, ReadOnlySpan<int> shape)
    {
        for (int i = 0; i < starts.Length; i++) layout = layout.Slice(i, starts[i], shape[i]);
        return layout;
    }

    private sealed class PlaceOp : Op<PlaceOp>
    {
        public readonly List<int> Starts = [];
        public Tensor Part = null!;

        public override string Name => "place";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(Part);
            Layout region = Region(dy.Layout, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Starts), Part.Shape);
            Kernel.For(dy).Copy(dy, region, dx, dx.Layout, add);
        }
    }

    /// <summary>a where the condition holds, b elsewhere; all broadcast.</summary>
    /// <param name="condition">Bool.</param>
    /// <param name="a">Chosen where true.</param>
    /// <param name="b">Chosen where false.</param>
    public static Tensor Where(Tensor condition, Tensor a, Tensor b)
    {
        Tensor chosen = Cast(condition, a.DType);
        // Selection, not a product with 0: what is not chosen may be infinite or NaN.
        Tensor first = Binary<KeepForward, KeepGradient, NoGradient>("where", a, chosen);
        Tensor second = Binary<DropForward, DropGradient, NoGradient>("where", b, chosen);
        return first + second;
    }

    /// <summary>x with the value where the mask holds.</summary>
    public static Tensor MaskedFill(Tensor x, Tensor mask, float value)
    {
        Tensor constant = x.DType == DType.F64 ? Tensor.From([(double)value], []) : Tensor.Scalar(value);
        return Where(mask, constant, x);
    }

    private readonly struct KeepForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V chosen) where V : struct, IVec<V> => V.Select(V.Equal(chosen, V.Broadcast(0)), V.Broadcast(0), x);
    }

    private readonly struct DropForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V chosen) where V : struct, IVec<V> => V.Select(V.Equal(chosen, V.Broadcast(0)), x, V.Broadcast(0));
    }

    private readonly struct KeepGradient : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V chosen, V dy) where V : struct, IVec<V> => default(KeepForward).Apply(dy, chosen);
    }

    private readonly struct DropGradient : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V chosen, V dy) where V : struct, IVec<V> => default(DropForward).Apply(dy, chosen);
    }

    private readonly struct NoGradient : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V chosen, V dy) where V : struct, IVec<V> => V.Broadcast(0);
    }

    /// <summary>Whether a is less than b, broadcast, as 0 and 1 of a's type; no gradient.</summary>
    public static Tensor Less(Tensor a, Tensor b) => Binary<LessForward, NoGradient, NoGradient>("less", a.Detach(), b.Detach());

    /// <summary>Whether a equals b, broadcast, as 0 and 1 of a's type; no gradient.</summary>
    public static Tensor Equal(Tensor a, Tensor b) => Binary<EqualForward, NoGradient, NoGradient>("equal", a.Detach(), b.Detach());

    private readonly struct LessForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => V.Select(a < b, V.Broadcast(1), V.Broadcast(0));
    }

    private readonly struct EqualForward : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => V.Select(V.Equal(a, b), V.Broadcast(1), V.Broadcast(0));
    }

    /// <summary>x in another element type. Between floating types the gradient passes through.</summary>
    public static Tensor Cast(Tensor x, DType type)
    {
        if (x.DType == type) return x;
        Tensor y = Tensor.Empty(type, x.Shape);
        Kernel.For(x).Cast(x, y);
        if (Tape.Records(x) && type is DType.F32 or DType.F64)
        {
            var op = CastOp.Rent();
            op.X = x;
            Tape.Record(op, y);
        }
        return y;
    }

    private sealed class CastOp : Op<CastOp>
    {
        public Tensor X = null!;

        public override string Name => "cast";

        public override void Backward(Tensor dy)
        {
            (Tensor dx, bool add) = Tape.GradFor(X);
            Tensor converted = Tensor.Empty(dx.DType, dy.Shape);
            Kernel.For(dy).Cast(dy, converted);
            Kernel.For(dx).Copy(converted, dx, add);
        }
    }
}
