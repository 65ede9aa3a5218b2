using Craton.Nn;
using Craton.Training.Checkpoints;
using Craton.Training.Optimizers;
using Craton.Training.Recipes;
using Craton.Training.Schedules;

namespace Craton.Training;

/// <summary>What a recipe says of the update of a model, put together: optimizer, schedule, guard and moving average.</summary>
internal sealed class ModelUpdate
{
    private readonly GuardedUpdate _update;
    private readonly Schedule _schedule;

    /// <summary>Puts it together.</summary>
    /// <param name="model">What is trained: its parameters that want a gradient.</param>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="schedule">The learning rate.</param>
    /// <param name="steps">Steps of the whole training.</param>
    /// <param name="averageDecay">Decay of the moving average; null for none.</param>
    /// <param name="name">Tells it from another model that is trained beside it.</param>
    public ModelUpdate(Module model, OptimizerSettings optimizer, ScheduleSettings schedule, int steps, double? averageDecay = null, string name = "")
    {
        NamedParameter[] parameters = [.. model.NamedParameters().Where(p => p.Tensor.RequiresGrad).Select(p => new NamedParameter(p.Name, p.Tensor))];
        IOptimizer built = LanguageModelTraining.Build(optimizer, parameters);
        _update = new GuardedUpdate([.. parameters.Select(p => p.Tensor)], built, optimizer.ClipNorm);
        _schedule = LanguageModelTraining.Build(schedule, steps);
        Part = new TrainedPart(model, built, averageDecay is { } decay ? new Ema(parameters, decay, warmUp: true) : null, name);
    }

    /// <summary>What the loop saves and averages.</summary>
    public TrainedPart Part { get; }

    /// <summary>Forgets the gradients of the step before.</summary>
    public void ClearGradients() => _update.ClearGradients();

    /// <summary>See <see cref="GuardedUpdate.Apply"/>.</summary>
    /// <param name="loss">The sum of what was differentiated.</param>
    /// <param name="targets">Number of its targets.</param>
    /// <param name="step">The step, counted from 0.</param>
    public StepResult Apply(double loss, long targets, long step) => _update.Apply(loss, targets, _schedule.Factor(step));
}
