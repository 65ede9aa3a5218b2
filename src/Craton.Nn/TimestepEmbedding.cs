using Craton.Tensors;

namespace Craton.Nn;

/// <summary>
/// Times as waves of many lengths: sin(t · f) and cos(t · f) side by side, with f from 1 down to 1/period in equal ratios. A. Vaswani et al.,
/// "Attention Is All You Need", 2017, used for the steps of diffusion by J. Ho et al., 2020.
/// </summary>
public sealed class TimestepEmbedding
{
    private readonly Tensor _frequencies;
    private readonly bool _cosineFirst;

    /// <summary>Prepares the frequencies.</summary>
    /// <param name="width">Width of the result, even.</param>
    /// <param name="period">The ratio of the greatest to the least frequency.</param>
    /// <param name="cosineFirst">cos stands before sin.</param>
    /// <param name="shift">1: the last frequency is 1/period itself; 0: it is the one before it.</param>
    public TimestepEmbedding(int width, double period = 10000, bool cosineFirst = false, double shift = 1)
    {
        if (width <= 0 || width % 2 != 0) throw new CratonException($"[timestep_embedding] width: expected an even number above 0, got {width}");
        int half = width / 2;
        if (half - shift <= 0) throw new CratonException($"[timestep_embedding] shift: expected less than half of the width {width}, got {shift}");
        _cosineFirst = cosineFirst;
        _frequencies = Tensor.Persistent(DType.F32, half);
        Span<float> frequencies = _frequencies.AsSpan<float>();
        for (int i = 0; i < half; i++) frequencies[i] = (float)DeterministicMath.Exp(-DeterministicMath.Log(period) * i / (half - shift));
    }

    /// <summary>Times F32 [N] → [N, width].</summary>
    public Tensor Forward(Tensor times)
    {
        Tensor angles = Ops.Unsqueeze(times, -1) * _frequencies;
        return _cosineFirst ? Ops.Concat(-1, Ops.Cos(angles), Ops.Sin(angles)) : Ops.Concat(-1, Ops.Sin(angles), Ops.Cos(angles));
    }
}
