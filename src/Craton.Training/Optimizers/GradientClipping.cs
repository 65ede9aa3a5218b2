using Craton.Tensors;

namespace Craton.Training.Optimizers;

/// <summary>Limits on gradients.</summary>
public static class GradientClipping
{
    /// <summary>
    /// The factor, to be given to <see cref="IOptimizer.Step"/>, that shortens gradients of this norm to
    /// <paramref name="maxNorm"/> · norm / (norm + 10⁻⁶), PyTorch's form; 1 where they are not longer, NaN for a norm that is NaN.
    /// </summary>
    /// <param name="norm">Norm of all gradients together: <see cref="Tensors.Kernels.ParameterPass.GradientNorm"/>.</param>
    /// <param name="maxNorm">Greatest norm.</param>
    public static double Scale(double norm, double maxNorm) => norm <= maxNorm ? 1 : maxNorm / (norm + 1e-6);

    /// <summary>Limits every element of every gradient to [−<paramref name="limit"/>, <paramref name="limit"/>], in place.</summary>
    public static void ByValue(ReadOnlySpan<NamedParameter> parameters, double limit)
    {
        foreach (NamedParameter parameter in parameters)
            if (parameter.Tensor.Grad is { } gradient)
                using (TensorScope.Open("clip"))
                    gradient.Assign(Ops.Clamp(gradient.Detach(), -limit, limit));
    }
}
