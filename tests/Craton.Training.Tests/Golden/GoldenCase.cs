using System.Text.Json;

namespace Craton.Training.Tests.Golden;

/// <summary>One case of golden values: inputs by role, attributes, and what must come out.</summary>
internal sealed class GoldenCase(JsonElement json, SafetensorsFile? file)
{
    private readonly HashSet<string> _compared = [], _heard = [];

    public string Op => json.GetProperty("op").GetString()!;

    public IEnumerable<string> Inputs => json.GetProperty("inputs").EnumerateObject().Select(input => input.Name);

    /// <summary>What did not agree.</summary>
    public List<string> Failures { get; } = [];

    public JsonElement Attribute(string name)
    {
        _ = _heard.Add(name);
        return json.GetProperty("attributes").TryGetProperty(name, out JsonElement value) ? value : throw new KeyNotFoundException($"the case has no attribute '{name}'");
    }

    public double Number(string attribute) => Attribute(attribute).GetDouble();

    public int Whole(string attribute) => Attribute(attribute).GetInt32();

    public bool Flag(string attribute) => Attribute(attribute).GetBoolean();

    public string Text(string attribute) => Attribute(attribute).GetString()!;

    /// <summary>How many values the case itself lists.</summary>
    public int ValueCount => json.GetProperty("values").GetArrayLength();

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

    /// <summary>Counts attributes that no one has asked for, and outputs that no one has compared, as failures.</summary>
    public void Finish()
    {
        foreach (JsonProperty attribute in json.GetProperty("attributes").EnumerateObject())
            if (!_heard.Contains(attribute.Name)) Failures.Add($"attribute {attribute.Name}: ignored");
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
        double atol = tolerance.GetProperty("atol").GetDouble(), rtol = tolerance.GetProperty("rtol").GetDouble(), most = 0;
        int worst = -1, differ = 0;
        for (int i = 0; i < got.Length; i++)
        {
            if (got[i].Equals(want[i]) || (double.IsFinite(want[i]) && Math.Abs(got[i] - want[i]) <= atol + rtol * Math.Abs(want[i]))) continue;
            differ++;
            double deviation = Math.Abs(got[i] - want[i]);
            if (worst < 0 || deviation > most || double.IsNaN(deviation)) (worst, most) = (i, deviation);
        }
        if (worst < 0) return;
        Failures.Add($"{role}: {differ} of {got.Length} differ, most at {worst}: {got[worst]:R}, expected {want[worst]:R}, deviation {most:g3}, atol {atol:R}, rtol {rtol:R}");
    }

    private int[] ShapeOf(string tensor) => [.. file![tensor].Shape.Select(size => (int)size)];

    private float[] Read(string tensor)
    {
        float[] values = new float[file![tensor].Count];
        file.ReadFloats(tensor, values);
        return values;
    }
}
