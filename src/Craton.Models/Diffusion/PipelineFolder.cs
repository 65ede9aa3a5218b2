using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>Pipelines on disk in the layout of diffusers: <c>model_index.json</c> beside a folder for each part.</summary>
public static class PipelineFolder
{
    private const string IndexFile = "model_index.json", SchedulerFile = "scheduler_config.json";

    /// <summary>The class of the pipeline in a directory; null where there is none.</summary>
    /// <exception cref="CratonException">The file is damaged.</exception>
    public static string? ClassIn(string directory)
    {
        string file = Path.Combine(directory, IndexFile);
        return File.Exists(file) ? new ConfigReader(file, JsonFile.Read(file)).TextOr("", "_class_name") : null;
    }

    /// <summary>The settings of the sampler.</summary>
    /// <exception cref="CratonException">The file is missing or damaged.</exception>
    internal static ConfigReader Scheduler(string directory)
    {
        string file = Path.Combine(directory, "scheduler", SchedulerFile);
        return new ConfigReader(file, JsonFile.Read(file));
    }
}
