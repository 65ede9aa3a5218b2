using Craton.Tensors;

namespace Craton.Inference;

/// <summary>Too many requests wait.</summary>
public sealed class QueueFullException : CratonException
{
    internal QueueFullException(int waiting)
        : base($"the engine's queue is full: {waiting} requests wait already; try again later, or make EngineOptions.MaxQueue larger") { }
}
