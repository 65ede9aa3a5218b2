using Craton.Tensors;

namespace Craton.Nn;

/// <summary>The shape of a low-rank update.</summary>
/// <param name="Rank">Rank of the update.</param>
/// <param name="Scale">Factor on it.</param>
public readonly record struct LoraShape(int Rank, double Scale)
{
    /// <summary>Whether the length of every row of the changed weight is learnt by itself (Liu et al. 2024: DoRA).</summary>
    public bool Dora { get; init; }

    /// <summary>Whether the update adds a bias too.</summary>
    public bool Bias { get; init; }

    /// <summary>Probability with which a feature of the layer's input is left out of the update in training.</summary>
    public double Dropout { get; init; }
}

/// <summary>
/// A low-rank update of a layer's weight (Hu et al. 2021): W [outputs, inputs] becomes W + s·B·A with A [rank, inputs], B [outputs, rank]; with
/// DoRA each of its rows is stretched to a learnt length m: m / ‖W + s·B·A‖ · (W + s·B·A), where the norm counts as a constant in
/// the gradient.
/// </summary>
public abstract class Lora : LayerAdapter
{
    private readonly double _scale;
    private Tensor? _norm; // of an update that is not trained, beside a weight that is not either
    private double _strength = 1;

    private protected Lora((string A, string B) names, int inputs, int outputs, LoraShape shape)
    {
        _scale = shape.Scale;
        A = Parameter(names.A, shape.Rank, inputs);
        B = Parameter(names.B, outputs, shape.Rank);
        if (shape.Dora) Magnitude = Parameter("lora_magnitude_vector", outputs);
    }

    /// <summary>[rank, inputs].</summary>
    public Tensor A { get; }

    /// <summary>[outputs, rank].</summary>
    public Tensor B { get; }

    /// <summary>Lengths of the rows [outputs]; null without DoRA.</summary>
    public Tensor? Magnitude { get; }

    /// <summary>Further factor on the update: the adapter's weight among several.</summary>
    public double Strength
    {
        get => _strength;
        set => (_strength, _norm) = (value, null);
    }

    /// <summary>Factor on B·A in all.</summary>
    public double Scale => _scale * _strength;

    /// <summary>First values: one matrix random, the other zero, so that the update begins as nothing.</summary>
    /// <param name="random">Key of the draw.</param>
    public virtual void Initialize(in CounterRandom random)
    {
        if (Magnitude is null) return;
        using TensorScope scope = TensorScope.Open("initialize");
        Magnitude.Assign(Norm());
    }

    /// <summary>The layer's weight with the update, in the weight's own orientation.</summary>
    private protected abstract Tensor Updated();

    /// <summary>The lengths [outputs] of the rows that belong to the outputs.</summary>
    private protected abstract Tensor Lengths(Tensor weight);

    // m / ‖W + s·B·A‖ [outputs]. The norm of what is not trained is computed once.
    private protected Tensor Stretch()
    {
        if (A.RequiresGrad) return Magnitude! / Norm();
        if (_norm is null)
        {
            using TensorScope scope = TensorScope.Open("norm");
            _norm = Tensor.Persistent(DType.F32, Magnitude!.Shape);
            _norm.Assign(Norm());
        }
        return Magnitude! / _norm;
    }

    private protected void MergeInto(Tensor weight, int stretched)
    {
        using TensorScope scope = TensorScope.Open("merge");
        Tensor updated = Updated();
        weight.Assign(Magnitude is null ? updated : updated * (Magnitude.Detach() / Lengths(updated)).View(stretched == 0 ? [-1, 1] : [1, -1]));
    }

    private Tensor Norm() => Lengths(Updated());
}

/// <summary>A low-rank update of a linear layer.</summary>
public sealed class LoraLinear : Lora, ILinearAdapter
{
    private readonly Linear _layer;
    private readonly Tensor? _bias;
    private readonly double _dropout;

    /// <summary>Creates the update with zeroed parameters.</summary>
    public LoraLinear(Linear layer, LoraShape shape)
        : base(("lora_A.weight", "lora_B.weight"), layer.Weight.Size(1), layer.Weight.Size(0), shape)
    {
        if (shape is { Dora: true, Bias: true }) throw new CratonException("lora: an update with a bias cannot stretch rows too; use lora_bias or use_dora");
        (_layer, _dropout) = (layer, shape.Dropout);
        if (shape.Bias) _bias = Parameter("lora_B.bias", layer.Weight.Size(0));
    }

    /// <summary>Key of the features that are left out in training; null leaves out none.</summary>
    public CounterRandom? Draw { get; set; }

    /// <inheritdoc/>
    public override Module Layer => _layer;

    /// <inheritdoc/>
    public override void Attach() => _layer.Attach(this);

    /// <inheritdoc/>
    public override void Detach() => _layer.Detach(this);

    /// <summary>A uniform within ±1/√inputs, B zero.</summary>
    public override void Initialize(in CounterRandom random)
    {
        float bound = (float)(1 / Math.Sqrt(A.Size(1)));
        random.FillUniform(A.AsSpan<float>(), -bound, bound);
        base.Initialize(random);
    }

    /// <inheritdoc/>
    public Tensor Input(Tensor x) => x;

    /// <summary>y + s·x·Aᵀ·Bᵀ; with DoRA the whole result is stretched.</summary>
    public Tensor Output(Tensor x, Tensor plain, Tensor y)
    {
        bool drops = Draw is not null && _dropout > 0;
        if (drops) x = Ops.Dropout(x, _dropout, Draw!.Value);
        Tensor low = Ops.Linear(x, A) * Scale;
        if (Magnitude is null) return Ops.Linear(low, B, _bias is null ? null : _bias * Scale, residual: y);
        Tensor stretch = Stretch(), whole = drops ? Ops.Linear(x, _layer.Weight) : _layer.Bias is { } bias ? plain - bias : plain;
        return y + whole * (stretch - 1) + Ops.Linear(low, B) * stretch;
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        if (_bias is not null && _layer.Bias is null) throw new CratonException("lora: the update has a bias, which a layer without one cannot take up; use the adapter without merging it");
        MergeInto(_layer.Weight, stretched: 0);
        using TensorScope scope = TensorScope.Open("merge");
        if (_bias is not null) _layer.Bias!.Assign(_layer.Bias.Detach() + _bias.Detach() * Scale);
    }

    private protected override Tensor Updated() => Ops.Linear(B.Detach() * Scale, A.Detach().Transpose(), residual: _layer.Weight.AsFloats());

    private protected override Tensor Lengths(Tensor weight) => Ops.Sqrt(Ops.Sum(Ops.Square(weight), [1]));
}

/// <summary>A low-rank update of an embedding table, whose weight is [inputs, outputs].</summary>
public sealed class LoraEmbedding : Lora, IEmbeddingAdapter
{
    private readonly Embedding _layer;

    /// <summary>Creates the update with zeroed parameters.</summary>
    public LoraEmbedding(Embedding layer, LoraShape shape)
        : base(("lora_embedding_A", "lora_embedding_B"), layer.Weight.Size(0), layer.Weight.Size(1), shape) => _layer = layer;

    /// <inheritdoc/>
    public override Module Layer => _layer;

    /// <inheritdoc/>
    public override void Attach() => _layer.Attach(this);

    /// <inheritdoc/>
    public override void Detach() => _layer.Detach(this);

    /// <summary>A zero, B normal with deviation 1.</summary>
    public override void Initialize(in CounterRandom random)
    {
        random.FillNormal(B.AsSpan<float>());
        base.Initialize(random);
    }

    /// <summary>y + s·Aᵀ[ids]·Bᵀ; with DoRA the whole result is stretched.</summary>
    public Tensor Output(Tensor ids, Tensor plain, Tensor y)
    {
        Tensor low = Ops.IndexSelect(A, 1, ids.View(-1)).Transpose() * Scale; // [n, rank]
        if (Magnitude is null) return Ops.Linear(low, B, residual: y.View(-1, y.Size(-1))).View(y.Shape);
        Tensor stretch = Stretch();
        return y + plain * (stretch - 1) + (Ops.Linear(low, B) * stretch).View(y.Shape);
    }

    /// <inheritdoc/>
    public override void Merge() => MergeInto(_layer.Weight, stretched: 1);

    private protected override Tensor Updated() => Ops.Linear(A.Detach().Transpose(), B.Detach() * Scale, residual: _layer.Weight.AsFloats());

    private protected override Tensor Lengths(Tensor weight) => Ops.Sqrt(Ops.Sum(Ops.Square(weight), [0]));
}
