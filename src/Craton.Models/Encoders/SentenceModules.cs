using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Encoders;

/// <summary>What a sentence encoder does behind its Transformer: the steps that <c>modules.json</c> names, after the first.</summary>
internal abstract class SentenceModule
{
    /// <summary>The vectors of the texts behind the step. Before pooling they are those of all tokens.</summary>
    public abstract Tensor Forward(Tensor x, in EncoderInput input);

    /// <summary>Width of the vectors behind the step.</summary>
    public abstract int WidthAfter(int width);
}

/// <summary>Pooling: one vector for each text, or several side by side.</summary>
internal sealed class PoolingModule : SentenceModule
{
    private static readonly (string Name, string Flag, PoolingMode Mode)[] s_modes =
    [
        ("cls", "pooling_mode_cls_token", PoolingMode.First),
        ("max", "pooling_mode_max_tokens", PoolingMode.Max),
        ("mean", "pooling_mode_mean_tokens", PoolingMode.Mean),
        ("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", PoolingMode.MeanSqrt),
        ("weightedmean", "pooling_mode_weightedmean_tokens", PoolingMode.WeightedMean),
        ("lasttoken", "pooling_mode_lasttoken", PoolingMode.Last),
    ];

    private readonly PoolingMode[] _modes;

    /// <summary>Pooling by the mean, which is what a directory without modules gets.</summary>
    public PoolingModule() => _modes = [PoolingMode.Mean];

    /// <summary>Reads a pooling configuration, of names or of flags.</summary>
    public PoolingModule(ConfigReader read)
    {
        _modes = read.TextOrTexts("pooling_mode") is { } names
            ? Array.ConvertAll(names, name => ModeOf(read, name))
            : [.. s_modes.Where(mode => read.Flag(mode.Flag)).Select(mode => mode.Mode)];
        if (_modes.Length is 0 or > 16) throw new CratonException($"{read.File}: expected 1 to 16 ways of pooling, got {_modes.Length}");
        WithPrompt = read.Flag("include_prompt", true);
    }

    /// <summary>Whether the tokens of a prompt have a part in it.</summary>
    public bool WithPrompt { get; } = true;

    public override Tensor Forward(Tensor x, in EncoderInput input)
    {
        var parts = new Tensor[_modes.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = Pooling.Pool(x, input, _modes[i]);
        return parts.Length == 1 ? parts[0] : Ops.Concat(1, parts);
    }

    public override int WidthAfter(int width) => width * _modes.Length;

    private static PoolingMode ModeOf(ConfigReader read, string name) => Array.FindIndex(s_modes, mode => mode.Name == name) is >= 0 and var at
        ? s_modes[at].Mode
        : throw new CratonException($"{read.File}: pooling_mode is '{name}', expected {string.Join(", ", s_modes.Select(mode => mode.Name))}");
}

/// <summary>A linear layer and an activation.</summary>
internal sealed class DenseModule : SentenceModule
{
    private readonly Linear _linear;
    private readonly Activation _activation;

    /// <summary>Reads <c>config.json</c> and <c>model.safetensors</c> of the step's folder.</summary>
    public DenseModule(ConfigReader read, string folder)
    {
        int inputs = read.Int("in_features"), outputs = read.Int("out_features");
        if (inputs is < 1 or > 1 << 16 || outputs is < 1 or > 1 << 16) throw new CratonException($"{read.File}: {inputs} features to {outputs}, expected 1 to {1 << 16} of both");
        string activation = read.TextOr("torch.nn.modules.activation.Tanh", "activation_function");
        _activation = activation[(activation.LastIndexOf('.') + 1)..] switch
        {
            "Identity" => Activation.None,
            "Tanh" => Activation.Tanh,
            "ReLU" => Activation.Relu,
            "GELU" => Activation.Gelu,
            "SiLU" => Activation.Silu,
            _ => throw new CratonException($"{read.File}: activation_function is '{activation}', expected Identity, Tanh, ReLU, GELU or SiLU of torch.nn.modules"),
        };
        using SafetensorsModel weights = SafetensorsModel.Open(folder);
        _linear = new Linear(inputs, outputs, read.Flag("bias", true));
        DecoderWeights.Fill(folder, [.. _linear.NamedParameters().Select(p => ("linear." + p.Name, p.Tensor, false))], weights, ignored: _ => true, map: false);
    }

    public override Tensor Forward(Tensor x, in EncoderInput input) => Ops.Activate(_linear.Forward(x), _activation);

    public override int WidthAfter(int width) => width == _linear.Weight.Size(1) ? _linear.Weight.Size(0)
        : throw new CratonException($"a dense step of the sentence encoder reads {_linear.Weight.Size(1)} features, but the step before it gives {width}; the folders belong to different models");
}

/// <summary>Vectors of length 1.</summary>
internal sealed class NormalizeModule : SentenceModule
{
    public override Tensor Forward(Tensor x, in EncoderInput input) => Ops.L2Normalize(x);

    public override int WidthAfter(int width) => width;
}
