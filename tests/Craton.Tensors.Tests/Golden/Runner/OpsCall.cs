using System.Text.Json;

namespace Craton.Tensors.Tests.Golden;

/// <summary>What an operation under test is called with: inputs by role, and attributes.</summary>
internal sealed class OpsCall(IReadOnlyDictionary<string, Tensor> inputs, JsonElement attributes)
{
    /// <summary>The input of a role.</summary>
    public Tensor this[string role] => inputs[role];

    /// <summary>All inputs in the order of their roles' names.</summary>
    public Tensor[] Ordered => [.. inputs.OrderBy(input => input.Key, StringComparer.Ordinal).Select(input => input.Value)];

    /// <summary>The input of a role that some cases leave out.</summary>
    public Tensor? Optional(string role) => inputs.GetValueOrDefault(role);

    public double Number(string name) => attributes.GetProperty(name).GetDouble();

    public int Int(string name) => attributes.GetProperty(name).GetInt32();

    public bool Flag(string name) => attributes.GetProperty(name).GetBoolean();

    public string Text(string name) => attributes.GetProperty(name).GetString()!;

    public int[] Ints(string name) => [.. attributes.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];

    /// <summary>The attribute as JSON, for those of several kinds.</summary>
    public JsonElement Attribute(string name) => attributes.GetProperty(name);

    /// <summary>Whether the attribute is absent or null.</summary>
    public bool IsNull(string name) => !attributes.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null;

    public double? NumberOrNull(string name) => IsNull(name) ? null : Number(name);

    public int? IntOrNull(string name) => IsNull(name) ? null : Int(name);
}

/// <summary>Outputs by role. An operation that is not built throws <see cref="SkippedCaseException"/>.</summary>
internal delegate (string Role, Tensor Value)[] OpsFunction(OpsCall call);

/// <summary>The case cannot run, for the reason given.</summary>
internal sealed class SkippedCaseException(string reason) : Exception(reason);
