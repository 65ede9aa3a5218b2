using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>How the share of tokens that are still there falls with time.</summary>
public enum MaskingForm
{
    /// <summary>α = 1 − ((1 − ε)·t + ε).</summary>
    Linear,
    /// <summary>α = 1 − (1 − ε)·t, whose noise −log α is log-linear.</summary>
    LogLinear,
    /// <summary>α = ε + (1 − ε)·cos(π·t / 2).</summary>
    Cosine,
    /// <summary>α = ε + (1 − ε)·(1 − tʷ) with an exponent w.</summary>
    Polynomial,
}

/// <summary>
/// The forward process of masked diffusion: at time t from 0 to 1 each token has become the mask with probability 1 − α(t). S. Sahoo et al.,
/// "Simple and Effective Masked Diffusion Language Models", 2024; J. Shi et al., "Simplified and Generalized Masked Diffusion for Discrete Data",
/// 2024.
/// </summary>
/// <param name="form">The form of α.</param>
/// <param name="eps">ε, which keeps α from the ends.</param>
/// <param name="exponent">w of the polynomial form, 1 or more.</param>
public sealed class MaskingSchedule(MaskingForm form, double eps = 1e-3, double exponent = 2)
{
    /// <summary>The share of tokens that are still there, α(t).</summary>
    public double Alpha(double time)
    {
        Check(time);
        return form switch
        {
            MaskingForm.Linear => 1 - ((1 - eps) * time + eps),
            MaskingForm.LogLinear => 1 - (1 - eps) * time,
            MaskingForm.Cosine => eps + (1 - eps) * DeterministicMath.Cos(Math.PI * time / 2),
            _ => eps + (1 - eps) * (1 - DeterministicMath.Pow(time, exponent)),
        };
    }

    /// <summary>The probability that a token is masked, 1 − α(t).</summary>
    public double MaskProbability(double time) => 1 - Alpha(time);

    /// <summary>Weight of the loss at a time, −α′(t) / (1 − α(t)), with which it bounds the negative log-likelihood; 0 where nothing is masked.</summary>
    public double Weight(double time)
    {
        double masked = MaskProbability(time);
        double slope = form switch
        {
            MaskingForm.Linear or MaskingForm.LogLinear => 1 - eps,
            MaskingForm.Cosine => (1 - eps) * Math.PI / 2 * DeterministicMath.Sin(Math.PI * time / 2),
            _ => (1 - eps) * exponent * DeterministicMath.Pow(time, exponent - 1),
        };
        return masked == 0 ? 0 : slope / masked;
    }

    /// <summary>Masks tokens.</summary>
    /// <param name="ids">Token ids of texts, row by row.</param>
    /// <param name="times">A time for each row.</param>
    /// <param name="uniforms">A number from 0 to 1 for each token: it is masked where this is below the probability.</param>
    /// <param name="mask">Id of the mask.</param>
    /// <param name="kept">Tokens that are never masked, such as those of a prompt; none when empty.</param>
    /// <returns>The ids with the mask in places, and where.</returns>
    /// <exception cref="CratonException">The lengths do not fit.</exception>
    public (int[] Ids, bool[] Masked) Mask(ReadOnlySpan<int> ids, ReadOnlySpan<double> times, ReadOnlySpan<double> uniforms, int mask, ReadOnlySpan<bool> kept = default)
    {
        if (times.Length == 0 || ids.Length % times.Length != 0 || uniforms.Length != ids.Length || (kept.Length != 0 && kept.Length != ids.Length))
            throw new CratonException($"[masking] expected rows of one length for {times.Length} times, and a uniform number for each of {ids.Length} tokens, got {uniforms.Length}");
        int length = ids.Length / times.Length;
        int[] result = ids.ToArray();
        bool[] masked = new bool[ids.Length];
        for (int i = 0; i < result.Length; i++)
        {
            masked[i] = uniforms[i] < MaskProbability(times[i / length]) && (kept.Length == 0 || !kept[i]);
            if (masked[i]) result[i] = mask;
        }
        return (result, masked);
    }

    private static void Check(double time)
    {
        if (time is not (>= 0 and <= 1)) throw new CratonException($"[masking] time: expected a number from 0 to 1, got {time}");
    }
}
