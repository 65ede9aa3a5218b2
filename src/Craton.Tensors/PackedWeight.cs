using Craton.Tensors.Kernels;
using Craton.Tensors.Kernels.Cpu;

namespace Craton.Tensors;

/// <summary>
/// The weight of a linear layer in the order in which products read it, for inference: the layer then costs what reading its weights once
/// costs, from one row on. A copy: later changes of the weight do not reach it. Results have the bits of <see cref="Ops.Linear"/>.
/// </summary>
public sealed unsafe class PackedWeight
{
    private readonly PackedMatrix _packed;

    /// <summary>Packs a weight.</summary>
    /// <param name="weight">F32 [N, K], of any strides.</param>
    public PackedWeight(Tensor weight)
    {
        Check.Rank("packed_weight", "weight", weight, 2, 2);
        Check.That(weight.DType == DType.F32, "packed_weight", "weight", "F32", $"{weight.DType}");
        var matrix = new StridedMatrix<float>((float*)weight.Pointer, (nint)weight.Layout.Stride(0), (nint)weight.Layout.Stride(1));
        _packed = new PackedMatrix(matrix.Transposed, weight.Size(1), weight.Size(0));
    }

    /// <summary>Size of an input vector, K.</summary>
    public int Inputs => _packed.K;

    /// <summary>Size of an output vector, N.</summary>
    public int Outputs => _packed.N;

    /// <summary>Bytes held.</summary>
    public long Bytes => _packed.Bytes;

    /// <summary>y = x · weightᵀ + bias, over the last dimension: x F32 [.., K], bias [N] → [.., N]. It has no gradient.</summary>
    /// <exception cref="CratonException">The shapes do not fit, or a tape records and <paramref name="x"/> requires a gradient.</exception>
    public Tensor Linear(Tensor x, Tensor? bias = null)
    {
        Check.Rank("packed_linear", "x", x, 1);
        Check.That(x.DType == DType.F32, "packed_linear", "x", "F32", $"{x.DType}");
        Check.That(x.Size(-1) == Inputs, "packed_linear", "x", $"{Inputs} features", $"{x.Layout}");
        Check.That(!Tape.Records(x), "packed_linear", "x", "a tensor without gradient", "one that a tape records", "packed weights are for inference");
        if (bias is not null) Check.Shape("packed_linear", "bias", bias, Outputs);
        Tensor rows = Ops.Contiguous(x);
        Span<int> shape = stackalloc int[Layout.MaxRank];
        x.Shape.CopyTo(shape);
        shape[x.Rank - 1] = Outputs;
        Tensor y = Tensor.Empty(DType.F32, shape[..x.Rank]);
        var source = new StridedMatrix<float>((float*)rows.Pointer, Inputs, 1);
        var result = new StridedMatrix<float>((float*)y.Pointer, Outputs, 1);
        int m = (int)(rows.Count / Math.Max(1, Inputs));
        if (bias is null) Gemm.Multiply(m, source, _packed, result, new NoEpilogue());
        else Gemm.Multiply(m, source, _packed, result, new BiasEpilogue((float*)Ops.Contiguous(bias).Pointer));
        return y;
    }
}
