using System.Text.Json.Nodes;
using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>How a model goes from noise to a picture.</summary>
/// <param name="Steps">Steps of the sampler.</param>
/// <param name="Guidance">How far answers are moved away from those without a label or caption; 1 for not at all.</param>
/// <param name="Restarts">
/// How often the picture is given noise again, and drawn anew from there: what contradicts the whole, such as one thing too many, has another chance to
/// go (Y. Xu et al., "Restart Sampling for Improving Generative Processes", 2023).
/// </param>
/// <param name="RestartFrom">After which share of the steps a restart begins: as much noise as there is then is given.</param>
public sealed record DrawingSettings(int Steps, double Guidance, int Restarts = 0, double RestartFrom = DrawingSettings.UsualRestartFrom)
{
    /// <summary>Most guidance that may be asked for.</summary>
    public const double MostGuidance = 100;

    /// <summary>Most restarts that may be asked for.</summary>
    public const int MostRestarts = 100;

    /// <summary>Where restarts begin unless something else is asked for.</summary>
    public const double UsualRestartFrom = 0.2;

    /// <summary>The calls of a network that drawing takes.</summary>
    public int Calls => Steps + Restarts * (Steps - FirstAgain);

    /// <summary>The first step of a restart.</summary>
    internal int FirstAgain => (int)(Steps * RestartFrom);

    /// <summary>Reads them from an object of a <c>config.json</c>.</summary>
    /// <exception cref="CratonException">A value is missing or out of range.</exception>
    internal static DrawingSettings Read(ConfigReader read)
    {
        var settings = new DrawingSettings(read.Int("steps"), read.Real("guidance", 1), read.IntOr(0, "restarts"), read.Number("restart_from", UsualRestartFrom));
        settings.Check(read.File);
        return settings;
    }

    /// <summary>Writes what <see cref="Read"/> reads.</summary>
    internal void AddTo(JsonObject settings)
    {
        (settings["steps"], settings["guidance"]) = (Steps, Guidance);
        (settings["restarts"], settings["restart_from"]) = (Restarts, RestartFrom);
    }

    /// <summary>Refuses what no model can draw by.</summary>
    /// <param name="place">What gave it, for the error.</param>
    /// <exception cref="CratonException">A value is out of range.</exception>
    internal void Check(string place)
    {
        if (Steps < 1) throw new CratonException($"{place}: steps: expected 1 or more, got {Steps}");
        if (Guidance is not (>= 0 and <= MostGuidance)) throw new CratonException($"{place}: guidance: expected 0 to {MostGuidance}, got {Guidance}");
        if (Restarts is < 0 or > MostRestarts) throw new CratonException($"{place}: restarts: expected 0 to {MostRestarts}, got {Restarts}");
        if (RestartFrom is not (>= 0 and < 1)) throw new CratonException($"{place}: restart_from: expected 0 to less than 1, got {RestartFrom}");
    }
}
