namespace Craton.Tensors.Tests;

[Collection("worker pool")]
public sealed class LossesTests
{
    private static readonly Tensor s_targets = Tensor.From([2, -100, 0], 3);

    [Fact]
    public void Gradients_agree_with_differences()
    {
        foreach (Reduction reduction in Enum.GetValues<Reduction>())
        {
            static Tensor[] Pair(DType type) => [OpRun.Values(1, type, 3, 5), OpRun.Values(2, type, 3, 5)];
            OpRun.Differentiates(t => Ops.MseLoss(t[0], t[1], reduction), Pair);
            OpRun.Differentiates(t => Ops.L1Loss(t[0], t[1], reduction), Pair);
            OpRun.Differentiates(t => Ops.HuberLoss(t[0], t[1], 0.8, reduction), Pair);
            OpRun.Differentiates(t => Ops.SmoothL1Loss(t[0], t[1], 0.6, reduction), Pair);
            OpRun.Differentiates(t => Ops.BceWithLogits(t[0], Ops.Sigmoid(t[1]), Constant(3, t[0].DType), Constant(4, t[0].DType), reduction), Pair);
            OpRun.Differentiates(t => Ops.NllLoss(Ops.LogSoftmax(t[0]), s_targets, null, -100, reduction) + Ops.Sum(t[1]), Pair);
            OpRun.Differentiates(t => Ops.KlDivergence(Ops.LogSoftmax(t[0]), Ops.Softmax(t[1]), false, reduction), Pair);
            OpRun.Differentiates(t => Ops.KlDivergence(Ops.LogSoftmax(t[0]), Ops.LogSoftmax(t[1]), true, reduction), Pair);
            OpRun.Differentiates(t => Ops.CosineEmbeddingLoss(t[0], t[1], Sign(t[0].DType), -0.9, reduction), Pair);
            OpRun.Differentiates(t => Ops.MarginRankingLoss(Ops.Sum(t[0], [1]), Ops.Sum(t[1], [1]), Sign(t[0].DType), 20, reduction), Pair);
            OpRun.Differentiates(t => Ops.TripletMarginLoss(t[0], t[1], t[2], 5, reduction: reduction), type => [.. Pair(type), OpRun.Values(3, type, 3, 5)]);
        }
    }

    [Fact]
    public void Contrastive_gradients_agree_with_differences()
    {
        static Tensor[] Pair(DType type) =>
            [OpRun.Values(1, type, 3, 4), OpRun.Values(2, type, 3, 4), OpRun.Values(3, type), OpRun.Values(4, type)];
        OpRun.Differentiates(t => Ops.ClipLoss(t[0], t[1], t[2]).Loss + t[3], Pair);
        OpRun.Differentiates(t => Ops.SiglipLoss(t[0], t[1], t[2], t[3]), Pair);
        OpRun.Differentiates(t => Ops.InfoNce(t[0], t[1], 0.5) + t[2] + t[3], Pair);
        OpRun.Differentiates(t => Ops.DistillationLoss(t[0], OpRun.Values(5, t[0].DType, 3, 4), 1.7) + Ops.Sum(t[1]) + t[2] + t[3], Pair);
    }

    [Fact]
    public void Negative_log_likelihood_of_log_probabilities_is_cross_entropy()
    {
        Tensor logits = OpRun.Values(1, DType.F32, 3, 5), weights = Ops.Abs(OpRun.Values(2, DType.F32, 5));
        double expected = Ops.CrossEntropy(logits, s_targets, new() { ClassWeights = weights }).Item();
        Assert.Equal(expected, Ops.NllLoss(Ops.LogSoftmax(logits), s_targets, weights).Item(), 1e-6);
    }

    [Fact]
    public void Extremes_stay_finite_where_they_should()
    {
        Tensor logits = Tensor.From([-1000f, 1000f, 0f], 3), target = Tensor.From([0f, 1f, 0.5f], 3);
        Assert.Equal([0f, 0f, 0.6931472f], Ops.BceWithLogits(logits, target, reduction: Reduction.None).ToArray<float>());
        float inf = float.PositiveInfinity;
        Tensor logs = Tensor.From([-inf, 0f], 1, 2);
        Assert.Equal(0, Ops.NllLoss(logs, Tensor.From([1], 1)).Item());
        Assert.Equal([0f, 0f], Ops.KlDivergence(Tensor.From([-3f, 0f], 2), Tensor.From([-inf, 0f], 2), logTarget: true, Reduction.None).ToArray<float>());
    }

    private static Tensor Constant(int seed, DType type) => Ops.Exp(OpRun.Values(seed, type, 3, 5));

    private static Tensor Sign(DType type) => Ops.Cast(Tensor.From([1f, -1f, 1f], 3), type);
}
