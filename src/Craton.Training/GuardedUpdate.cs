using Craton.Tensors;
using Craton.Tensors.Diagnostics;
using Craton.Tensors.Kernels;
using Craton.Training.Optimizers;

namespace Craton.Training;

/// <summary>The end of every optimizer step: guard against gradients that are not finite, clip, update.</summary>
/// <param name="parameters">What is trained.</param>
/// <param name="optimizer">Updates it.</param>
/// <param name="clipNorm">Greatest norm of the gradient; 0 for no limit.</param>
internal sealed class GuardedUpdate(Tensor[] parameters, IOptimizer optimizer, double clipNorm)
{
    private readonly ParameterPass _pass = new(parameters);
    private readonly string _name = optimizer.GetType().Name.ToLowerInvariant();

    /// <summary>Forgets the gradients of the step before.</summary>
    public void ClearGradients()
    {
        foreach (Tensor parameter in parameters) parameter.ClearGrad();
    }

    /// <summary>Updates by the mean over targets of what was summed and differentiated; the scale goes into the update.</summary>
    /// <param name="loss">The sum.</param>
    /// <param name="targets">Number of targets.</param>
    /// <param name="learningRateScale">The schedule's factor for this step.</param>
    public StepResult Apply(double loss, long targets, double learningRateScale)
    {
        double scale = 1.0 / Math.Max(1, targets), mean = loss * scale, norm;
        using (OpProfile.Part(TrainingParts.Update, "gradient_norm")) norm = _pass.GradientNorm() * scale;
        bool finite = double.IsFinite(mean) && double.IsFinite(norm);
        if (finite && targets > 0)
        {
            double clip = clipNorm > 0 && norm > clipNorm ? clipNorm / (norm + 1e-6) : 1;
            using (OpProfile.Part(TrainingParts.Update, _name)) optimizer.Step(learningRateScale, scale * clip);
        }
        return new StepResult(mean, norm, targets, Skipped: !finite);
    }
}
