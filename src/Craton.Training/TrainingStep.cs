using Craton.Data;
using Craton.Models;
using Craton.Nn;
using Craton.Tensors;
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
    private readonly GuardedUpdate _update;

    /// <summary>Creates the step.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="optimizer">Updates its parameters.</param>
    /// <param name="clipNorm">Greatest norm of the gradient; 0 for no limit.</param>
    /// <param name="trained">What holds the parameters, where that is not the model: its adapter.</param>
    public TrainingStep(CausalLanguageModel model, IOptimizer optimizer, double clipNorm, Module? trained = null)
    {
        _model = model;
        _update = new GuardedUpdate([.. (trained ?? model).NamedParameters().Select(p => p.Tensor)], optimizer, clipNorm);
    }

    /// <summary>Runs the step.</summary>
    /// <param name="batches">Gives the next batch, once for every pass.</param>
    /// <param name="passes">Passes that are added up. The loss is the mean over all their targets together.</param>
    /// <param name="learningRateScale">The schedule's factor for this step.</param>
    public StepResult Run(Func<TokenBatch> batches, int passes, double learningRateScale)
    {
        _update.ClearGradients();
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
        return _update.Apply(loss, targets, learningRateScale);
    }

    /// <summary>What the model is told about packed rows.</summary>
    internal static DecoderInput Input(TokenBatch batch) => new(batch.Positions, batch.Documents);

    internal static readonly CrossEntropyOptions LossOptions = CrossEntropyOptions.Default with { Reduction = Reduction.Sum };
}
