using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>DPM-Solver and DPM-Solver++ that use past answers: up to the third order with one call for a step.</summary>
public sealed class DpmMultistepSampler : LogSnrSampler
{
    private const int FewSteps = 15;

    private readonly DpmForm _form;
    private readonly bool _midpoint, _lowerAtEnd, _eulerAtEnd;
    private readonly int _order;
    private readonly List<Tensor> _past = []; // the newest first

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public DpmMultistepSampler(ConfigReader read, SamplerOptions options) : base(read, options)
    {
        (_form, _midpoint, _order) = (DpmTerms.Form(read), DpmTerms.Midpoint(read), read.IntOr(2, "solver_order"));
        (_lowerAtEnd, _eulerAtEnd) = (read.Flag("lower_order_final", true), read.Flag("euler_at_final"));
        if (_order is < 1 or > 3) throw new CratonException($"{read.File}: solver_order: expected 1 to 3, got {_order}");
        read.Refuse(_order == 3 && _form == DpmForm.StochasticPlain, "solver_order", "sde-dpmsolver has no third order");
        read.Refuse(read.TextOr("", "variance_type").Length > 0, "variance_type", "the network's answer would hold more than the prediction");
        read.Refuse(EndsInZero && _form is DpmForm.Plain or DpmForm.StochasticPlain, "final_sigmas_type", "dpmsolver divides by the last noise; use sigma_min");
    }

    /// <inheritdoc/>
    public override bool DrawsNoise(int call) => _form is DpmForm.StochasticPlain or DpmForm.StochasticPlusPlus;

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        _past.Insert(0, _form is DpmForm.PlusPlus or DpmForm.StochasticPlusPlus ? CleanOf(output, x, call) : NoiseOf(output, x, call));
        if (_past.Count > _order) _past.RemoveAt(_order);
        int left = Timesteps.Length - call, order = _past.Count;
        bool few = _lowerAtEnd && Timesteps.Length < FewSteps;
        if (left == 1 && (few || _eulerAtEnd || EndsInZero)) order = 1;
        else if (left == 2 && few) order = Math.Min(order, 2);
        double now = Lambda(call), h = Lambda(call + 1) - now;
        DpmTerms terms = DpmTerms.Of(_form, (Alpha(call), Sigma(call)), (Alpha(call + 1), Sigma(call + 1)), h, _midpoint && order < 3);
        Tensor next = x * terms.X + _past[0] * terms.Zeroth;
        if (order > 1)
        {
            double r0 = (now - Lambda(call - 1)) / h;
            Tensor first = (_past[0] - _past[1]) * (1 / r0);
            if (order == 2) next += first * terms.First;
            else
            {
                double r1 = (Lambda(call - 1) - Lambda(call - 2)) / h;
                Tensor change = (first - (_past[1] - _past[2]) * (1 / r1)) * (1 / (r0 + r1));
                next += (first + change * r0) * terms.First + change * terms.Second;
            }
        }
        return DrawsNoise(call) ? next + Needed(noise) * terms.Noise : next;
    }
}
