using static Craton.Tensors.Ops;

namespace Craton.Tensors.Tests.Catalog;

// Losses.
internal static partial class OpCatalog
{
    // Classes, some of them ignored.
    private static OpInput Targets => new("t", static (random, i, size) => i % 5 == 3 ? -100 : random.NextInt(i, Dims.Of('v', size))) { Type = DType.I64 };

    private static OpInput Signs(string shape) => new(shape, static (random, i, _) => random.Uniform(i) < 0.5 ? -1 : 1) { Differentiable = false };

    private static IEnumerable<OpRow> Losses() =>
    [
        Loss("", new CrossEntropyOptions()),
        Loss("smoothing", new CrossEntropyOptions { LabelSmoothing = 0.1 }),
        Loss("z-loss", new CrossEntropyOptions { ZLoss = 0.1, Reduction = Reduction.Sum }),
        Loss("each", new CrossEntropyOptions { Reduction = Reduction.None }),
        new(nameof(CrossEntropy), "class weights", [In("tv", -6, 6), Targets, Constant("v", 0.2, 2)],
            x => CrossEntropy(x[0], x[1], new CrossEntropyOptions { ClassWeights = x[2], LabelSmoothing = 0.1 })) { Tolerance = Sums, GradientTolerance = Sums, Allocates = "a copy of the class weights" },
        new(nameof(CrossEntropy), "soft targets", [In("tv", -6, 6), Constant("tv", 0, 0.1)], x => CrossEntropy(x[0], x[1])) { Tolerance = Sums, GradientTolerance = Sums },
        LinearLoss("", new CrossEntropyOptions()),
        LinearLoss("all", new CrossEntropyOptions { LabelSmoothing = 0.1, ZLoss = 0.05, Reduction = Reduction.Sum }),
        .. Composed().Select(row => row with { Tolerance = Sums, GradientTolerance = Sums }),
    ];

    private static OpRow Loss(string @case, CrossEntropyOptions options) =>
        new(nameof(CrossEntropy), @case, [In("tv", -6, 6), Targets], x => CrossEntropy(x[0], x[1], options))
        {
            Tolerance = Sums,
            GradientTolerance = Sums,
            Composed = x => CrossEntropyComposed(x[0], x[1], options),
        };

    private static OpRow LinearLoss(string @case, CrossEntropyOptions options) =>
        new(nameof(LinearCrossEntropy), @case, [In("td"), In("vd", -0.3, 0.3), In("v"), Targets], x => LinearCrossEntropy(x[0], x[1], x[2], x[3], options))
        {
            Tolerance = Sums,
            GradientTolerance = Sums,
            Composed = x => LinearCrossEntropyComposed(x[0], x[1], x[2], x[3], options),
            Flops = size => 2 * Elements("tdv", size),
        };

    private static IEnumerable<OpRow> Composed() =>
    [
        .. Enum.GetValues<GanForm>().SelectMany(form => new OpRow[]
        {
            new(nameof(DiscriminatorLoss), form.ToString(), [In("t"), In("k")], x => DiscriminatorLoss(form, x[0], x[1])),
            new(nameof(GeneratorLoss), form.ToString(), [In("t")], x => GeneratorLoss(form, x[0])),
        }),
        new(nameof(GaussianKl), "", [In("td"), In("td")], x => GaussianKl(x[0], x[1])),
        new(nameof(GaussianKl), "of two", [In("td"), In("td"), In("td"), In("d")], x => GaussianKl(x[0], x[1], x[2], x[3])),
        new(nameof(SampleGaussian), "", [In("td"), In("td"), Constant("td")], x => SampleGaussian(x[0], x[1], x[2])),
        new(nameof(GaussianNegativeLogLikelihood), "", [In("td"), In("td")], x => GaussianNegativeLogLikelihood(x[0], x[1], 0.3)),
        new(nameof(VectorQuantize), "", [In("kd"), In("vd")], x => VectorQuantize(x[0], x[1]).Quantized)
        {
            NoDifferences = "the gradient of the result goes to x as if it were x",
        },
        new(nameof(NearestVectors), "", [In("kd"), In("vd")], x => NearestVectors(x[0], x[1])) { HasGradient = false },
        new(nameof(MoveCodebook), "", [In("kd"), Constant("vd"), Constant("v", 1, 3), Constant("vd")], x => MoveCodebook(x[0], Copy(x[1]), Copy(x[2]), Copy(x[3])))
        {
            HasGradient = false,
        },
        new(nameof(MseLoss), "", [In("btd"), In("btd")], x => MseLoss(x[0], x[1])),
        new(nameof(L1Loss), "", [In("btd"), In("btd")], x => L1Loss(x[0], x[1], Reduction.Sum)),
        new(nameof(HuberLoss), "", [In("btd"), In("btd")], x => HuberLoss(x[0], x[1], 0.7)),
        new(nameof(SmoothL1Loss), "", [In("btd"), In("btd")], x => SmoothL1Loss(x[0], x[1], 0.5, Reduction.None)),
        new(nameof(BceWithLogits), "", [In("btd", -4, 4), Constant("btd", 0, 1)], x => BceWithLogits(x[0], x[1])),
        new(nameof(BceWithLogits), "weights", [In("btd", -4, 4), Constant("btd", 0, 1), Constant("d", 0.5, 2), Constant("t1", 0.5, 2)],
            x => BceWithLogits(x[0], x[1], x[2], x[3])),
        new(nameof(NllLoss), "", [In("tv", -6, 0), Targets], x => NllLoss(x[0], x[1])),
        new(nameof(NllLoss), "weights", [In("tv", -6, 0), Targets, Constant("v", 0.2, 2)], x => NllLoss(x[0], x[1], x[2])),
        new(nameof(KlDivergence), "", [In("tv", -6, 0), In("tv", 0.05, 1)], x => KlDivergence(x[0], x[1])),
        new(nameof(KlDivergence), "logarithms", [In("tv", -6, 0), In("tv", -5, 0)], x => KlDivergence(x[0], x[1], logTarget: true, Reduction.Sum)),
        new(nameof(DistillationLoss), "", [In("tv", -4, 4), Constant("tv", -4, 4)], x => DistillationLoss(x[0], x[1], 2)),
        new(nameof(CosineSimilarity), "", [In("btd"), In("td")], x => CosineSimilarity(x[0], x[1])),
        new(nameof(CosineEmbeddingLoss), "", [In("td"), In("td"), Signs("t")], x => CosineEmbeddingLoss(x[0], x[1], x[2], 0.1)),
        new(nameof(TripletMarginLoss), "", [In("td"), In("td"), In("td")], x => TripletMarginLoss(x[0], x[1], x[2])),
        new(nameof(MarginRankingLoss), "", [In("td"), In("td"), Signs("td")], x => MarginRankingLoss(x[0], x[1], x[2], 0.3)),
        new(nameof(ClipLoss), "loss", [In("td"), In("td"), In("")], x => ClipLoss(x[0], x[1], x[2]).Loss),
        new(nameof(ClipLoss), "logits", [In("td"), In("td"), In("")], x => ClipLoss(x[0], x[1], x[2]).Logits),
        new(nameof(SiglipLoss), "", [In("td"), In("td"), In(""), In("")], x => SiglipLoss(x[0], x[1], x[2], x[3])),
        new(nameof(InfoNce), "", [In("td"), In("sd")], x => InfoNce(x[0], x[1], 0.5)),
    ];
}
