using System.Text.Json;

namespace Craton.Tensors.Tests.Golden;

/// <summary>
/// One golden case of an operation: loads and arranges its inputs, runs the operation, and compares results and gradients with the
/// stored ones. The format is described in the README.md of the folder.
/// </summary>
internal sealed class OpsCase(OpsGroup group, JsonElement json)
{
    /// <summary>The case's name within its group.</summary>
    public string Id { get; } = json.GetProperty("id").GetString()!;

    /// <summary>The operation.</summary>
    public string Op { get; } = json.GetProperty("op").GetString()!;

    /// <summary>Runs the case with floating inputs of one type.</summary>
    /// <returns>What differs, or null when all is as it should be.</returns>
    /// <exception cref="SkippedCaseException">The operation is not built.</exception>
    public string? Run(OpsFunction function, DType type)
    {
        using TensorScope scope = TensorScope.Open(Id);
        bool differentiates = json.TryGetProperty("input_gradients", out JsonElement gradients);
        Dictionary<string, Tensor> inputs = Inputs(type);
        if (differentiates)
            foreach (JsonProperty gradient in gradients.EnumerateObject()) inputs[gradient.Name].RequireGrad();
        using Tape? tape = differentiates ? Tape.Start() : null;
        var call = new OpsCall(inputs, json.GetProperty("attributes"));
        (string Role, Tensor Value)[] outputs = function(call);
        if (call.Unheard.Any()) return $"ignored: {string.Join(", ", call.Unheard)}";
        string? wrong = CompareOutputs(outputs);
        if (wrong is not null || !differentiates) return wrong;
        Differentiate(tape!, outputs, type);
        foreach (JsonProperty gradient in gradients.EnumerateObject())
        {
            Tensor input = inputs[gradient.Name];
            double[] got = input.Grad is { } grad ? OpsGroup.Numbers(grad) : new double[input.Count];
            wrong ??= Compare($"gradient of {gradient.Name}", gradient.Value, got, input.Shape);
        }
        return wrong;
    }

    private Dictionary<string, Tensor> Inputs(DType type)
    {
        var inputs = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        json.TryGetProperty("views", out JsonElement views);
        foreach (JsonProperty input in json.GetProperty("inputs").EnumerateObject())
        {
            Tensor tensor = group.Load(input.Value.GetString()!);
            if (tensor.DType == DType.F32) tensor = Ops.Cast(tensor, type);
            bool isView = views.ValueKind == JsonValueKind.Object && views.TryGetProperty(input.Name, out _);
            inputs[input.Name] = isView ? View(tensor, views.GetProperty(input.Name)) : tensor;
        }
        return inputs;
    }

    private static Tensor View(Tensor tensor, JsonElement view)
    {
        if (view.TryGetProperty("slice", out JsonElement slices))
            foreach (JsonElement slice in slices.EnumerateArray())
                tensor = tensor.Slice(slice[0].GetInt32(), slice[1].GetInt32(), slice[2].GetInt32(), slice[3].GetInt32());
        if (view.TryGetProperty("permute", out JsonElement order)) tensor = tensor.Permute(Sizes(order));
        return view.TryGetProperty("expand", out JsonElement shape) ? Ops.Expand(tensor, Sizes(shape)) : tensor;
    }

    private static int[] Sizes(JsonElement sizes) => [.. sizes.EnumerateArray().Select(size => size.GetInt32())];

    private void Differentiate(Tape tape, (string Role, Tensor Value)[] outputs, DType type)
    {
        var roots = new List<Tensor>();
        var arriving = new List<Tensor>();
        foreach (JsonProperty output in json.GetProperty("grad_outputs").EnumerateObject())
        {
            roots.Add(outputs.Single(o => o.Role == output.Name).Value);
            arriving.Add(Ops.Cast(group.Load(output.Value.GetString()!), type));
        }
        tape.Backward(roots.ToArray(), arriving.ToArray());
    }

    private string? CompareOutputs((string Role, Tensor Value)[] outputs)
    {
        string? wrong = null;
        foreach (JsonProperty output in json.GetProperty("outputs").EnumerateObject())
        {
            Tensor? got = outputs.FirstOrDefault(o => o.Role == output.Name).Value;
            wrong ??= got is null ? $"output {output.Name} is missing" : Compare(output.Name, output.Value, OpsGroup.Numbers(got), got.Shape);
        }
        return wrong;
    }

    // Pass rule: |got − want| ≤ atol + rtol · |want|; NaN equals NaN, infinities agree in sign.
    private string? Compare(string what, JsonElement expected, double[] got, ReadOnlySpan<int> shape)
    {
        string name = expected.GetProperty("tensor").GetString()!;
        Tensor stored = group.Load(name);
        if (!stored.Shape.SequenceEqual(shape)) return $"{what} ({name}): shape [{string.Join(", ", shape.ToArray())}], expected {stored.Layout}";
        double atol = expected.GetProperty("atol").GetDouble(), rtol = expected.GetProperty("rtol").GetDouble();
        double[] want = OpsGroup.Numbers(stored);
        bool single = stored.DType == DType.F32;
        int worst = -1, differ = 0;
        double most = 0;
        for (int i = 0; i < want.Length; i++)
        {
            double value = single ? (float)got[i] : got[i]; // expected values are stored in single precision
            if (value.Equals(want[i]) || (double.IsFinite(want[i]) && Math.Abs(value - want[i]) <= atol + rtol * Math.Abs(want[i]))) continue;
            differ++;
            double deviation = Math.Abs(value - want[i]);
            if (worst < 0 || deviation > most || double.IsNaN(deviation)) (worst, most) = (i, deviation);
        }
        return worst < 0 ? null
            : $"{what} ({name}): {differ} of {want.Length} differ, most at {worst}: {got[worst]:R}, expected {want[worst]:R}, deviation {most:g3}, atol {atol:R}, rtol {rtol:R}";
    }
}
