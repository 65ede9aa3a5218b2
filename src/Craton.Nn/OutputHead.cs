using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// The step from hidden states to scores of tokens: a linear layer of its own, or the embedding table (Press, Wolf 2017), which is then no
/// second parameter.
/// </summary>
public sealed class OutputHead
{
    private readonly Linear? _own;
    private readonly Embedding? _table;
    private readonly Tensor? _shared;
    private readonly Tensor? _bias;
    private readonly double _softCap;

    /// <summary>A head with weights of its own.</summary>
    /// <param name="own">The layer; the model declares it as its child.</param>
    /// <param name="softCap">Scores s become cap · tanh(s / cap); 0 for no cap.</param>
    public OutputHead(Linear own, double softCap = 0) => (_own, _softCap) = (own, softCap);

    /// <summary>A head that shares the embedding table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="softCap">Scores s become cap · tanh(s / cap); 0 for no cap.</param>
    /// <param name="bias">Added to the scores [V], or null.</param>
    public OutputHead(Embedding table, double softCap = 0, Tensor? bias = null) => (_table, _shared, _softCap, _bias) = (table, table.Weight, softCap, bias);

    /// <summary>The layer whose weight the scores are made with: a linear one, or the embedding table.</summary>
    public Module Layer => (Module?)_own ?? _table!;

    /// <summary>Scores of the next token: hidden states [.., C] → [.., V].</summary>
    public Tensor Logits(Tensor hidden)
    {
        Tensor scores = _own?.Forward(hidden) ?? Ops.Linear(hidden, _shared!, _bias);
        return _softCap > 0 ? Ops.Tanh(scores * (1 / _softCap)) * _softCap : scores;
    }

    /// <summary>Keeps the weight in the order in which products read it (<see cref="Tensor.Pack"/>).</summary>
    public void Pack() => (_own?.Weight ?? _shared!).Pack();

    /// <summary>Cross-entropy, in nats, of targets [N]: hidden states [N, C]. Without a cap or an adapter the scores are never stored.</summary>
    public Tensor Loss(Tensor hidden, Tensor targets, CrossEntropyOptions options) => _softCap > 0 || _own is { IsAdapted: true }
        ? Ops.CrossEntropy(Logits(hidden), targets, options)
        : Ops.LinearCrossEntropy(hidden, _own?.Weight ?? _shared!, _own?.Bias ?? _bias, targets, options);
}
