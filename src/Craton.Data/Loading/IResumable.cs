using Craton.Tensors;

namespace Craton.Data;

/// <summary>Gives out data in an order that a small state describes.</summary>
public interface IResumable
{
    /// <summary>The place of what comes next. Setting it makes the loader continue exactly there.</summary>
    /// <exception cref="CratonException">The state belongs to other data or settings, or is damaged.</exception>
    LoaderState State { get; set; }
}
