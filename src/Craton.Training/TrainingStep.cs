using Craton.Data;
using Craton.Models;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.Kernels;
using Craton.Training.Optimizers;

namespace Craton.Training;

/// <summary>What one optimizer step did.</summary>
/// <param name="Loss">Mean loss of the counted targets, in nats.</param>
/// <param name="GradientNorm">Norm of the gradient before clipping.</param>
/// <param name="Targets">Number of counted targets.</param>
/// <param name="Skipped">True when loss or gradient was not finite: the weights are as they were.</param>
public readonly record struct StepResult(double Loss, double GradientNorm, long Targets, bool Skipped);

/// <summary>
/// One optimizer step of a language model: forward and backward for every pass of the accumulation, then guard, clip, update. In steady
/// state it allocates nothing.
/// </summary>
public sealed class TrainingStep
{
    private readonly CausalLanguageModel _model;
    private readonly IOptimizer _optimizer;
    private readonly ParameterPass _pass;
    private readonly Tensor[] _parameters;
    private readonly double _clipNorm;

    /// <summary>Creates the step.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="optimizer">Updates its parameters.</param>
    /// <param name="clipNorm">Greatest norm of the gradient; 0 for no limit.</param>
    /// <param name="trained">What holds the parameters, where that is not the model: its adapter.</param>
    public TrainingStep(CausalLanguageModel model, IOptimizer optimizer, double clipNorm, Module? trained = null)
    {
        (_model, _optimizer, _clipNorm) = (model, optimizer, clipNorm);
        _parameters = [.. (trained ?? model).NamedParameters().Select(p => p.Tensor)];
        _pass = new ParameterPass(_parameters);
    }

    /// <summary>Runs the step.</summary>
    /// <param name="batches">Gives the next batch, once for every pass.</param>
    /// <param name="passes">Passes that are added up. The loss is the mean over all their targets together.</param>
    /// <param name="learningRateScale">The schedule's factor for this step.</param>
    public StepResult Run(Func<TokenBatch> batches, int passes, double learningRateScale)
    {
        foreach (Tensor parameter in _parameters) parameter.ClearGrad();
        double loss = 0;
        long targets = 0;
        for (int pass = 0; pass < passes; pass++)
        {
            TokenBatch batch = batches();
            using (TensorScope.Open("step"))
            using (Tape tape = Tape.Start())
            {
                Tensor sum = _model.Loss(batch.Ids, batch.Targets, Input(batch), LossOptions);
                tape.Backward(sum);
                loss += sum.Item();
            }
            targets += batch.CountTargets();
        }
        // Sums over targets were differentiated; the mean is the same gradient scaled, and the scale goes into the update.
        double scale = 1.0 / Math.Max(1, targets), mean = loss * scale, norm = _pass.GradientNorm() * scale;
        bool finite = double.IsFinite(mean) && double.IsFinite(norm);
        if (finite && targets > 0)
        {
            double clip = _clipNorm > 0 && norm > _clipNorm ? _clipNorm / (norm + 1e-6) : 1;
            _optimizer.Step(learningRateScale, scale * clip);
        }
        return new StepResult(mean, norm, targets, Skipped: !finite);
    }

    /// <summary>What the model is told about packed rows.</summary>
    internal static DecoderInput Input(TokenBatch batch) => new(batch.Positions, batch.Documents);

    internal static readonly CrossEntropyOptions LossOptions = CrossEntropyOptions.Default with { Reduction = Reduction.Sum };
}
