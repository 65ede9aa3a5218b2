namespace Craton.Tensors.Tests.Golden;

internal static partial class OpsFunctions
{
    private static IEnumerable<KeyValuePair<string, OpsFunction>> Losses() =>
    [
        On("cross_entropy", CrossEntropy, "loss"),
        On("cross_entropy_soft", call => Ops.CrossEntropy(
            ClassesLast(call["logits"]), ClassesLast(call["target"]), new CrossEntropyOptions { Reduction = ReductionOf(call) }), "loss"),
        On("bce_with_logits", call => Ops.BceWithLogits(
            call["logits"], call["target"], call.Optional("weight"), call.Optional("pos_weight"), ReductionOf(call)), "loss"),
        On("mse_loss", call => Ops.MseLoss(call["input"], call["target"], ReductionOf(call)), "loss"),
        On("l1_loss", call => Ops.L1Loss(call["input"], call["target"], ReductionOf(call)), "loss"),
        On("huber_loss", call => Ops.HuberLoss(call["input"], call["target"], call.Number("delta"), ReductionOf(call)), "loss"),
        On("smooth_l1_loss", call => Ops.SmoothL1Loss(call["input"], call["target"], call.Number("beta"), ReductionOf(call)), "loss"),
        On("nll_loss", NegativeLogLikelihood, "loss"),
        On("kl_div", KlDivergence, "loss"),
        On("cosine_embedding_loss", call => Ops.CosineEmbeddingLoss(
            call["a"], call["b"], call["sign"], call.Number("margin"), ReductionOf(call)), "loss"),
        On("triplet_margin_loss", call => Ops.TripletMarginLoss(
            call["anchor"], call["positive"], call["negative"], call.Number("margin"), call.Number("eps"), ReductionOf(call)), "loss"),
        On("margin_ranking_loss", call => Ops.MarginRankingLoss(
            call["a"], call["b"], call["sign"], call.Number("margin"), ReductionOf(call)), "loss"),
        On("cosine_similarity", call => Ops.CosineSimilarity(call["a"], call["b"], call.Int("dim"), call.Number("eps"))),
        new("clip_loss", ClipLoss),
        On("siglip_loss", call => Ops.SiglipLoss(call["image"], call["text"], call["log_scale"], call["bias"]), "loss"),
        On("info_nce", call => Ops.InfoNce(call["query"], call["keys"], call.Number("temperature")), "loss"),
        On("distillation_loss", call => Ops.DistillationLoss(call["student"], call["teacher"], call.Number("temperature")), "loss"),
    ];

    private static Reduction ReductionOf(OpsCall call) => Enum.Parse<Reduction>(call.Text("reduction"), ignoreCase: true);

    // The cases have the classes in dimension 1.
    private static Tensor ClassesLast(Tensor x) => x.Rank <= 2 ? x : x.Permute([0, .. Enumerable.Range(2, x.Rank - 2), 1]);

    private static Tensor NegativeLogLikelihood(OpsCall call)
    {
        Tensor rows = ClassesLast(call["log_probabilities"]), target = call["target"];
        Tensor loss = Ops.NllLoss(
            Ops.Reshape(rows, -1, rows.Size(-1)), Ops.Reshape(target, -1), call.Optional("weight"), call.Int("ignore_index"), ReductionOf(call));
        return loss.Rank == 0 ? loss : Ops.Reshape(loss, target.Shape);
    }

    private static Tensor CrossEntropy(OpsCall call)
    {
        return Ops.CrossEntropy(ClassesLast(call["logits"]), call["target"], new CrossEntropyOptions
        {
            IgnoreIndex = call.Int("ignore_index"),
            LabelSmoothing = call.Number("label_smoothing"),
            ZLoss = call.Number("z_loss"),
            ClassWeights = call.Optional("weight"),
            Reduction = ReductionOf(call),
        });
    }

    private static Tensor KlDivergence(OpsCall call)
    {
        Tensor input = call["input"], target = call["target"];
        bool logTarget = call.Flag("log_target");
        return call.Text("reduction") == "batchmean"
            ? Ops.KlDivergence(input, target, logTarget, Reduction.Sum) * (1.0 / input.Size(0))
            : Ops.KlDivergence(input, target, logTarget, ReductionOf(call));
    }

    private static (string Role, Tensor Value)[] ClipLoss(OpsCall call)
    {
        (Tensor loss, Tensor logits) = Ops.ClipLoss(call["image"], call["text"], call["log_scale"]);
        return [("loss", loss), ("logits", logits)];
    }
}
