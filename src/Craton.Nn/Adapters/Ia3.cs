using Craton.Tensors;

namespace Craton.Nn;

/// <summary>One learnt factor for every feature of a linear layer's input, or of its output (Liu et al. 2022: "(IA)³").</summary>
public sealed class Ia3 : LayerAdapter, ILinearAdapter
{
    private readonly Linear _layer;
    private readonly bool _scalesInput;

    /// <summary>Creates the adapter with factors of 1.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="scalesInput">True: the input is scaled, as in feed-forward layers; false: the output with its bias.</param>
    public Ia3(Linear layer, bool scalesInput)
    {
        (_layer, _scalesInput) = (layer, scalesInput);
        int inputs = layer.Weight.Size(1), outputs = layer.Weight.Size(0);
        Factors = scalesInput ? Filled("ia3_l", 1, 1, inputs) : Filled("ia3_l", 1, outputs, 1);
    }

    /// <summary>[1, inputs] or [outputs, 1], so that it multiplies the weight.</summary>
    public Tensor Factors { get; }

    /// <inheritdoc/>
    public override Module Layer => _layer;

    /// <inheritdoc/>
    public override void Attach() => _layer.Attach(this);

    /// <inheritdoc/>
    public override void Detach() => _layer.Detach(this);

    /// <inheritdoc/>
    public Tensor Input(Tensor x) => _scalesInput ? x * Factors.View(-1) : x;

    /// <inheritdoc/>
    public Tensor Output(Tensor x, Tensor plain, Tensor y) => _scalesInput ? y : y * Factors.View(-1);

    /// <inheritdoc/>
    public override void Merge()
    {
        using TensorScope scope = TensorScope.Open("merge");
        _layer.Weight.Assign(_layer.Weight.Detach() * Factors.Detach());
        if (!_scalesInput && _layer.Bias is { } bias) bias.Assign(bias.Detach() * Factors.Detach().View(-1));
    }
}
