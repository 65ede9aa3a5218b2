namespace Craton.Tensors.Tests.Catalog;

/// <summary>How large the inputs of an operation are.</summary>
internal enum OpSize
{
    /// <summary>No places: most inputs have no element.</summary>
    None,
    /// <summary>Every dimension 1, or the least that the operation allows.</summary>
    One,
    /// <summary>A few, mostly odd numbers: less than a register, and gradients by differences stay cheap.</summary>
    Odd,
    /// <summary>Enough for several tasks, with sizes that no register divides.</summary>
    Large,
    /// <summary>Sizes of a small language model.</summary>
    Benchmark,
}

/// <summary>How the inputs lie in memory.</summary>
internal enum Arrangement
{
    /// <summary>Row-major.</summary>
    Contiguous,
    /// <summary>Dimensions in reverse order, every second element of what was the first: a permuted slice.</summary>
    Strided,
    /// <summary>Repeated along the first dimension with stride 0.</summary>
    Expanded,
}

/// <summary>Sizes of the dimensions that the letters of a shape stand for.</summary>
internal static class Dims
{
    public static int Of(char letter, OpSize size) => char.IsAsciiDigit(letter) ? letter - '0' : letter switch
    {
        'b' => Pick(size, 1, 2, 2, 8),        // batch
        't' when size == OpSize.None => 0,
        't' => Pick(size, 1, 5, 67, 512),     // places
        's' => Pick(size, 1, 9, 131, 512),    // keys
        'd' => Pick(size, 1, 7, 517, 768),    // features
        'k' => Pick(size, 1, 9, 133, 768),    // features of a result
        'v' => Pick(size, 2, 11, 1031, 8192), // classes, rows of a table
        'g' => Pick(size, 1, 2, 2, 6),        // key heads
        'h' => Pick(size, 2, 4, 4, 12),       // query heads
        'p' => Pick(size, 2, 6, 70, 64),      // features of a head, even
        'c' => Pick(size, 1, 3, 37, 64),      // channels of an image
        'f' => Pick(size, 1, 5, 29, 64),      // filters
        'y' when size == OpSize.None => 0,
        'y' => Pick(size, 1, 5, 23, 32),      // rows of an image
        'x' => Pick(size, 1, 6, 19, 32),      // columns of an image
        _ => throw new ArgumentException($"no size for '{letter}'", nameof(letter)),
    };

    public static int[] Shape(string letters, OpSize size) => [.. letters.Select(letter => Of(letter, size))];

    private static int Pick(OpSize size, int one, int odd, int large, int benchmark) =>
        size switch { OpSize.None or OpSize.One => one, OpSize.Odd => odd, OpSize.Large => large, _ => benchmark };
}

/// <summary>One input of an operation.</summary>
/// <param name="Shape">A letter for every dimension (<see cref="Dims"/>), or a digit for itself.</param>
/// <param name="Value">The element at a row-major index.</param>
internal sealed record OpInput(string Shape, Func<CounterRandom, long, OpSize, double> Value)
{
    /// <summary>Element type; null for the type that the run computes in.</summary>
    public DType? Type { get; init; }

    /// <summary>Whether the operation has a gradient with respect to it.</summary>
    public bool Differentiable { get; init; } = true;

    /// <summary>Makes the tensor. Floating values are those of single precision for every type.</summary>
    public Tensor Make(OpSize size, Arrangement arrangement, DType type, uint place)
    {
        Tensor tensor = Lay(Dims.Shape(Shape, size), arrangement, Type ?? type);
        var random = new CounterRandom(seed: 2024, place: place);
        for (long i = 0; i < tensor.Count; i++) Kernels.Casts.Write(tensor, i, (float)Value(random, i, size));
        return Differentiable && Type is null ? tensor.RequireGrad() : tensor;
    }

    private static Tensor Lay(int[] shape, Arrangement arrangement, DType type)
    {
        switch (arrangement)
        {
            case Arrangement.Strided when shape.Length == 0:
                return Tensor.Persistent(type, 3).CreateView(new Layout([], [], offset: 1));
            case Arrangement.Strided:
                int[] reversed = [.. shape.Reverse()], order = [.. Enumerable.Range(0, shape.Length).Reverse()];
                reversed[^1] = 2 * shape[0] + 1;
                Tensor whole = Tensor.Persistent(type, reversed);
                return whole.CreateView(whole.Layout.Permute(order).Slice(0, start: 1, shape[0], step: 2));
            case Arrangement.Expanded when shape.Length > 0:
                Tensor single = Tensor.Persistent(type, [1, .. shape[1..]]);
                return single.CreateView(single.Layout.Expand(shape));
            default:
                return Tensor.Persistent(type, shape);
        }
    }
}
