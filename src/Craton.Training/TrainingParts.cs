namespace Craton.Training;

/// <summary>What a profile of a training (<see cref="Craton.Tensors.Diagnostics.OpProfile"/>) calls what is no operation.</summary>
public static class TrainingParts
{
    /// <summary>What belongs to every step: the norm of gradients, the optimizer, the moving average.</summary>
    public const string Update = "update";

    /// <summary>What is done beside the steps, now and then: measuring, writing samples, saving.</summary>
    public const string Aside = "aside";
}
