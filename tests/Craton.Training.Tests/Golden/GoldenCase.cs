using System.Text.Json;

namespace Craton.Training.Tests.Golden;

/// <summary>One case of golden values: inputs by role, attributes, and what must come out.</summary>
internal sealed class GoldenCase(JsonElement json, SafetensorsFile? file)
{
    private readonly HashSet<string> _compared = [];

    public string Op => json.GetProperty("op").GetString()!;

    public IEnumerable<string> Inputs => json.GetProperty("inputs").EnumerateObject().Select(input => input.Name);

    /// <summary>What did not agree.</summary>
    public List<string> Failures { get; } = [];

    public JsonElement Attribute(string name) => json.GetProperty("attributes").GetProperty(name);

    public double Number(string attribute) => Attribute(attribute).GetDouble();

    public int Whole(string attribute) => Attribute(attribute).GetInt32();

    public bool Flag(string attribute) => Attribute(attribute).GetBoolean();

    public string Text(string attribute) => Attribute(attribute).GetString()!;

    public int[] Shape(string role) => ShapeOf(json.GetProperty("inputs").GetProperty(role).GetString()!);

    /// <summary>A floating-point input.</summary>
    public float[] Floats(string role) => Read(json.GetProperty("inputs").GetProperty(role).GetString()!);

    /// <summary>A floating-point input as a weight that receives a gradient.</summary>
    public Tensor Parameter(string role)
    {
        Tensor tensor = Tensor.Parameter(DType.F32, Shape(role));
        tensor.CopyFrom<float>(Floats(role));
        return tensor;
    }

    /// <summary>An I64 input.</summary>
    public long[] Longs(string role)
    {
        string name = json.GetProperty("inputs").GetProperty(role).GetString()!;
        long[] values = new long[file![name].Count];
        file.Read(name, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Compares an output by the pass rule |got − want| ≤ atol + rtol · |want|; outputs that the case does not list pass.</summary>
    public void Expect(string role, ReadOnlySpan<float> got)
    {
        if (!json.GetProperty("outputs").TryGetProperty(role, out JsonElement output)) return;
        double[] values = new double[got.Length];
        for (int i = 0; i < values.Length; i++) values[i] = got[i];
        Compare(role, values, [.. Read(output.GetProperty("tensor").GetString()!).Select(v => (double)v)], output);
    }

    /// <summary>Compares the values that the case itself lists.</summary>
    public void ExpectValues(double[] got) =>
        Compare("values", got, [.. json.GetProperty("values").EnumerateArray().Select(v => v.GetDouble())], json);

    /// <summary>Counts outputs that no one has compared as failures.</summary>
    public void Finish()
    {
        if (!json.TryGetProperty("outputs", out JsonElement outputs)) return;
        foreach (JsonProperty output in outputs.EnumerateObject())
            if (!_compared.Contains(output.Name)) Failures.Add($"{output.Name}: not computed");
    }

    private void Compare(string role, double[] got, double[] want, JsonElement tolerance)
    {
        _ = _compared.Add(role);
        if (got.Length != want.Length)
        {
            Failures.Add($"{role}: expected {want.Length} values, got {got.Length}");
            return;
        }
        double atol = tolerance.GetProperty("atol").GetDouble(), rtol = tolerance.GetProperty("rtol").GetDouble();
        for (int i = 0; i < got.Length; i++)
        {
            bool agree = double.IsFinite(want[i])
                ? Math.Abs(got[i] - want[i]) <= atol + rtol * Math.Abs(want[i])
                : got[i].Equals(want[i]);
            if (agree) continue;
            Failures.Add($"{role}[{i}]: expected {want[i]:R}, got {got[i]:R} (atol {atol:R}, rtol {rtol:R})");
            return;
        }
    }

    private int[] ShapeOf(string tensor) => [.. file![tensor].Shape.Select(size => (int)size)];

    private float[] Read(string tensor)
    {
        float[] values = new float[file![tensor].Count];
        file.ReadFloats(tensor, values);
        return values;
    }
}
