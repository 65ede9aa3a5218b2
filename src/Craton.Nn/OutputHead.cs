using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// The step from hidden states to scores of tokens: a linear layer of its own, or one with the embedding table as weight (Press, Wolf 2017),
/// which is then no second parameter.
/// </summary>
public sealed class OutputHead
{
    private readonly double _softCap;

    /// <summary>A head with weights of its own.</summary>
    /// <param name="layer">The layer; the model declares it as its child.</param>
    /// <param name="softCap">Scores s become cap · tanh(s / cap); 0 for no cap.</param>
    public OutputHead(Linear layer, double softCap = 0) => (Layer, _softCap) = (layer, softCap);

    /// <summary>A head that shares the embedding table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="softCap">Scores s become cap · tanh(s / cap); 0 for no cap.</param>
    /// <param name="bias">Added to the scores [V], or null.</param>
    public OutputHead(Embedding table, double softCap = 0, Tensor? bias = null) : this(new Linear(table.Weight, bias), softCap) => Table = table;

    /// <summary>The layer.</summary>
    public Linear Layer { get; }

    /// <summary>The table whose weight the layer shares; null for a weight of its own.</summary>
    public Embedding? Table { get; }

    /// <summary>Scores of the next token: hidden states [.., C] → [.., V].</summary>
    public Tensor Logits(Tensor hidden)
    {
        Tensor scores = Layer.Forward(hidden);
        return _softCap > 0 ? Ops.Tanh(scores * (1 / _softCap)) * _softCap : scores;
    }

    /// <summary>Keeps the weight in the order in which products read it (<see cref="Tensor.Pack"/>).</summary>
    public void Pack() => Layer.Weight.Pack();

    /// <summary>Cross-entropy, in nats, of targets [N]: hidden states [N, C]. Without a cap or an adapter the scores are never stored.</summary>
    public Tensor Loss(Tensor hidden, Tensor targets, CrossEntropyOptions options) => _softCap > 0 || Layer.IsAdapted
        ? Ops.CrossEntropy(Logits(hidden), targets, options)
        : Ops.LinearCrossEntropy(hidden, Layer.Weight, Layer.Bias, targets, options);
}
