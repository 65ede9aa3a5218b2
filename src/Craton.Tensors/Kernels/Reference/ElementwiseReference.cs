using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels;

internal unsafe partial class ReferenceKernels
{
    /// <summary>y = op(x), element by element; x and y have one shape and any strides.</summary>
    public virtual void Map<TOp>(TOp op, Tensor x, Tensor y, bool add = false) where TOp : struct, IMap
    {
        if (y.DType == DType.F64) MapAs<TOp, Scalar64>(op, x, y, add);
        else MapAs<TOp, Scalar32>(op, x, y, add);
    }

    /// <summary>y = op(a, b); a and b are already broadcast to y's shape.</summary>
    public virtual void Zip<TOp>(TOp op, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y, bool add = false) where TOp : struct, IZip
    {
        if (y.DType == DType.F64) ZipAs<TOp, Scalar64>(op, a, la, b, lb, y, add);
        else ZipAs<TOp, Scalar32>(op, a, la, b, lb, y, add);
    }

    /// <summary>y = op(a, b, c); a, b and c are already broadcast to y's shape.</summary>
    public virtual void Zip3<TOp>(TOp op, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor c, in Layout lc, Tensor y, bool add = false)
        where TOp : struct, IZip3
    {
        if (y.DType == DType.F64) Zip3As<TOp, Scalar64>(op, a, la, b, lb, c, lc, y, add);
        else Zip3As<TOp, Scalar32>(op, a, la, b, lb, c, lc, y, add);
    }

    /// <summary>dy = gradient(x, dy) in place, and y = op(x); the three are contiguous and of one shape.</summary>
    public virtual void Differentiate<TOp, TGradient>(Tensor x, Tensor dy, Tensor y) where TOp : struct, IMap where TGradient : struct, IZip
    {
        Zip(default(TGradient), x, x.Layout, dy, dy.Layout, dy);
        Map(default(TOp), x, y);
    }

    /// <summary>Every element of y becomes the value.</summary>
    public virtual void Fill(Tensor y, double value) => Map(new ConstantMap(value), y, y);

    private static void MapAs<TOp, V>(TOp op, Tensor x, Tensor y, bool add) where TOp : struct, IMap where V : struct, IVec<V>
    {
        RowPlan plan = RowPlan.Of(y.Layout, x.Layout);
        for (long row = 0; row < plan.Rows; row++)
            for (long i = 0; i < plan.Length; i++)
                Store(At<V>(y, plan, 0, row, i), op.Apply(V.Load(At<V>(x, plan, 1, row, i))), add);
    }

    private static void ZipAs<TOp, V>(TOp op, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor y, bool add)
        where TOp : struct, IZip where V : struct, IVec<V>
    {
        RowPlan plan = RowPlan.Of(y.Layout, la, lb);
        for (long row = 0; row < plan.Rows; row++)
            for (long i = 0; i < plan.Length; i++)
                Store(At<V>(y, plan, 0, row, i), op.Apply(V.Load(At<V>(a, plan, 1, row, i)), V.Load(At<V>(b, plan, 2, row, i))), add);
    }

    private static void Zip3As<TOp, V>(TOp op, Tensor a, in Layout la, Tensor b, in Layout lb, Tensor c, in Layout lc, Tensor y, bool add)
        where TOp : struct, IZip3 where V : struct, IVec<V>
    {
        RowPlan plan = RowPlan.Of(y.Layout, la, lb, lc);
        for (long row = 0; row < plan.Rows; row++)
            for (long i = 0; i < plan.Length; i++)
                Store(At<V>(y, plan, 0, row, i),
                    op.Apply(V.Load(At<V>(a, plan, 1, row, i)), V.Load(At<V>(b, plan, 2, row, i)), V.Load(At<V>(c, plan, 3, row, i))), add);
    }

    private static void* At<V>(Tensor tensor, in RowPlan plan, int operand, long row, long i) where V : struct, IVec<V> =>
        tensor.Storage.Pointer + (plan.Start(operand, row) + i * plan.Step(operand)) * V.ElementSize;

    private static void Store<V>(void* at, V value, bool add) where V : struct, IVec<V> => V.Store(at, 0, add ? (V.Load(at) + value) : value);

    private readonly struct ConstantMap(double value) : IMap
    {
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Broadcast(value);
    }
}
