using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Adapters;

/// <summary>Which biases of the model an adapter brings values of its own for.</summary>
public enum AdapterBias
{
    /// <summary>None.</summary>
    None,
    /// <summary>Those of the layers it adapts.</summary>
    LoraOnly,
    /// <summary>All.</summary>
    All,
}

/// <summary>A LoRA adapter as <c>adapter_config.json</c> of PEFT describes it.</summary>
public sealed record LoraConfig
{
    // What needs no care: names of other things, and how an adapter began.
    private static readonly string[] Harmless =
    [
        "auto_mapping", "base_model_name_or_path", "corda_config", "eva_config", "fan_in_fan_out", "inference_mode", "loftq_config", "lora_ga_config",
        "megatron_core", "peft_type", "peft_version", "qalora_group_size", "revision", "runtime_config", "task_type",
    ];

    private static readonly string[] Settings =
    [
        "alpha_pattern", "bias", "exclude_modules", "init_lora_weights", "layers_pattern", "layers_to_transform", "lora_alpha", "lora_bias", "lora_dropout",
        "modules_to_save", "r", "rank_pattern", "target_modules", "use_dora", "use_rslora",
    ];

    /// <summary>Rank of the updates.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The factor on an update is this divided by the rank.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>Probability with which a feature is left out of the updates in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Divide by the root of the rank instead (Kalajdzievski 2023: rsLoRA).</summary>
    public bool UseRsLora { get; init; }

    /// <summary>Learn the lengths of the weights' rows by themselves (Liu et al. 2024: DoRA).</summary>
    public bool UseDora { get; init; }

    /// <summary>Whether updates add biases.</summary>
    public bool LoraBias { get; init; }

    /// <summary>Biases of the model that come with the adapter.</summary>
    public AdapterBias Bias { get; init; }

    /// <summary>Other ranks, by pattern of the end of a module's path.</summary>
    public IReadOnlyList<(string Name, double Value)> RankPattern { get; init; } = [];

    /// <summary>Other alphas, likewise.</summary>
    public IReadOnlyList<(string Name, double Value)> AlphaPattern { get; init; } = [];

    internal AdapterTargets Targets { get; private init; } = null!;

    private string File { get; init; } = "";

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="CratonException">A setting means nothing, or is not supported.</exception>
    public static LoraConfig Read(ConfigReader read)
    {
        read.RefuseOthers([.. Harmless, .. Settings]);
        if (read.IsText("init_lora_weights") && read.TextOr("", "init_lora_weights") is not ("gaussian" or "eva" or "orthogonal") and var how)
            throw new CratonException($"{read.File}: init_lora_weights is '{how}', which has changed the weights of the base model as well; convert the adapter to a plain LoRA in PEFT");
        return new LoraConfig
        {
            File = read.File,
            Rank = Bounded(read.File, "r", read.IntOr(8, "r")),
            Alpha = read.Number("lora_alpha", 8),
            Dropout = read.Probability("lora_dropout"),
            UseRsLora = read.Flag("use_rslora"),
            UseDora = read.Flag("use_dora"),
            LoraBias = read.Flag("lora_bias"),
            Bias = read.TextOr("none", "bias") switch
            {
                "none" => AdapterBias.None,
                "lora_only" => AdapterBias.LoraOnly,
                "all" => AdapterBias.All,
                var other => throw new CratonException($"{read.File}: bias is '{other}', expected none, all or lora_only"),
            },
            RankPattern = read.NumbersByName("rank_pattern"),
            AlphaPattern = read.NumbersByName("alpha_pattern"),
            Targets = new AdapterTargets(read),
        };
    }

    /// <summary>The update of a module.</summary>
    /// <param name="path">Its dotted path.</param>
    public LoraShape ShapeOf(string path)
    {
        int rank = Bounded(File, "rank_pattern", AdapterTargets.Choose(File, RankPattern, path, Rank));
        double alpha = AdapterTargets.Choose(File, AlphaPattern, path, Alpha);
        return new LoraShape(rank, alpha / (UseRsLora ? Math.Sqrt(rank) : rank)) { Dora = UseDora, Bias = LoraBias, Dropout = Dropout };
    }

    /// <summary>The configuration of a new adapter, as PEFT reads it.</summary>
    /// <param name="baseModel">Name or directory of the model it is for.</param>
    /// <param name="targets">Ends of the paths of the modules, or "all-linear".</param>
    /// <exception cref="CratonException">"all-linear" is given with others.</exception>
    public JsonObject ToJson(string? baseModel, IReadOnlyList<string> targets) => targets.Count > 1 && targets.Contains(AdapterTargets.AllLinear)
        ? throw new CratonException("targets: 'all-linear' stands for all linear layers but the output; give it alone, or name the layers")
        : new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["r"] = Rank,
            ["lora_alpha"] = Alpha,
            ["lora_dropout"] = Dropout,
            ["target_modules"] = targets is [AdapterTargets.AllLinear] ? targets[0] : new JsonArray([.. targets.Select(t => (JsonNode)t)]),
            ["rank_pattern"] = Patterns(RankPattern),
            ["alpha_pattern"] = Patterns(AlphaPattern),
            ["bias"] = Bias switch { AdapterBias.All => "all", AdapterBias.LoraOnly => "lora_only", _ => "none" },
            ["lora_bias"] = LoraBias,
            ["use_rslora"] = UseRsLora,
            ["use_dora"] = UseDora,
            ["modules_to_save"] = null,
            ["fan_in_fan_out"] = false,
            ["init_lora_weights"] = true,
            ["inference_mode"] = true,
        };

    private static JsonObject Patterns(IEnumerable<(string Name, double Value)> patterns) => new(patterns.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Value)));

    // A rank above the sides of every matrix is no mistake of PEFT's, but one that a file of any size could claim.
    private static int Bounded(string file, string name, double rank) => rank is >= 1 and <= 1 << 16 && rank == Math.Floor(rank)
        ? (int)rank
        : throw new CratonException($"{file}: {name}: expected a rank of 1 to {1 << 16}, got {rank}");
}
