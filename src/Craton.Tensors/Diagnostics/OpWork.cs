using System.Collections.Concurrent;
using System.Reflection;

namespace Craton.Tensors.Diagnostics;

/// <summary>
/// What an operation has to do at least. An operation's fields are what its backward step needs, so they tell its shapes: they are read by
/// reflection, and no operation knows that it can be profiled.
/// </summary>
internal readonly record struct OpWork(double Flops, double Bytes)
{
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> s_fields = new();

    /// <summary>The operation's name with its shape, as far as it matters for speed.</summary>
    public static string Label(Op op, Tensor output) => op.Name switch
    {
        "linear" => $"linear {Get(op, "Weight").Size(1)}→{Get(op, "Weight").Size(0)}{Suffix(op)}",
        "linear_cross_entropy" => $"linear_cross_entropy {Get(op, "Weight").Size(1)}→{Get(op, "Weight").Size(0)}",
        "matmul" => $"matmul {Get(op, "A").Size(-2)}×{Get(op, "A").Size(-1)}→{output.Size(-1)}",
        "conv1d" or "conv2d" or "conv_transpose1d" or "conv_transpose2d" =>
            $"{op.Name} {Get(op, "X").Size(1)}→{output.Size(1)} {Get(op, "Weight").Size(2)}×{Get(op, "Weight").Size(3)} to {output.Size(2)}×{output.Size(3)}",
        _ => op.Name,
    };

    public static OpWork Forward(Op op, Tensor output) => op.Name switch
    {
        "linear" => new(Product(output, Get(op, "Weight").Size(1)), Touched(op, output)),
        "linear_cross_entropy" => new(LossProducts(op) * Product(Get(op, "X"), Get(op, "Weight").Size(0)), Touched(op, output)),
        "matmul" => new(Product(output, Get(op, "A").Size(-1)), Touched(op, output)),
        "conv1d" or "conv2d" or "conv_transpose1d" or "conv_transpose2d" => new(Convolution(op, output), Touched(op, output)),
        "attention" => new(2 * AttentionProduct(op), Size(output) * 4),
        "embedding" => new(0, 2 * Size(output)),
        _ => new(0, Touched(op, output)),
    };

    public static OpWork Backward(Op op, Tensor output) => op.Name switch
    {
        "linear" => new(Wanted(op, "X", "Weight") * Product(output, Get(op, "Weight").Size(1)), TouchedWithGradients(op, output)),
        "linear_cross_entropy" => new(0, TouchedWithGradients(op, output)),
        "matmul" => new(Wanted(op, "A", "B") * Product(output, Get(op, "A").Size(-1)), TouchedWithGradients(op, output)),
        "conv1d" or "conv2d" or "conv_transpose1d" or "conv_transpose2d" =>
            new(Wanted(op, "X", "Weight") * Convolution(op, output), TouchedWithGradients(op, output)),
        // Scores once more, and the gradients of weights, queries, keys and values.
        "attention" => new(5 * AttentionProduct(op), Size(output) * 8),
        "embedding" => new(0, 3 * Size(output)),
        _ => new(0, TouchedWithGradients(op, output)),
    };

    private static double Product(Tensor y, int k) => 2.0 * y.Count * k;

    // Every value on the side of the filters meets a kernel once: of the result, or of the input of a transposed convolution.
    private static double Convolution(Op op, Tensor output)
    {
        Tensor weight = Get(op, "Weight");
        return Product(op.Name.StartsWith("conv_transpose", StringComparison.Ordinal) ? Get(op, "X") : output, weight.Size(1) * weight.Size(2) * weight.Size(3));
    }

    // Scores, and the gradients of inputs and weights, which are computed while the scores are at hand.
    private static int LossProducts(Op op) => 1 + Wanted(op, "X", "Weight");

    private static int Wanted(Op op, string first, string second) => (Get(op, first).RequiresGrad ? 1 : 0) + (Get(op, second).RequiresGrad ? 1 : 0);

    // Operations of q·kᵀ over the pairs that see each other.
    private static double AttentionProduct(Op op)
    {
        var call = (AttentionCall)op.GetType().GetField("Call")!.GetValue(op)!;
        long pairs = 0;
        for (int batch = 0; batch < call.Batch; batch++)
            for (int query = 0; query < call.Queries; query++)
            {
                (int first, int end) = call.Range(batch, query);
                pairs += end - first;
            }
        return 2.0 * pairs * call.Heads * call.Q.Size(3);
    }

    // Every tensor that the operation names, once.
    private static double Touched(Op op, Tensor output) => Tensors(op).Append(output).Distinct().Sum(Size);

    private static double TouchedWithGradients(Op op, Tensor output) => Touched(op, output) + Tensors(op).Where(t => t.RequiresGrad && t != output).Distinct().Sum(Size);

    private static double Size(Tensor tensor) => (double)tensor.Count * tensor.DType.Size();

    private static string Suffix(Op op) => op.GetType().GetField("Activation")!.GetValue(op) is Activation activation and not Activation.None ? $" of {activation}".ToLowerInvariant() : "";

    private static Tensor Get(Op op, string field) => (Tensor)op.GetType().GetField(field)!.GetValue(op)!;

    private static IEnumerable<Tensor> Tensors(Op op) =>
        s_fields.GetOrAdd(op.GetType(), static (_, op) => [.. op.GetType().GetFields().Where(field => field.FieldType == typeof(Tensor))], op).Select(field => (Tensor?)field.GetValue(op)).OfType<Tensor>();
}
