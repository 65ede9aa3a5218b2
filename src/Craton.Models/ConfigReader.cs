using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models;

/// <summary>
/// Reads the values of a <c>config.json</c>, in the newer or the older spelling, and refuses those that mean nothing. Where several names are
/// given, the first that is there counts.
/// </summary>
public sealed class ConfigReader
{
    private const int MostListed = 1 << 12;

    private readonly JsonElement _root;
    private readonly HashSet<string> _asked; // names under which a family looked for a setting

    /// <summary>Reads an object.</summary>
    /// <param name="file">Its file, for errors.</param>
    /// <param name="root">Its content.</param>
    /// <param name="modelType">The family, where the content does not say it.</param>
    public ConfigReader(string file, JsonElement root, string? modelType = null)
    {
        (File, _root, _asked) = (file, root, new(StringComparer.Ordinal));
        ModelType = modelType ?? TextOr("", "model_type");
    }

    /// <summary>Reads settings that were made, not read from a file.</summary>
    /// <param name="name">What they are, for errors.</param>
    /// <param name="settings">Their content.</param>
    public static ConfigReader Of(string name, JsonObject settings)
    {
        using JsonDocument document = JsonDocument.Parse(settings.ToJsonString());
        return new(name, document.RootElement.Clone());
    }

    private ConfigReader(ConfigReader other, string modelType) => (File, _root, _asked, ModelType) = (other.File, other._root, other._asked, modelType);

    /// <summary>The file, for errors.</summary>
    public string File { get; }

    /// <summary>The family's name: <c>model_type</c>, or empty.</summary>
    public string ModelType { get; }

    /// <summary>All values as they are.</summary>
    public JsonObject ToJson() => JsonObject.Create(_root)!;

    /// <summary>Whether the value under a name is a list.</summary>
    public bool IsList(string name) => Find(name) is { ValueKind: JsonValueKind.Array };

    /// <summary>Whether the value under a name is an object.</summary>
    public bool IsObject(string name) => Find(name) is { ValueKind: JsonValueKind.Object };

    /// <summary>Whether the value under a name is a text.</summary>
    public bool IsText(string name) => Find(name) is { ValueKind: JsonValueKind.String };

    /// <summary>The same content, read as that of a family.</summary>
    public ConfigReader As(string modelType) => new(this, modelType);

    /// <summary>Whether there is a value under a name, other than null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>An integer.</summary>
    public int Int(params ReadOnlySpan<string> names) =>
        Find(names) is { } e ? AsInt(names[0], e) : throw new CratonException($"{File}: {names[0]}: expected an integer, got nothing");

    /// <summary>An integer, or what stands for it when it is absent or null.</summary>
    public int IntOr(int otherwise, params ReadOnlySpan<string> names) => Find(names) is { } e ? AsInt(names[0], e) : otherwise;

    /// <summary>An integer from 1 to a limit, or what stands for it when it is absent or null.</summary>
    public int Count(string name, int otherwise, int most) => IntOr(otherwise, name) is var value && value >= 1 && value <= most
        ? value
        : throw new CratonException($"{File}: {name}: expected 1 to {most}, got {value}");

    /// <summary>One of some texts, the first of which stands for it when it is absent or null.</summary>
    public string Choice(string name, params ReadOnlySpan<string> known)
    {
        string value = TextOr(known[0], name);
        return known.Contains(value) ? value : throw new CratonException($"{File}: {name} is '{value}', expected {string.Join(" or ", known)}");
    }

    /// <summary>Whether there is null under a name.</summary>
    public bool IsNull(string name) => _root.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.Null;

    /// <summary>How many tokens a windowed layer sees: null where it is null, for all, or what stands for it when it is absent.</summary>
    public int? Window(string name, int? absent) => !_root.TryGetProperty(name, out _) ? absent : !Has(name) ? null
        : Int(name) is > 0 and var window ? window
        : throw Wrong(name, "1 or more", _root.GetProperty(name));

    /// <summary>A positive number, or what stands for it when it is absent or null.</summary>
    public double Number(string name, double otherwise) => Find(name) is not { } e ? otherwise
        : e.ValueKind == JsonValueKind.Number && e.GetDouble() is > 0 and < double.PositiveInfinity and var value ? value
        : throw Wrong(name, "a positive number", e);

    /// <summary>A number of either sign, or what stands for it when it is absent or null.</summary>
    public double Real(string name, double otherwise) => Find(name) is not { } e ? otherwise
        : e.ValueKind == JsonValueKind.Number && double.IsFinite(e.GetDouble()) ? e.GetDouble()
        : throw Wrong(name, "a number", e);

    /// <summary>A positive number, null where it is null, or what stands for it when it is absent.</summary>
    public double? NumberOrNull(string name, double? absent) => !_root.TryGetProperty(name, out _) ? absent : Has(name) ? Number(name, 0) : null;

    /// <summary>True or false, or what stands for it when it is absent or null.</summary>
    public bool Flag(string name, bool otherwise = false) => Find(name) is not { } e ? otherwise
        : e.ValueKind is JsonValueKind.True or JsonValueKind.False ? e.GetBoolean()
        : throw Wrong(name, "true or false", e);

    /// <summary>A probability; 0 when it is absent or null.</summary>
    public double Probability(string name) => Find(name) is not { } e ? 0
        : e.ValueKind == JsonValueKind.Number && e.GetDouble() is >= 0 and < 1 and var value ? value
        : throw Wrong(name, "a probability from 0 to below 1", e);

    /// <summary>A text, or what stands for it when it is absent or null.</summary>
    public string TextOr(string otherwise, params ReadOnlySpan<string> names) => Find(names) is not { } e ? otherwise
        : e.ValueKind == JsonValueKind.String ? e.GetString()!
        : throw Wrong(names[0], "a text", e);

    /// <summary>A token id, or null. Of a list the first, which is the one that ends a text.</summary>
    public int? Id(string name) => Find(name) is not { } e ? null
        : e.ValueKind == JsonValueKind.Array && e.GetArrayLength() > 0 ? AsInt(name, e[0])
        : e.ValueKind == JsonValueKind.Number ? AsInt(name, e) is >= 0 and var id ? id : null // some write −1 for none
        : null;

    /// <summary>One text, or a list of them; null when it is absent or null.</summary>
    public string[]? TextOrTexts(string name) => IsList(name) ? Texts(name) : Has(name) ? [TextOr("", name)] : null;

    /// <summary>The members of an object of positive numbers, in their order; none when it is absent or null.</summary>
    public IReadOnlyList<(string Name, double Value)> NumbersByName(string name)
    {
        if (Find(name) is not { } e) return [];
        if (e.ValueKind != JsonValueKind.Object) throw Wrong(name, "an object", e);
        ConfigReader inside = new(File, e);
        return [.. e.EnumerateObject().Select(member => (member.Name, inside.Number(member.Name, 1)))];
    }

    /// <summary>A list; null when it is absent or null.</summary>
    public T[]? List<T>(string name, Func<string, JsonElement, T> read)
    {
        if (Find(name) is not { } e) return null;
        if (e.ValueKind != JsonValueKind.Array || e.GetArrayLength() > MostListed) throw Wrong(name, $"a list of at most {MostListed}", e);
        return [.. e.EnumerateArray().Select(item => read(name, item))];
    }

    /// <summary>A list of integers; null when it is absent or null.</summary>
    public int[]? Ints(string name) => List(name, AsInt);

    /// <summary>A list of positive numbers; null when it is absent or null.</summary>
    public double[]? Numbers(string name) => List(name, (n, e) =>
        e.ValueKind == JsonValueKind.Number && e.GetDouble() is > 0 and < double.PositiveInfinity and var value ? value : throw Wrong(n, "positive numbers", e));

    /// <summary>A list of texts; null when it is absent or null.</summary>
    public string[]? Texts(string name) => List(name, (n, e) => e.ValueKind == JsonValueKind.String ? e.GetString()! : throw Wrong(n, "texts", e));

    /// <summary>The texts of an object whose names are 0, 1, 2, …, in this order.</summary>
    public string[] Labels(int most)
    {
        int count = _root.EnumerateObject().Count();
        if (count < 1 || count > most) throw new CratonException($"{File}: id2label: expected 1 to {most} labels, got {count}");
        return [.. Enumerable.Range(0, count).Select(i => _root.TryGetProperty(i.ToString(CultureInfo.InvariantCulture), out JsonElement e) && e.ValueKind == JsonValueKind.String
            ? e.GetString()! : throw new CratonException($"{File}: id2label: expected a text under each of 0 to {count - 1}, got none under {i}"))];
    }

    /// <summary>The object under a name; null when it is absent or null.</summary>
    public ConfigReader? Object(string name) => Find(name) is not { } e ? null
        : e.ValueKind == JsonValueKind.Object ? new ConfigReader(File, e)
        : throw Wrong(name, "an object", e);

    /// <summary>The object under a name, which must be there.</summary>
    public ConfigReader Part(string name) => Object(name) ?? throw new CratonException($"{File}: {name}: expected the settings of this part, got nothing");

    /// <summary>The name of an activation function.</summary>
    public Activation Activation(string otherwise, params ReadOnlySpan<string> names) => TextOr(otherwise, names) switch
    {
        "silu" or "swish" => Tensors.Activation.Silu,
        "gelu" or "gelu_python" => Tensors.Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_accurate" => Tensors.Activation.GeluTanh,
        "relu" => Tensors.Activation.Relu,
        "tanh" => Tensors.Activation.Tanh,
        "quick_gelu" => Tensors.Activation.QuickGelu,
        var other => throw new CratonException($"{File}: {names[0]} is '{other}', expected silu, gelu, gelu_new, gelu_pytorch_tanh, relu, tanh or quick_gelu"),
    };

    /// <summary>Refuses a setting that would change the model and is not built.</summary>
    public void Refuse(bool set, string name, string why)
    {
        if (set) throw new CratonException($"{File}: {name} is set, which is not supported: {why}");
    }

    /// <summary>What is set and nobody asked for: names and values, without null.</summary>
    internal IEnumerable<JsonProperty> Unread => _root.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null && !_asked.Contains(p.Name));

    /// <summary>Refuses settings under other names, unless they say nothing: null, false, or empty.</summary>
    public void RefuseOthers(IReadOnlyCollection<string> known)
    {
        foreach (JsonProperty setting in _root.EnumerateObject())
            Refuse(!known.Contains(setting.Name) && !SaysNothing(setting.Value), setting.Name, "what it does is not built");
    }

    private static bool SaysNothing(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Object => !e.EnumerateObject().Any(),
        JsonValueKind.Array => e.GetArrayLength() == 0,
        JsonValueKind.String => e.GetString()!.Length == 0,
        _ => false,
    };

    /// <summary>For every layer, whether it sees a window only; null when none does.</summary>
    /// <param name="layers">Number of layers.</param>
    /// <param name="otherwise">Says it where <c>layer_types</c> does not.</param>
    public bool[]? Windowed(int layers, Func<int, bool> otherwise)
    {
        string[]? types = Texts("layer_types");
        if (types is not null && types.Length != layers) throw new CratonException($"{File}: layer_types: expected {layers} entries, one for each layer, got {types.Length}");
        bool[] windowed = [.. Enumerable.Range(0, layers).Select(i => types is null ? otherwise(i) : types[i] switch
        {
            "full_attention" => false,
            "sliding_attention" => true,
            var other => throw new CratonException($"{File}: layer_types: expected full_attention or sliding_attention, got '{other}'"),
        })];
        return windowed.Contains(true) ? windowed : null;
    }

    /// <summary>
    /// Rotary positions: <c>rope_parameters</c>, for one kind of layer where it tells them apart, or the older <c>rope_theta</c>,
    /// <c>rope_scaling</c> and <c>partial_rotary_factor</c>.
    /// </summary>
    /// <param name="headDim">Width of a head.</param>
    /// <param name="context">The model's context.</param>
    /// <param name="layerType">Kind of layer, for families that tell them apart.</param>
    /// <param name="theta">Base where none is given.</param>
    /// <param name="share">Share of a head's features that rotate, where it is not given.</param>
    public RotarySettings Rotary(int headDim, int context, string? layerType = null, double theta = 10000, double share = 1)
    {
        ConfigReader? scaling = Object("rope_parameters") ?? Object("rope_scaling");
        if (layerType is not null && scaling?.Object(layerType) is { } own) scaling = own;
        int dim = (int)(headDim * Value("partial_rotary_factor", Number("rotary_pct", share)));
        if (dim < 2 || dim > headDim || dim % 2 != 0) throw new CratonException($"{File}: {dim} of {headDim} features of a head would rotate, expected an even number of 2 to {headDim}");
        var rotary = new RotarySettings(Value("rope_theta", Number("rotary_emb_base", theta)), dim);
        if (scaling is null) return rotary;
        rotary = Scaled(rotary, scaling, context);
        // What one kind of scaling does not know may be meant for another one, or for one kind of layer.
        foreach (JsonProperty left in scaling.Unread)
            Refuse(left.Value.ValueKind != JsonValueKind.Object && left.Name != "finetuned", $"rope_scaling.{left.Name}", $"positions of type '{rotary.Scaling}' have no such setting");
        return rotary;

        double Value(string name, double otherwise) => scaling?.Number(name, 0) is > 0 and var value ? value : Number(name, otherwise);
    }

    private RotarySettings Scaled(RotarySettings rotary, ConfigReader scaling, int context)
    {
        string type = scaling.TextOr("default", "rope_type", "type");
        // Some say it at the top level only.
        int given = scaling.IntOr(IntOr(0, "original_max_position_embeddings"), "original_max_position_embeddings");
        int original = given > 0 ? given : context;
        if (scaling.Has("mrope_section")) throw new CratonException($"{File}: mrope_section is set; positions of images are not supported");
        if (type is "su" || (type is "yarn" && scaling.Has("short_factor"))) type = "longrope"; // early names of Phi-3
        double factor = scaling.Number("factor", (double)context / original);
        bool needsFactor = type is "linear" or "dynamic" or "llama3" || (type is "yarn" && given == 0);
        if (needsFactor && !scaling.Has("factor")) throw new CratonException($"{File}: rope_scaling.factor: expected a positive number, by which positions of type '{type}' are stretched, got nothing");
        if (type == "default") return rotary;
        rotary = rotary with { Factor = factor, OriginalContext = original };
        return type switch
        {
            "linear" => rotary with { Scaling = RotaryScaling.Linear },
            "dynamic" => rotary with { Scaling = RotaryScaling.Dynamic },
            "llama3" => rotary with
            {
                Scaling = RotaryScaling.Llama3,
                LowFrequencyFactor = scaling.Needed("low_freq_factor"),
                HighFrequencyFactor = scaling.Needed("high_freq_factor"),
            },
            "yarn" => rotary with
            {
                Scaling = RotaryScaling.Yarn,
                BetaFast = scaling.Number("beta_fast", 32),
                BetaSlow = scaling.Number("beta_slow", 1),
                Truncate = scaling.Flag("truncate", true),
                AttentionFactor = scaling.Number("attention_factor", YarnFactor(scaling, factor)),
            },
            "longrope" => rotary with
            {
                Scaling = RotaryScaling.LongRope,
                ShortFactors = LongRopeFactors(scaling, "short_factor", rotary.Dim / 2),
                LongFactors = LongRopeFactors(scaling, "long_factor", rotary.Dim / 2),
                AttentionFactor = scaling.Number("attention_factor", LongRopeFactor(given > 0 ? (double)context / original : factor, original)),
            },
            _ => throw new CratonException($"{File}: rope_type is '{type}', expected default, linear, dynamic, yarn, llama3 or longrope"),
        };
    }

    private double Needed(string name) => Has(name) ? Number(name, 0) : throw new CratonException($"{File}: rope_scaling.{name}: expected a positive number, got nothing");

    private static double YarnFactor(ConfigReader scaling, double factor)
    {
        double scale = scaling.Number("mscale", 0), all = scaling.Number("mscale_all_dim", 0);
        return scale > 0 && all > 0 ? Grown(scale) / Grown(all) : Grown(1);

        double Grown(double by) => factor <= 1 ? 1 : 0.1 * by * DeterministicMath.Log(factor) + 1;
    }

    private static double LongRopeFactor(double factor, int original) =>
        factor <= 1 ? 1 : Math.Sqrt(1 + DeterministicMath.Log(factor) / DeterministicMath.Log(original));

    private double[] LongRopeFactors(ConfigReader scaling, string name, int pairs) => scaling.Numbers(name) is { } factors && factors.Length == pairs
        ? factors
        : throw new CratonException($"{File}: {name}: expected {pairs} numbers, one for each pair of features that rotates");

    private JsonElement? Find(params ReadOnlySpan<string> names)
    {
        JsonElement? found = null;
        foreach (string name in names)
        {
            _asked.Add(name);
            if (found is null && _root.TryGetProperty(name, out JsonElement e) && e.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined)) found = e;
        }
        return found;
    }

    private int AsInt(string name, JsonElement e) =>
        e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int value) ? value : throw Wrong(name, "an integer", e);

    private CratonException Wrong(string name, string expected, JsonElement e)
    {
        string got = e.GetRawText();
        return new CratonException($"{File}: {name}: expected {expected}, got {(got.Length > 60 ? got[..60] + "…" : got)}");
    }
}
