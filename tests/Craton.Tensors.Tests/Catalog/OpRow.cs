namespace Craton.Tensors.Tests.Catalog;

/// <summary>One way of calling a public operation: all tests of the catalogue, and the benchmark, follow from it.</summary>
/// <param name="Op">Name of the method in <see cref="Ops"/>.</param>
/// <param name="Case">What is special about the call; may be empty.</param>
/// <param name="Inputs">The tensors it is called with.</param>
/// <param name="Call">The call. An operation of several results has a row for each.</param>
internal sealed record OpRow(string Op, string Case, OpInput[] Inputs, Func<Tensor[], Tensor> Call)
{
    /// <summary>The name of the row, unique.</summary>
    public string Name => Case.Length == 0 ? Op : $"{Op}/{Case}";

    /// <summary>The same from simple operations, for a fused operation.</summary>
    public Func<Tensor[], Tensor>? Composed { get; init; }

    /// <summary>How far fast results may be from the reference, relative to the largest one; 0 demands equality.</summary>
    public double Tolerance { get; init; }

    /// <summary>The same for gradients of inputs.</summary>
    public double GradientTolerance { get; init; }

    /// <summary>Whether the result has a gradient at all.</summary>
    public bool HasGradient { get; init; } = true;

    /// <summary>Why the gradient is not that of the function, where it is not.</summary>
    public string? NoDifferences { get; init; }

    /// <summary>Why extreme elements reach other places than in the reference, where they do.</summary>
    public string? NoExtremes { get; init; }

    /// <summary>Why a call allocates managed memory, where it must.</summary>
    public string? Allocates { get; init; }

    /// <summary>Floating-point operations of the forward pass; null for one per element of the result.</summary>
    public Func<OpSize, double>? Flops { get; init; }

    /// <summary>Makes all inputs.</summary>
    public Tensor[] Make(OpSize size, Arrangement arrangement = Arrangement.Contiguous, DType type = DType.F32) =>
        [.. Inputs.Select((input, i) => input.Make(size, arrangement, type, (uint)i))];

    public override string ToString() => Name;
}
