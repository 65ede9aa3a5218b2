namespace Craton.Tensors;

// Losses composed of simple operations. Where no reduction is named, the result is a scalar.
public static partial class Ops
{
    /// <summary>Squared differences.</summary>
    public static Tensor MseLoss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Reduced(Square(input - target), reduction);

    /// <summary>Absolute differences; the derivative at equality is 0.</summary>
    public static Tensor L1Loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Reduced(Abs(input - target), reduction);

    /// <summary>With d = |input − target|: d²/2 up to delta, delta · (d − delta/2) beyond (Huber 1964).</summary>
    public static Tensor HuberLoss(Tensor input, Tensor target, double delta = 1, Reduction reduction = Reduction.Mean)
    {
        Check.That(delta > 0, "huber_loss", "delta", "more than 0", $"{delta}");
        Tensor distance = Abs(input - target), bounded = Clamp(distance, greatest: delta);
        return Reduced(bounded * (distance - bounded * 0.5), reduction); // both branches in one
    }

    /// <summary>The Huber loss divided by beta: its slope far away is 1 (Girshick 2015).</summary>
    public static Tensor SmoothL1Loss(Tensor input, Tensor target, double beta = 1, Reduction reduction = Reduction.Mean) =>
        HuberLoss(input, target, beta, reduction) * (1 / beta);

    /// <summary>−weight · (posWeight · target · ln σ(x) + (1 − target) · ln(1 − σ(x))), safe for any score x.</summary>
    /// <param name="logits">Scores, any shape.</param>
    /// <param name="target">Probabilities of the same shape.</param>
    /// <param name="weight">Weights of the losses, broadcast; 1 when null.</param>
    /// <param name="posWeight">Weights of the positive parts, broadcast; 1 when null.</param>
    /// <param name="reduction">The mean is over the elements, not over the weights.</param>
    public static Tensor BceWithLogits(
        Tensor logits, Tensor target, Tensor? weight = null, Tensor? posWeight = null, Reduction reduction = Reduction.Mean)
    {
        Check.SameShape("bce_with_logits", "target", target, logits.Layout);
        Tensor surprise = Softplus(-logits), rest = Affine(target, -1, 1); // −ln σ(x), and −ln(1 − σ(x)) = x + surprise
        Tensor losses = rest * logits + (posWeight is null ? surprise : (rest + target * posWeight) * surprise);
        return Reduced(weight is null ? losses : losses * weight, reduction);
    }

    /// <summary>−w_target · logProbabilities[target]; the mean divides by the sum of the targets' weights.</summary>
    /// <param name="logProbabilities">[N, V].</param>
    /// <param name="target">Classes, I32 or I64 [N].</param>
    /// <param name="weight">Weights [V] of the classes; 1 when null.</param>
    /// <param name="ignoreIndex">Rows with this target do not count.</param>
    /// <param name="reduction">How the rows become the result.</param>
    public static Tensor NllLoss(
        Tensor logProbabilities, Tensor target, Tensor? weight = null, int ignoreIndex = -100, Reduction reduction = Reduction.Mean)
    {
        Check.Float("nll_loss", "log probabilities", logProbabilities);
        Check.Rank("nll_loss", "log probabilities", logProbabilities, 2, 2);
        int rows = logProbabilities.Size(0), classes = logProbabilities.Size(1);
        Check.Shape("nll_loss", "target", target, rows);
        if (weight is not null) Check.Shape("nll_loss", "weight", weight, classes);
        Tensor targets = Targets("nll_loss", target, classes, ignoreIndex, out _), places = Tensor.Empty(DType.I64, rows, 1), weights = Tensor.Empty(DType.F64, rows);
        Tensor? each = weight is null ? null : Contiguous(Cast(weight.Detach(), DType.F64));
        for (int i = 0; i < rows; i++)
        {
            int t = targets.AsSpan<int>()[i];
            bool counts = t != ignoreIndex;
            places.AsSpan<long>()[i] = counts ? t : 0;
            weights.AsSpan<double>()[i] = !counts ? 0 : each is null ? 1 : each.AsSpan<double>()[t];
        }
        Tensor chosen = Squeeze(Gather(logProbabilities, 1, places), 1), scale = Cast(weights, logProbabilities.DType);
        Tensor losses = -Where(Equal(scale, Tensor.Zeros(scale.DType, [])), scale, chosen * scale);
        return reduction == Reduction.Mean ? Sum(losses) / Sum(scale) : Reduced(losses, reduction);
    }

    /// <summary>
    /// Terms of the Kullback-Leibler divergence, target · (ln target − input), with 0 · ln 0 = 0. The divergence of distributions in rows is
    /// their sum divided by the number of rows; the mean here is over all elements.
    /// </summary>
    /// <param name="input">Logarithms of the model's probabilities.</param>
    /// <param name="target">Probabilities of the same shape, or their logarithms.</param>
    /// <param name="logTarget">Whether the target holds logarithms.</param>
    /// <param name="reduction">How the terms become the result.</param>
    public static Tensor KlDivergence(Tensor input, Tensor target, bool logTarget = false, Reduction reduction = Reduction.Mean)
    {
        Check.SameShape("kl_divergence", "target", target, input.Layout);
        Tensor logs = logTarget ? Clamp(target, least: -1e30) : Log(Clamp(target, least: 1.1754944e-38));
        return Reduced((logTarget ? Exp(target) : target) * (logs - input), reduction);
    }

    /// <summary>T² · KL(softmax(teacher / T) ‖ softmax(student / T)), the mean over rows (Hinton, Vinyals, Dean 2015).</summary>
    /// <param name="student">Scores [.., V].</param>
    /// <param name="teacher">Scores of the same shape; they get no gradient.</param>
    /// <param name="temperature">T.</param>
    public static Tensor DistillationLoss(Tensor student, Tensor teacher, double temperature = 1)
    {
        Tensor logs = LogSoftmax(student * (1 / temperature)), targets = LogSoftmax(teacher.Detach() * (1 / temperature));
        long rows = student.Count / Math.Max(1, student.Size(-1));
        return KlDivergence(logs, targets, logTarget: true, Reduction.Sum) * (temperature * temperature / rows);
    }

    /// <summary>a·b / (max(‖a‖, ε) · max(‖b‖, ε)) along a dimension; the shapes broadcast.</summary>
    public static Tensor CosineSimilarity(Tensor a, Tensor b, int dim = -1, double eps = 1e-8) =>
        Sum(a * b, [dim]) / (Clamp(Norm(a, [dim]), least: eps) * Clamp(Norm(b, [dim]), least: eps));

    /// <summary>1 − cos(a, b) for pairs [N, D] whose sign [N] is 1, max(0, cos(a, b) − margin) for those whose sign is −1.</summary>
    public static Tensor CosineEmbeddingLoss(Tensor a, Tensor b, Tensor sign, double margin = 0, Reduction reduction = Reduction.Mean)
    {
        Tensor similarity = CosineSimilarity(a, b);
        Check.SameShape("cosine_embedding_loss", "sign", sign, similarity.Layout);
        Tensor alike = Affine(sign, 0.5, 0.5), unlike = Affine(sign, -0.5, 0.5);
        return Reduced(alike * Affine(similarity, -1, 1) + unlike * Relu(similarity - margin), reduction);
    }

    /// <summary>max(0, ‖anchor − positive + ε‖ − ‖anchor − negative + ε‖ + margin) for rows [N, D] (Schroff et al. 2015).</summary>
    public static Tensor TripletMarginLoss(
        Tensor anchor, Tensor positive, Tensor negative, double margin = 1, double eps = 1e-6, Reduction reduction = Reduction.Mean) =>
        Reduced(Relu(Norm(anchor - positive + eps, [-1]) - Norm(anchor - negative + eps, [-1]) + margin), reduction);

    /// <summary>max(0, −sign · (a − b) + margin): a shall be greater where the sign is 1, b where it is −1.</summary>
    public static Tensor MarginRankingLoss(Tensor a, Tensor b, Tensor sign, double margin = 0, Reduction reduction = Reduction.Mean) =>
        Reduced(Relu(sign * (b - a) + margin), reduction);

    /// <summary>
    /// The contrastive loss of pairs: every row finds its partner among those of the batch, in both directions (Radford et al. 2021).
    /// </summary>
    /// <param name="image">Embeddings [N, D], normalised here.</param>
    /// <param name="text">Their partners [N, D], normalised here.</param>
    /// <param name="logScale">Logarithm of the scale of the similarities, a scalar; learned.</param>
    /// <returns>The loss, and the scaled similarities [N, N] of images with texts.</returns>
    public static (Tensor Loss, Tensor Logits) ClipLoss(Tensor image, Tensor text, Tensor logScale)
    {
        Tensor logits = Similarities("clip_loss", image, text) * Exp(logScale);
        Tensor partners = Diagonal(image.Size(0));
        return ((CrossEntropy(logits, partners) + CrossEntropy(logits.Transpose(), partners)) * 0.5, logits);
    }

    /// <summary>Every pair of the batch is judged alone: −Σ ln σ(±(scale · similarity + bias)) / N, + for partners (Zhai et al. 2023).</summary>
    /// <param name="image">Embeddings [N, D], normalised here.</param>
    /// <param name="text">Their partners [N, D], normalised here.</param>
    /// <param name="logScale">Logarithm of the scale, a scalar; learned.</param>
    /// <param name="bias">Added to the scaled similarities, a scalar; learned.</param>
    public static Tensor SiglipLoss(Tensor image, Tensor text, Tensor logScale, Tensor bias)
    {
        Tensor logits = Similarities("siglip_loss", image, text) * Exp(logScale) + bias;
        int n = image.Size(0);
        Tensor against = Affine(Cast(OneHot(Diagonal(n), n), logits.DType), -2, 1); // −1 for partners, 1 for others
        return Sum(Softplus(logits * against)) * (1.0 / n);
    }

    /// <summary>Every query finds its key, of the same row, among all keys: cross-entropy of the cosine similarities / temperature
    /// (van den Oord et al. 2018).</summary>
    /// <param name="query">[N, D], normalised here.</param>
    /// <param name="keys">[N or more, D], normalised here; keys beyond N are nobody's.</param>
    /// <param name="temperature">Divides the similarities.</param>
    public static Tensor InfoNce(Tensor query, Tensor keys, double temperature = 0.07) =>
        CrossEntropy(Similarities("info_nce", query, keys) * (1 / temperature), Diagonal(query.Size(0)));

    private static Tensor Similarities(string op, Tensor a, Tensor b)
    {
        Check.Rank(op, "first", a, 2, 2);
        Check.Rank(op, "second", b, 2, 2);
        Check.That(b.Size(0) >= a.Size(0) && b.Size(1) == a.Size(1), op, "second", $"a partner for each of {a.Layout}", $"{b.Layout}");
        return MatMul(L2Normalize(a), L2Normalize(b).Transpose());
    }

    private static Tensor Diagonal(int count)
    {
        Tensor places = Tensor.Empty(DType.I32, count);
        for (int i = 0; i < count; i++) places.AsSpan<int>()[i] = i;
        return places;
    }

    private static Tensor Reduced(Tensor losses, Reduction reduction) => reduction switch
    {
        Reduction.None => losses,
        Reduction.Sum => Sum(losses),
        _ => Mean(losses),
    };
}
