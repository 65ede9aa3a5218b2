using Craton.Tensors;

namespace Craton.Models.Diffusion.Samplers;

/// <summary>The four forms of the equation that DPM-Solver integrates.</summary>
internal enum DpmForm
{
    /// <summary>In the noise.</summary>
    Plain,
    /// <summary>In the clean image.</summary>
    PlusPlus,
    /// <summary>In the noise, with noise.</summary>
    StochasticPlain,
    /// <summary>In the clean image, with noise.</summary>
    StochasticPlusPlus,
}

/// <summary>
/// Factors of a step over h in λ: on the image, on an answer and its first and second difference, and on noise. Lu et al. 2022, appendix B
/// ("Midpoint": half of the first factor stands for the first difference; else the exact integral).
/// </summary>
/// <param name="X">On the image.</param>
/// <param name="Zeroth">On the answer.</param>
/// <param name="First">On its first difference.</param>
/// <param name="Second">On its second difference.</param>
/// <param name="Noise">On noise.</param>
internal readonly record struct DpmTerms(double X, double Zeroth, double First, double Second, double Noise)
{
    /// <summary>Reads <c>algorithm_type</c>.</summary>
    public static DpmForm Form(ConfigReader read) => read.TextOr("dpmsolver++", "algorithm_type") switch
    {
        "dpmsolver" => DpmForm.Plain,
        "dpmsolver++" => DpmForm.PlusPlus,
        "sde-dpmsolver" => DpmForm.StochasticPlain,
        "sde-dpmsolver++" => DpmForm.StochasticPlusPlus,
        var other => throw new CratonException($"{read.File}: algorithm_type is '{other}', expected dpmsolver, dpmsolver++, sde-dpmsolver or sde-dpmsolver++"),
    };

    /// <summary>Reads <c>solver_type</c>: true for midpoint.</summary>
    public static bool Midpoint(ConfigReader read) => read.TextOr("midpoint", "solver_type") switch
    {
        "midpoint" or "logrho" or "bh1" or "bh2" => true, // others' names, which DPM-Solver reads so
        "heun" => false,
        var other => throw new CratonException($"{read.File}: solver_type is '{other}', expected midpoint or heun"),
    };

    /// <summary>The factors.</summary>
    /// <param name="form">The form of the equation.</param>
    /// <param name="from">α and σ before.</param>
    /// <param name="to">α and σ after.</param>
    /// <param name="h">The step in λ.</param>
    /// <param name="midpoint">Whether the first difference has half of the answer's factor.</param>
    public static DpmTerms Of(DpmForm form, (double Alpha, double Sigma) from, (double Alpha, double Sigma) to, double h, bool midpoint)
    {
        bool clean = form is DpmForm.PlusPlus or DpmForm.StochasticPlusPlus, stochastic = form is DpmForm.StochasticPlain or DpmForm.StochasticPlusPlus;
        // In every form the factors are c · (eᵘ − 1), c · ((eᵘ − 1) / u − 1) and c · ((eᵘ − 1 − u) / u² − ½) for a u of h.
        double u = form switch { DpmForm.PlusPlus => -h, DpmForm.StochasticPlusPlus => -2 * h, _ => h };
        double grown = DeterministicMath.Exp(u) - 1, c = -(clean ? to.Alpha : to.Sigma) * (form == DpmForm.StochasticPlain ? 2 : 1);
        double first = midpoint ? 0.5 * grown * c : c * (grown / u - 1);
        double half = form == DpmForm.StochasticPlusPlus ? -0.5 : 0.5; // as published solvers have it
        double x = clean ? to.Sigma / from.Sigma * (stochastic ? DeterministicMath.Exp(-h) : 1) : to.Alpha / from.Alpha;
        double noise = !stochastic ? 0 : to.Sigma * Math.Sqrt(clean ? -grown : DeterministicMath.Exp(2 * h) - 1);
        return new(x, c * grown, first, c * ((grown - u) / (u * u) - half), noise);
    }
}
