namespace Craton.Tensors;

/// <summary>How losses of a batch become one number.</summary>
public enum Reduction { /// <summary>One each.</summary>
    None, /// <summary>The mean.</summary>
    Mean, /// <summary>The sum.</summary>
    Sum }

/// <summary>Settings of cross-entropy.</summary>
public sealed record CrossEntropyOptions
{
    /// <summary>Defaults.</summary>
    public static CrossEntropyOptions Default { get; } = new();

    /// <summary>The reduction.</summary>
    public Reduction Reduction { get; init; } = Reduction.Mean;
}

public static partial class Ops
{
    /// <summary>Cross-entropy of a projection.</summary>
    public static Tensor LinearCrossEntropy(Tensor x, Tensor weight, Tensor? bias, Tensor target, CrossEntropyOptions options)
    {
        Tensor logProbabilities = LogSoftmax(Linear(x, weight, bias));
        int rows = x.Size(0), classes = weight.Size(0);
        Tensor chosen = Tensor.Zeros(DType.F32, rows, classes);
        Span<float> picks = chosen.AsSpan<float>();
        ReadOnlySpan<int> targets = target.AsSpan<int>();
        int counted = 0;
        for (int i = 0; i < rows; i++)
            if (targets[i] >= 0)
            {
                picks[i * classes + targets[i]] = -1;
                counted++;
            }
        Tensor sum = Sum(logProbabilities * chosen);
        return options.Reduction == Reduction.Sum ? sum : sum * (1.0 / counted);
    }
}
