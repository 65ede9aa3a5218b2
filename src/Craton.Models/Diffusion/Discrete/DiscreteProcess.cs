using Craton.Tensors;

namespace Craton.Models.Diffusion.Discrete;

/// <summary>
/// Diffusion over a few states by transition matrices (D3PM). J. Austin et al., "Structured Denoising Diffusion Models in Discrete State-Spaces",
/// 2021. Steps count from 0; Q of a step is [from, to].
/// </summary>
public sealed class DiscreteProcess
{
    private readonly double[][,] _steps, _products;

    private DiscreteProcess(int states, ReadOnlySpan<double> betas, Func<double, int, int, double> element)
    {
        if (states < 2) throw new CratonException($"[d3pm] states: expected 2 or more, got {states}");
        if (betas.Length == 0) throw new CratonException("[d3pm] betas: expected one for each step, got none");
        States = states;
        _steps = new double[betas.Length][,];
        _products = new double[betas.Length][,];
        for (int t = 0; t < betas.Length; t++)
        {
            if (betas[t] is not (>= 0 and <= 1)) throw new CratonException($"[d3pm] betas: expected numbers from 0 to 1, got {betas[t]}");
            double[,] matrix = new double[states, states];
            for (int i = 0; i < states; i++)
                for (int j = 0; j < states; j++) matrix[i, j] = element(betas[t], i, j);
            _steps[t] = matrix;
            _products[t] = t == 0 ? matrix : Times(_products[t - 1], matrix);
        }
    }

    /// <summary>Number of states.</summary>
    public int States { get; }

    /// <summary>Number of steps.</summary>
    public int Steps => _steps.Length;

    /// <summary>With probability β a state becomes any state: (1 − β)·I + β / K.</summary>
    public static DiscreteProcess Uniform(int states, ReadOnlySpan<double> betas) =>
        new(states, betas, (beta, i, j) => (i == j ? 1 - beta : 0) + beta / states);

    /// <summary>With probability β a state becomes the last one, which stays: (1 − β)·I + β to state K − 1.</summary>
    public static DiscreteProcess Absorbing(int states, ReadOnlySpan<double> betas) =>
        new(states, betas, (beta, i, j) => (i == j ? 1 - beta : 0) + (j == states - 1 ? beta : 0));

    /// <summary>The matrix of one step.</summary>
    public double[,] Step(int time) => _steps[Checked(time)];

    /// <summary>The matrix of all steps up to one.</summary>
    public double[,] Product(int time) => _products[Checked(time)];

    /// <summary>The state after a step: the first whose cumulated probability exceeds a uniform number.</summary>
    public int Noised(int clean, int time, double uniform)
    {
        double[,] product = Product(time);
        double sum = 0;
        for (int j = 0; j < States - 1; j++)
            if ((sum += product[CheckedState(clean), j]) > uniform) return j;
        return States - 1;
    }

    /// <summary>q(state one step earlier | state, clean state).</summary>
    /// <param name="clean">The clean state.</param>
    /// <param name="noised">The state after the step.</param>
    /// <param name="time">The step.</param>
    public double[] Posterior(int clean, int noised, int time)
    {
        double[] mixture = new double[States];
        mixture[CheckedState(clean)] = 1;
        return PosteriorOf(mixture, noised, time);
    }

    /// <summary>The same where a network only has an expectation of the clean state.</summary>
    /// <param name="scores">Its scores, [K].</param>
    /// <param name="noised">The state after the step.</param>
    /// <param name="time">The step.</param>
    public double[] ModelPosterior(ReadOnlySpan<float> scores, int noised, int time) => PosteriorOf(Probabilities.Softmax(scores), noised, time);

    /// <summary>Divergence of one distribution from another, in nats.</summary>
    public static double Divergence(ReadOnlySpan<double> p, ReadOnlySpan<double> q)
    {
        double sum = 0;
        for (int i = 0; i < p.Length; i++)
            if (p[i] > 0) sum += p[i] * (DeterministicMath.Log(p[i]) - DeterministicMath.Log(q[i]));
        return sum;
    }

    // Proportional to Q[.., noised] · (mixture · what the steps before make of it).
    private double[] PosteriorOf(double[] mixture, int noised, int time)
    {
        double[,] step = Step(time);
        double[] result = new double[States];
        double sum = 0;
        for (int j = 0; j < States; j++)
        {
            double before = time == 0 ? mixture[j] : 0;
            for (int i = 0; time > 0 && i < States; i++) before += mixture[i] * _products[time - 1][i, j];
            sum += result[j] = step[j, CheckedState(noised)] * before;
        }
        if (!(sum > 0)) throw new CratonException($"[d3pm] noised: state {noised} cannot be reached from the clean state in {time + 1} steps");
        for (int j = 0; j < States; j++) result[j] /= sum;
        return result;
    }

    private static double[,] Times(double[,] a, double[,] b)
    {
        int n = a.GetLength(0);
        double[,] result = new double[n, n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                for (int k = 0; k < n; k++) result[i, j] += a[i, k] * b[k, j];
        return result;
    }

    private int Checked(int time) => time >= 0 && time < Steps ? time : throw new CratonException($"[d3pm] time: expected 0 to {Steps - 1}, got {time}");

    private int CheckedState(int state) => state >= 0 && state < States ? state : throw new CratonException($"[d3pm] state: expected 0 to {States - 1}, got {state}");
}
