using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// What changes the result of one layer while the layer's weights stay as they are. It works while it is attached; several may be, one after
/// the other in the order in which they were attached.
/// </summary>
public abstract class LayerAdapter : Module
{
    /// <summary>The layer.</summary>
    public abstract Module Layer { get; }

    /// <summary>Makes the layer compute with it.</summary>
    public abstract void Attach();

    /// <summary>Makes the layer compute without it.</summary>
    public abstract void Detach();

    /// <summary>Changes the layer's weights so that the layer computes without the adapter what it computed with it.</summary>
    /// <exception cref="CratonException">The weights are not kept as floats, or cannot take the change.</exception>
    public abstract void Merge();
}

/// <summary>Where an adapter reaches into a <see cref="Linear"/>.</summary>
public interface ILinearAdapter
{
    /// <summary>What the layer multiplies by its weight: x [.., inputs], after the activation, or something of its shape.</summary>
    Tensor Input(Tensor x);

    /// <summary>The layer's result.</summary>
    /// <param name="x">The layer's input [.., inputs], after the activation.</param>
    /// <param name="plain">The product with the weight, and the bias: [.., outputs].</param>
    /// <param name="y">The same with what earlier adapters changed.</param>
    Tensor Output(Tensor x, Tensor plain, Tensor y);
}

/// <summary>Where an adapter reaches into an <see cref="Embedding"/>.</summary>
public interface IEmbeddingAdapter
{
    /// <summary>The layer's result.</summary>
    /// <param name="ids">Row numbers of any shape.</param>
    /// <param name="plain">The rows [.., width].</param>
    /// <param name="y">The same with what earlier adapters changed.</param>
    Tensor Output(Tensor ids, Tensor plain, Tensor y);
}
