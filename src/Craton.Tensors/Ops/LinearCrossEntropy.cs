namespace Craton.Tensors;

public static partial class Ops
{
    // Scores at a time: at most 64 MB of floats, and at most 512 rows, with which the product is as fast as it gets. No result depends on it
    // but the bias's gradient, so it is a matter of the shape alone.
    private const int ScoresPerChunk = 1 << 24, LeastChunkRows = 64, MostChunkRows = 512;

    /// <summary>
    /// Cross-entropy, as <see cref="CrossEntropy"/>, of the scores x · weightᵀ + bias, which are made and used up in chunks of rows and never
    /// stored as a whole: x [N, D], weight [V, D], bias [V], target classes [N].
    /// </summary>
    /// <remarks>
    /// When recorded, the gradients of a chunk are computed at once, while its scores are at hand (Hsu et al., "Liger Kernel", 2024): that
    /// takes three products in all where making the scores again would take four, and stores [N, D] and [V, D]. Backward then
    /// only multiplies by the gradient that arrives, a scalar. Ignored rows cost nothing but their copying.
    /// </remarks>
    /// <exception cref="CratonException">Shapes or types do not fit, a target is no class, or gradients are wanted of
    /// <see cref="Reduction.None"/>.</exception>
    public static Tensor LinearCrossEntropy(Tensor x, Tensor weight, Tensor? bias, Tensor target, CrossEntropyOptions options = default)
    {
        const string Name = "linear_cross_entropy";
        Check.Float(Name, "x", x);
        Check.Rank(Name, "x", x, 2, 2);
        Check.Rank(Name, "weight", weight, 2, 2);
        Check.SameType(Name, "weight", weight, x);
        Check.Size(Name, "weight", weight, 1, x.Size(1));
        if (bias is not null) Check.Shape(Name, "bias", bias, weight.Size(0));
        Check.Shape(Name, "target", target, x.Size(0));
        bool records = Tape.Records(x, weight, bias);
        Check.That(!records || !weight.IsForComputing, Name, "weight", "floats, since gradients are wanted", weight.Form, "load the model with its weights as floats");
        Check.That(!records || options.Reduction != Reduction.None, Name, "reduction", "Mean or Sum when gradients are wanted", "None", "use CrossEntropy of Linear, or no tape");
        Tensor inputs = Contiguous(x), targets = Targets(Name, target, weight.Size(0), options.IgnoreIndex, out int counted);
        CrossEntropyCall call = CallFor(Name, options, x.DType, weight.Size(0), targets, counted);
        if (counted < targets.Count && options.Reduction != Reduction.None) (inputs, targets) = Counted(inputs, targets, options.IgnoreIndex, counted);
        var op = records ? LinearCrossEntropyOp.Rent() : null;
        op?.Begin(inputs, weight, bias);
        Tensor losses = Tensor.Empty(x.DType, targets.Shape);
        ComputeChunks(inputs.Detach(), weight.Detach(), bias?.Detach(), targets, losses, call, op);
        Tensor y = ReduceRows(losses, options, call);
        if (op is not null) Tape.Record(op, y);
        return y;
    }

    /// <summary>The same from simple operations: the meaning of <see cref="LinearCrossEntropy"/> and its test oracle.</summary>
    internal static Tensor LinearCrossEntropyComposed(Tensor x, Tensor weight, Tensor? bias, Tensor target, CrossEntropyOptions options) =>
        CrossEntropyComposed(Linear(x, weight, bias), target, options);

    // The rows that count, in their order: to leave out the others changes no sum.
    private static (Tensor Inputs, Tensor Targets) Counted(Tensor inputs, Tensor targets, int ignore, int counted)
    {
        Tensor places = Tensor.Empty(DType.I32, counted), kept = Tensor.Empty(DType.I32, counted);
        ReadOnlySpan<int> all = targets.AsSpan<int>();
        for (int i = 0, n = 0; i < all.Length; i++)
            if (all[i] != ignore) (places.AsSpan<int>()[n], kept.AsSpan<int>()[n++]) = (i, all[i]);
        return (Embedding(inputs, places), kept);
    }

    private static void ComputeChunks(
        Tensor x, Tensor weight, Tensor? bias, Tensor targets, Tensor losses, in CrossEntropyCall call, LinearCrossEntropyOp? op)
    {
        var kernels = Kernel.For(x);
        int rows = x.Size(0), classes = weight.Size(0);
        int most = Math.Clamp(ScoresPerChunk / Math.Max(1, classes), LeastChunkRows, MostChunkRows), chunks = Math.Max(1, (rows + most - 1) / most);
        int chunk = (rows + chunks - 1) / chunks; // all of about one size: a small last one would cost more than its share
        using TensorScope scope = TensorScope.Open("linear_cross_entropy");
        Tensor scores = Tensor.Empty(x.DType, chunk, classes);
        for (int first = 0; first < rows; first += chunk)
        {
            int end = Math.Min(rows, first + chunk);
            Tensor part = x.Slice(0, first, end), logits = scores.Slice(0, 0, end - first);
            LinearInto(part, weight, bias, residual: null, logits);
            kernels.CrossEntropyRows(logits, targets.Slice(0, first, end), losses.Slice(0, first, end), call, op is null ? null : logits);
            if (op?.Dx is { } dx) kernels.MatMul(logits, logits.Layout, weight, weight.Layout, dx, dx.Layout.Slice(0, first, end - first));
            if (op?.Dw is { } dw) kernels.MatMul(logits, Turned(logits.Layout), part, part.Layout, dw, dw.Layout, add: first > 0);
            if (op?.Db is { } db) kernels.SumTo(logits, db, add: first > 0);
        }
    }

    private sealed class LinearCrossEntropyOp : Op<LinearCrossEntropyOp>
    {
        public Tensor X = null!, Weight = null!;
        public Tensor? Bias;

        /// <summary>Gradients of a loss whose own gradient is 1, of what requires them.</summary>
        public Tensor? Dx, Dw, Db;

        public override string Name => "linear_cross_entropy";

        public void Begin(Tensor x, Tensor weight, Tensor? bias)
        {
            (X, Weight, Bias) = (x, weight, bias);
            bool isEmpty = x.Size(0) == 0; // then no chunk writes
            Dx = x.RequiresGrad ? Tensor.Empty(x.DType, x.Shape) : null;
            Dw = !weight.RequiresGrad ? null : isEmpty ? Tensor.Zeros(x.DType, weight.Shape) : Tensor.Empty(x.DType, weight.Shape);
            Db = bias is not { RequiresGrad: true } ? null : isEmpty ? Tensor.Zeros(x.DType, bias.Shape) : Tensor.Empty(x.DType, bias.Shape);
            if (Dx is not null) Own(Dx, Dw);
            else if (Dw is not null) Own(Dw);
        }

        public override void Backward(Tensor dy)
        {
            if (Dx is not null) Give(X, Dx, dy);
            if (Dw is not null) Give(Weight, Dw, dy);
            if (Db is not null) Give(Bias!, Db, dy);
        }
    }
}
