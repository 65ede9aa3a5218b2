using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>DPM-Solver and DPM-Solver++ whose calls come in groups of growing order, each group starting from the same image.</summary>
public sealed class DpmSinglestepSampler : LogSnrSampler
{
    private readonly DpmForm _form;
    private readonly bool _midpoint;
    private readonly int[] _orders;
    private readonly List<Tensor> _answers = []; // of the group, the newest first
    private Tensor? _start;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public DpmSinglestepSampler(ConfigReader read, SamplerOptions options) : base(read, options, TimestepSpacing.Linspace)
    {
        (_form, _midpoint) = (DpmTerms.Form(read), DpmTerms.Midpoint(read));
        int order = read.IntOr(2, "solver_order");
        if (order is < 1 or > 3) throw new CratonException($"{read.File}: solver_order: expected 1 to 3, got {order}");
        read.Refuse(_form == DpmForm.StochasticPlain, "algorithm_type", "sde-dpmsolver has no single steps");
        read.Refuse(_form == DpmForm.StochasticPlusPlus && order == 3, "solver_order", "sde-dpmsolver++ has no third order of single steps");
        read.Refuse(EndsInZero && _form == DpmForm.Plain, "final_sigmas_type", "dpmsolver divides by the last noise; use sigma_min");
        read.Refuse(read.TextOr("", "variance_type").Length > 0, "variance_type", "the network's answer would hold more than the prediction");
        _orders = Orders(order, options.Steps, read.Flag("lower_order_final") || EndsInZero || options.Steps % order != 0);
        if (EndsInZero) _orders[^1] = 1;
    }

    // Groups 1 .. order. Where the end is of lower orders, the last call is of the first order.
    private static int[] Orders(int order, int steps, bool lowerAtEnd)
    {
        int[] orders = [.. Enumerable.Range(0, steps).Select(i => i % order + 1)];
        if (!lowerAtEnd || order == 1) return orders;
        if (order == 3 && steps % 3 == 0) orders[^1] = 1;
        if (order == 2 && steps % 2 == 0) orders[^1] = 1;
        return orders;
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => _form == DpmForm.StochasticPlusPlus;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        int order = Math.Min(_orders[call], _answers.Count + 1), from = call - order + 1; // lower where the way begins within a group
        if (order == 1)
        {
            _start = x;
            _answers.Clear();
        }
        _answers.Insert(0, _form == DpmForm.Plain ? NoiseOf(output, x, call) : CleanOf(output, x, call));
        double begin = Lambda(from), h = Lambda(call + 1) - begin;
        DpmTerms terms = DpmTerms.Of(_form, (Alpha(from), Sigma(from)), (Alpha(call + 1), Sigma(call + 1)), h, _midpoint && order < 3);
        Tensor next = _start! * terms.X + _answers[^1] * terms.Zeroth;
        if (order > 1)
        {
            double r0 = (Lambda(call) - begin) / h;
            Tensor far = (_answers[0] - _answers[^1]) * (1 / r0);
            if (order == 2 || _midpoint) next += far * terms.First;
            else
            {
                double r1 = (Lambda(call - 1) - begin) / h;
                Tensor near = (_answers[1] - _answers[2]) * (1 / r1);
                next += (near * r0 - far * r1) * (terms.First / (r0 - r1)) + (far - near) * (2 * terms.Second / (r0 - r1));
            }
        }
        return DrawsNoise(call) ? next + Needed(noise) * terms.Noise : next;
    }
}
