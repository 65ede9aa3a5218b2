using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>
/// A predictor of any order, and a corrector of one order more that needs no call of its own. W. Zhao et al., "UniPC: A Unified
/// Predictor-Corrector Framework for Fast Sampling of Diffusion Models", 2023.
/// </summary>
public sealed class UniPcSampler : LogSnrSampler
{
    private const int MostOrder = 6;

    private readonly bool _clean, _bh1, _lowerAtEnd;
    private readonly int _order;
    private readonly int[] _uncorrected;
    private readonly List<Tensor> _past = []; // the newest first
    private Tensor? _start; // the image before the last step
    private int _lastOrder;

    /// <summary>Reads the settings and chooses the timesteps.</summary>
    public UniPcSampler(ConfigReader read, SamplerOptions options) : base(read, options, flowFromOne: true)
    {
        (_clean, _lowerAtEnd, _order) = (read.Flag("predict_x0", true), read.Flag("lower_order_final", true), read.IntOr(2, "solver_order"));
        if (_order is < 1 or > MostOrder) throw new CratonException($"{read.File}: solver_order: expected 1 to {MostOrder}, got {_order}");
        string type = read.TextOr("bh2", "solver_type");
        if (type is not ("bh1" or "bh2" or "midpoint" or "heun" or "logrho")) throw new CratonException($"{read.File}: solver_type is '{type}', expected bh1 or bh2");
        _bh1 = type == "bh1";
        _uncorrected = read.Ints("disable_corrector") ?? [];
        read.Refuse(read.Has("solver_p"), "solver_p", "another solver would predict");
        read.Refuse(EndsInZero && !_clean, "predict_x0", "the form in noise divides by the last noise; use final_sigmas_type sigma_min");
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor output, Tensor x, int call, Tensor? noise = null)
    {
        Tensor answer = _clean ? CleanOf(output, x, call) : NoiseOf(output, x, call);
        if (_start is not null && !_uncorrected.Contains(call - 1)) x = Moved(_start, call - 1, _lastOrder, answer);
        _past.Insert(0, answer);
        if (_past.Count > _order) _past.RemoveAt(_order);
        int order = Math.Min(_past.Count, _lowerAtEnd ? Timesteps.Length - call : _order);
        (_start, _lastOrder) = (x, order);
        return Moved(x, call, order, null);
    }

    // The step from a place to the next; with the answer there, the step corrected by it.
    private Tensor Moved(Tensor x, int from, int order, Tensor? answer)
    {
        double now = Lambda(from), h = Lambda(from + 1) - now, signed = _clean ? -h : h, grown = DeterministicMath.Exp(signed) - 1;
        double scale = _bh1 ? signed : grown, factor = _clean ? Alpha(from + 1) : Sigma(from + 1);
        Tensor next = x * (_clean ? Sigma(from + 1) / Sigma(from) : Alpha(from + 1) / Alpha(from)) - _past[0] * (factor * grown);
        int count = order - 1 + (answer is null ? 0 : 1);
        if (count == 0) return next;
        double[] places = [.. Enumerable.Range(1, order - 1).Select(k => (Lambda(from - k) - now) / h), 1];
        double[] weights = count == 1 && (answer is not null || order == 2) ? [0.5] : Weights(places[..count], signed, scale);
        for (int k = 0; k < count; k++)
        {
            Tensor other = k < order - 1 ? _past[k + 1] : answer!;
            next -= (other - _past[0]) * (factor * scale * weights[k] / places[k]);
        }
        return next;
    }

    // Weights that are exact for polynomials: Σ wₖ · placeₖⁱ = i-th φ function, for i of 0 to their number less 1.
    private static double[] Weights(double[] places, double h, double scale)
    {
        int count = places.Length;
        double[,] system = new double[count, count + 1];
        double phi = (DeterministicMath.Exp(h) - 1) / h - 1, factorial = 1;
        for (int i = 0; i < count; i++)
        {
            for (int k = 0; k < count; k++) system[i, k] = DeterministicMath.Power(places[k], i);
            system[i, count] = phi * factorial / scale;
            factorial *= i + 2;
            phi = phi / h - 1 / factorial;
        }
        return Solved(system, count);
    }

    // Gauss's elimination; the places differ, so the system has a solution.
    private static double[] Solved(double[,] system, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int pivot = Enumerable.Range(i, count - i).MaxBy(row => Math.Abs(system[row, i]));
            for (int k = 0; k <= count; k++) (system[i, k], system[pivot, k]) = (system[pivot, k], system[i, k]);
            for (int row = 0; row < count; row++)
            {
                double share = row == i ? 0 : system[row, i] / system[i, i];
                for (int k = i; k <= count && row != i; k++) system[row, k] -= share * system[i, k];
            }
        }
        return [.. Enumerable.Range(0, count).Select(i => system[i, count] / system[i, i])];
    }
}
