using System.Diagnostics;

namespace Craton.Tensors.Tests.Core;

/// <summary>Every change of layout is checked against index arithmetic: an element keeps its place in memory.</summary>
public sealed class LayoutTests
{
    private const int Trials = 400;

    [Fact]
    public void A_new_layout_is_row_major()
    {
        var layout = new Layout([2, 3, 4]);
        Assert.Equal([12L, 4, 1], layout.Strides.ToArray());
        Assert.True(layout.IsContiguous);
        Assert.Equal(24, layout.Count);
        Assert.Equal("[2, 3, 4]", layout.ToString());
        Assert.Equal(1, new Layout([]).Count);
        Assert.Equal(0, new Layout([2, 0, 4]).Count);
    }

    [Fact]
    public void Permute_moves_indices_with_their_dimensions()
    {
        for (int seed = 0; seed < Trials; seed++)
        {
            var random = new Random(seed);
            Layout layout = AnyView(random);
            int[] order = [.. Enumerable.Range(0, layout.Rank)];
            random.Shuffle(order);
            Layout permuted = layout.Permute(order);
            foreach (int[] index in Indices(permuted.Shape.ToArray()))
            {
                var source = new int[index.Length];
                for (int i = 0; i < index.Length; i++) source[order[i]] = index[i];
                Assert.Equal(Place(layout, source), Place(permuted, index));
            }
        }
    }

    [Fact]
    public void Slice_keeps_every_step_th_index_from_the_start()
    {
        for (int seed = 0; seed < Trials; seed++)
        {
            var random = new Random(seed);
            Layout layout = AnyView(random);
            if (layout.Rank == 0) continue;
            int dim = random.Next(layout.Rank), start = random.Next(layout[dim]), step = random.Next(1, 4);
            int count = random.Next((layout[dim] - start + step - 1) / step + 1);
            Layout slice = layout.Slice(dim, start, count, step);
            Assert.Equal(count, slice[dim]);
            foreach (int[] index in Indices(slice.Shape.ToArray()))
            {
                int[] source = [.. index];
                source[dim] = start + step * index[dim];
                Assert.Equal(Place(layout, source), Place(slice, index));
            }
        }
    }

    [Fact]
    public void Expand_repeats_missing_and_one_sized_dimensions()
    {
        for (int seed = 0; seed < Trials; seed++)
        {
            var random = new Random(seed);
            Layout layout = AnyView(random);
            int lead = random.Next(Layout.MaxRank - layout.Rank + 1);
            int[] shape = [.. Enumerable.Range(0, lead).Select(_ => random.Next(1, 4)), .. layout.Shape.ToArray().Select(size => size == 1 ? random.Next(1, 4) : size)];
            Layout expanded = layout.Expand(shape);
            foreach (int[] index in Indices(shape))
            {
                int[] source = [.. index[lead..].Select((at, i) => layout[i] == 1 ? 0 : at)];
                Assert.Equal(Place(layout, source), Place(expanded, index));
            }
        }
    }

    [Fact]
    public void Reshape_keeps_the_row_major_order_or_declines()
    {
        int done = 0, declined = 0;
        for (int seed = 0; seed < 4 * Trials; seed++)
        {
            var random = new Random(seed);
            Layout layout = AnyView(random);
            int[] shape = AnyShapeOf((int)layout.Count, random);
            if (layout.Reshape(shape) is { } reshaped)
            {
                done++;
                long[] before = [.. Indices(layout.Shape.ToArray()).Select(index => Place(layout, index))];
                Assert.Equal(before, Indices(shape).Select(index => Place(reshaped, index)).ToArray());
            }
            else
            {
                declined++;
                Assert.False(layout.IsContiguous);
            }
        }
        Assert.True(done > 100 && declined > 100, $"{done} reshapes done, {declined} declined: the trials do not cover both");
    }

    [Fact]
    public void Reshape_splits_and_joins_what_lies_evenly_in_memory()
    {
        Layout turned = new Layout([4, 6, 5]).Permute([1, 0, 2]);
        Assert.NotNull(turned.Reshape([2, 3, 4, 5]));
        Assert.Null(turned.Reshape([24, 5]));
        Layout heads = new Layout([2, 7, 3, 4]).Permute([0, 2, 1, 3]);
        Assert.Null(heads.Reshape([2, 3, 28]));
        Assert.NotNull(heads.Permute([0, 2, 1, 3]).Reshape([14, 12]));
        Assert.NotNull(new Layout([6]).Slice(0, 0, 3, 2).Reshape([3, 1]));
    }

    [Fact]
    public void Dense_has_no_gaps_and_keeps_the_order_of_the_dimensions()
    {
        for (int seed = 0; seed < Trials; seed++)
        {
            Layout layout = AnyView(new Random(seed)), dense = layout.Dense();
            Assert.True(dense.SameShape(layout));
            Assert.Equal(0, dense.Offset);
            long[] places = [.. Indices(layout.Shape.ToArray()).Select(index => Place(dense, index)).Order()];
            Assert.Equal(Enumerable.Range(0, (int)layout.Count).Select(i => (long)i), places);
            for (int i = 0; i < layout.Rank; i++)
                for (int j = 0; j < layout.Rank; j++)
                    if (layout.Stride(i) > layout.Stride(j) && layout[i] > 1 && layout[j] > 1) Assert.True(dense.Stride(i) > dense.Stride(j));
        }
    }

    /// <summary>Sizes from a damaged file or a typing error: refused at once, before any memory is asked for.</summary>
    [Fact]
    public void Impossible_shapes_are_refused_quickly_and_without_memory()
    {
        int[][] shapes =
        [
            [int.MaxValue, int.MaxValue, int.MaxValue], [int.MaxValue, int.MaxValue, 4], [1 << 30, 1 << 30, 1 << 30, 1 << 30, 1 << 30, 1 << 30],
            [-1], [2, -3], [1, 1, 1, 1, 1, 1, 1],
        ];
        _ = Tensor.Scalar(1); // where this test is the first, the pool takes its first memory here
        foreach (int[] shape in shapes) AssertRefused(() => Tensor.Empty(DType.F32, shape));
        AssertRefused(() => Tensor.Empty(DType.F32, 1_000_000_000, 10_000_000));
        AssertRefused(() => Tensor.Empty(DType.F64, int.MaxValue, int.MaxValue));
        AssertRefused(() => Ops.Expand(Tensor.Scalar(1), int.MaxValue, int.MaxValue));
        AssertRefused(() => Ops.Reshape(Tensor.Scalar(1), int.MaxValue, int.MaxValue, 4));
        AssertRefused(() => Ops.Pad(Tensor.Empty(DType.F32, 2), 0, [int.MaxValue], [int.MaxValue]));
        AssertRefused(() => Ops.Tile(Tensor.Empty(DType.F32, 2, 2), int.MaxValue, 1));
        AssertRefused(() => Ops.RepeatInterleave(Tensor.Empty(DType.F32, 3), int.MaxValue, 0));
        AssertRefused(() => Ops.Split(Tensor.Empty(DType.F32, 3), 0, int.MaxValue, int.MaxValue, 5)[0]);
        AssertRefused(() => Ops.Split(Tensor.Empty(DType.F32, 3), 0, 5, -2)[0]);
    }

    private static void AssertRefused(Func<Tensor> create)
    {
        CratonException? refusal = null;
        double milliseconds = double.MaxValue;
        for (int attempt = 0; attempt < 10 && milliseconds >= 100; attempt++) // a busy machine can stop a thread for as long; work would take as long each time
        {
            long bytes = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
            refusal = Assert.ThrowsAny<CratonException>(create);
            milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            Assert.StartsWith("[", refusal.Message, StringComparison.Ordinal);
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - bytes < 1 << 20, refusal.Message);
        }
        Assert.True(milliseconds < 100, $"{milliseconds} ms: {refusal?.Message}");
    }

    private static Layout AnyView(Random random)
    {
        var layout = new Layout([.. Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(1, 6))]);
        for (int changes = random.Next(4); changes > 0 && layout.Rank > 0; changes--)
        {
            int dim = random.Next(layout.Rank);
            if (random.Next(2) == 0)
            {
                int[] order = [.. Enumerable.Range(0, layout.Rank)];
                random.Shuffle(order);
                layout = layout.Permute(order);
            }
            else if (layout[dim] > 1) layout = layout.Slice(dim, random.Next(2), (layout[dim] + 1) / 2, layout[dim] > 3 ? random.Next(1, 3) : 1);
        }
        return layout;
    }

    private static int[] AnyShapeOf(int count, Random random)
    {
        var sizes = new List<int>();
        while (count > 1 && sizes.Count < 4)
        {
            int[] divisors = [.. Enumerable.Range(1, count).Where(n => count % n == 0)];
            sizes.Add(divisors[random.Next(divisors.Length)]);
            count /= sizes[^1];
        }
        sizes.Add(count);
        return [.. sizes];
    }

    private static long Place(in Layout layout, int[] index)
    {
        long at = layout.Offset;
        for (int i = 0; i < index.Length; i++) at += index[i] * layout.Stride(i);
        return at;
    }

    private static IEnumerable<int[]> Indices(int[] shape)
    {
        int count = shape.Aggregate(1, (product, size) => product * size);
        for (int n = 0; n < count; n++)
        {
            var index = new int[shape.Length];
            for (int i = shape.Length - 1, rest = n; i >= 0; rest /= shape[i--]) index[i] = rest % shape[i];
            yield return index;
        }
    }
}
