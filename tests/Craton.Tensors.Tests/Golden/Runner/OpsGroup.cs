using System.Text.Json;
using Craton.Tensors.IO;

namespace Craton.Tensors.Tests.Golden;

/// <summary>One group of cases: its JSON file, and the tensors that its cases name.</summary>
internal sealed class OpsGroup : IDisposable
{
    private readonly JsonDocument _document;
    private readonly SafetensorsFile? _tensors;

    private OpsGroup(JsonDocument document, SafetensorsFile? tensors) => (_document, _tensors) = (document, tensors);

    /// <summary>The groups that a manifest names: the first part of its cases' names.</summary>
    public static IEnumerable<string> Listed(string area = "ops") => FixtureFolder.Cases(area).Select(entry => GroupOf(entry.Id)).Distinct();

    /// <summary>Opens a group, such as <c>elementwise</c>.</summary>
    public static OpsGroup Open(string group, string area = "ops")
    {
        string folder = FixtureFolder.Of(area);
        JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, group + ".json")));
        string? tensors = document.RootElement.TryGetProperty("tensors", out JsonElement name) ? name.GetString() : null;
        return new OpsGroup(document, tensors is null ? null : SafetensorsFile.Open(Path.Combine(folder, tensors)));
    }

    /// <summary>Every case that the manifest lists, by its full name; no JSON when the group's file lacks it.</summary>
    public static IEnumerable<(string Id, JsonElement? Json)> ListedCases(OpsGroup cases, string group, string area = "ops")
    {
        Dictionary<string, JsonElement> byId = cases._document.RootElement.GetProperty("cases").EnumerateArray()
            .ToDictionary(json => $"{group}/{json.GetProperty("id").GetString()}", StringComparer.Ordinal);
        return FixtureFolder.Cases(area).Where(entry => GroupOf(entry.Id) == group)
            .Select(entry => (entry.Id, byId.TryGetValue(entry.Id, out JsonElement json) ? json : (JsonElement?)null));
    }

    /// <summary>A stored tensor in its stored type.</summary>
    public Tensor Load(string name)
    {
        SafetensorsEntry entry = _tensors![name];
        Tensor tensor = Tensor.Empty(entry.Type!.Value, Array.ConvertAll(entry.Shape.ToArray(), size => checked((int)size)));
        if (tensor.ByteCount > 0) _tensors.Read(name, tensor.AsBytes(0, checked((int)tensor.ByteCount)));
        return tensor;
    }

    /// <summary>The elements of any tensor as doubles, in row-major order.</summary>
    public static double[] Numbers(Tensor tensor) => tensor.DType switch
    {
        DType.F64 => tensor.ToArray<double>(),
        DType.F32 => Array.ConvertAll(tensor.ToArray<float>(), value => (double)value),
        DType.I64 => Array.ConvertAll(tensor.ToArray<long>(), value => (double)value),
        DType.I32 => Array.ConvertAll(tensor.ToArray<int>(), value => (double)value),
        DType.F16 => Array.ConvertAll(tensor.ToArray<Half>(), value => (double)value),
        DType.BF16 => Array.ConvertAll(tensor.ToArray<ushort>(), value => (double)BitConverter.Int32BitsToSingle(value << 16)),
        _ => Array.ConvertAll(tensor.ToArray<byte>(), value => (double)value),
    };

    private static string GroupOf(string id) => id.Split('/')[0];

    public void Dispose()
    {
        _tensors?.Dispose();
        _document.Dispose();
    }
}
