using Craton.Tensors;

namespace Craton.Models.Adapters;

/// <summary>An IA³ adapter as <c>adapter_config.json</c> of PEFT describes it.</summary>
internal sealed class Ia3Config
{
    private static readonly string[] Known =
    [
        "auto_mapping", "base_model_name_or_path", "exclude_modules", "fan_in_fan_out", "feedforward_modules", "inference_mode", "init_ia3_weights",
        "modules_to_save", "peft_type", "peft_version", "revision", "runtime_config", "target_modules", "task_type",
    ];

    private readonly ConfigReader _read;
    private readonly string[] _feedForward;

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="CratonException">A setting means nothing, or is not supported.</exception>
    public Ia3Config(ConfigReader read)
    {
        read.RefuseOthers(Known);
        _read = read;
        Targets = new AdapterTargets(read);
        _feedForward = read.TextOrTexts("feedforward_modules") ?? [];
    }

    public AdapterTargets Targets { get; }

    /// <summary>Whether a module's input is scaled, not its output.</summary>
    public bool IsFeedForward(string path) => _read.IsText("feedforward_modules")
        ? AdapterTargets.IsWhole(_read.File, _feedForward[0], path)
        : Array.Exists(_feedForward, name => path.EndsWith(name, StringComparison.Ordinal));
}
