using System.Text.Json;

namespace Craton.Tensors.Tests.Golden;

/// <summary>What an operation under test is called with: inputs by role, and attributes.</summary>
internal sealed class OpsCall(IReadOnlyDictionary<string, Tensor> inputs, JsonElement attributes)
{
    private readonly HashSet<string> _heard = new(StringComparer.Ordinal);

    /// <summary>Inputs and attributes that no one has asked for: a setting that is ignored must not pass for one that is understood.</summary>
    public IEnumerable<string> Unheard => inputs.Keys.Concat(attributes.EnumerateObject().Select(attribute => attribute.Name)).Except(_heard);

    /// <summary>The input of a role.</summary>
    public Tensor this[string role] => Optional(role) ?? throw new KeyNotFoundException($"the case has no input '{role}'");

    /// <summary>All inputs in the order of their roles' names.</summary>
    public Tensor[] Ordered => [.. inputs.Keys.Order(StringComparer.Ordinal).Select(role => this[role])];

    /// <summary>The input of a role that some cases leave out.</summary>
    public Tensor? Optional(string role)
    {
        _heard.Add(role);
        return inputs.GetValueOrDefault(role);
    }

    /// <summary>A number; the infinities and NaN are text in JSON.</summary>
    public double Number(string name) => Attribute(name) is { ValueKind: JsonValueKind.String } text
        ? text.GetString()!.TrimStart('+', '-') is "NaN" or "nan" ? double.NaN
        : text.GetString()!.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity
        : Attribute(name).GetDouble();

    public int Int(string name) => Attribute(name).GetInt32();

    public bool Flag(string name) => Attribute(name).GetBoolean();

    public string Text(string name) => Attribute(name).GetString()!;

    public int[] Ints(string name) => [.. Attribute(name).EnumerateArray().Select(value => value.GetInt32())];

    /// <summary>The attribute as JSON, for those of several kinds.</summary>
    public JsonElement Attribute(string name)
    {
        _heard.Add(name);
        return attributes.TryGetProperty(name, out JsonElement value) ? value : throw new KeyNotFoundException($"the case has no attribute '{name}'");
    }

    /// <summary>Whether the attribute is absent or null.</summary>
    public bool IsNull(string name) => !attributes.TryGetProperty(name, out _) || Attribute(name).ValueKind == JsonValueKind.Null;

    public double? NumberOrNull(string name) => IsNull(name) ? null : Number(name);

    public int? IntOrNull(string name) => IsNull(name) ? null : Int(name);
}

/// <summary>Outputs by role. An operation that is not built throws <see cref="SkippedCaseException"/>.</summary>
internal delegate (string Role, Tensor Value)[] OpsFunction(OpsCall call);

/// <summary>The case cannot run, for the reason given.</summary>
internal sealed class SkippedCaseException(string reason) : Exception(reason);
