using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Updates parameters from their gradients.</summary>
public interface IOptimizer
{
    /// <summary>Everything a checkpoint must keep, by name.</summary>
    IEnumerable<(string Name, Tensor Tensor)> State { get; }

    /// <summary>Steps done; set when a checkpoint is resumed.</summary>
    long Steps { get; set; }

    /// <summary>Updates every parameter that has a gradient.</summary>
    /// <param name="rateScale">Factor on the peak learning rates: the schedule's value for this step.</param>
    /// <param name="gradientScale">Factor on the gradients: clipping, and the mean over the targets.</param>
    void Step(double rateScale, double gradientScale);
}

/// <summary>A trained tensor under its name.</summary>
public readonly record struct NamedParameter(string Name, Tensor Tensor)
{
    /// <summary>Whether weight decay applies: by default to matrices, not to norms and biases.</summary>
    public bool Decays { get; init; } = Tensor.Rank >= 2;
}
