using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>
/// The loss of masked diffusion: a weighted sum of the cross-entropies of masked tokens. What is called a time here may as well be the
/// probability of the mask. The weights of the forms differ; all are zero for tokens that are not masked.
/// </summary>
public static class MaskedLoss
{
    /// <summary>1 / time of the row, over the number of all tokens (Nie et al., "Large Language Diffusion Models", 2025; Sahoo et al. 2024).</summary>
    /// <param name="masked">Which tokens are masked, row by row.</param>
    /// <param name="times">For each row the number that divides.</param>
    public static float[] PerToken(ReadOnlySpan<bool> masked, ReadOnlySpan<double> times)
    {
        int length = Length(masked, times);
        float[] weights = new float[masked.Length];
        for (int i = 0; i < weights.Length; i++)
            if (masked[i]) weights[i] = (float)(1 / times[i / length] / weights.Length);
        return weights;
    }

    /// <summary>1 / time of the row, over the tokens of its answer, and over the number of rows: each answer counts the same (Nie et al. 2025).</summary>
    /// <param name="masked">Which tokens are masked, row by row; those of a prompt do not count.</param>
    /// <param name="times">For each row the number that divides.</param>
    /// <param name="prompt">Which tokens belong to a prompt.</param>
    public static float[] PerAnswer(ReadOnlySpan<bool> masked, ReadOnlySpan<double> times, ReadOnlySpan<bool> prompt)
    {
        int length = Length(masked, times);
        if (prompt.Length != masked.Length) throw new CratonException($"[masked_loss] prompt: expected a flag for each of {masked.Length} tokens, got {prompt.Length}");
        float[] weights = new float[masked.Length];
        for (int row = 0; row < times.Length; row++)
        {
            int answer = length - prompt.Slice(row * length, length).Count(true);
            for (int i = row * length; i < (row + 1) * length; i++)
                if (masked[i] && !prompt[i]) weights[i] = (float)(1 / times[row] / answer / times.Length);
        }
        return weights;
    }

    /// <summary>The same for each masked token, adding up to 1.</summary>
    /// <param name="masked">Which tokens are masked.</param>
    public static float[] Mean(ReadOnlySpan<bool> masked)
    {
        float share = 1f / Math.Max(1, masked.Count(true));
        float[] weights = new float[masked.Length];
        for (int i = 0; i < weights.Length; i++)
            if (masked[i]) weights[i] = share;
        return weights;
    }

    /// <summary>The weighted sum of −log p of the tokens.</summary>
    /// <param name="logits">Scores [N, T, V].</param>
    /// <param name="ids">The tokens that are meant, I32 or I64 [N, T].</param>
    /// <param name="weights">A weight for each token.</param>
    /// <param name="excluded">An id that no token can be, as the mask in MDLM; none when null.</param>
    public static Tensor Sum(Tensor logits, Tensor ids, ReadOnlySpan<float> weights, int? excluded = null)
    {
        if (logits.Rank != 3 || weights.Length != logits.Size(0) * logits.Size(1))
            throw new CratonException($"[masked_loss] expected scores [N, T, V] and a weight for each token, got {logits.Layout} and {weights.Length} weights");
        if (excluded is { } id) logits = Ops.MaskedFill(logits, Only(id, logits.Size(2)), float.NegativeInfinity);
        Tensor losses = Ops.CrossEntropy(logits, ids, new CrossEntropyOptions { Reduction = Reduction.None });
        return Ops.Sum(losses * Tensor.From(weights, losses.Shape));
    }

    private static Tensor Only(int id, int count)
    {
        bool[] flags = new bool[count];
        flags[id] = true;
        return Tensor.From(flags, 1, 1, count);
    }

    private static int Length(ReadOnlySpan<bool> masked, ReadOnlySpan<double> times) => times.Length > 0 && masked.Length % times.Length == 0
        ? masked.Length / times.Length
        : throw new CratonException($"[masked_loss] times: expected one for each row of {masked.Length} tokens, got {times.Length}");
}
