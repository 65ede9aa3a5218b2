using System.Text.Json;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Tests;

/// <summary>One case of a network of diffusion: its folder, what is put in and what is expected.</summary>
internal sealed class DiffusionCase : IDisposable
{
    private readonly string _folder;
    private readonly Tally _tally;
    private readonly SafetensorsFile _expected;

    public DiffusionCase(Tally tally, string folder)
    {
        (_tally, _folder) = (tally, folder);
        Content = Fixtures.Json(Path.Combine(folder, "case.json"));
        Id = Content.Text("id");
        Inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors"));
        _expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
    }

    public string Id { get; }

    public JsonElement Content { get; }

    public SafetensorsFile Inputs { get; }

    public IEnumerable<JsonElement> Calls => Content.GetProperty("calls").EnumerateArray();

    public JsonElement? Gradient => Content.TryGetProperty("gradient", out JsonElement gradient) ? gradient : null;

    /// <summary>Compares a tensor with the one of that name.</summary>
    public void Close(string name, Tensor got)
    {
        JsonElement tolerance = Content.GetProperty("tensors").GetProperty(name);
        _tally.Close($"{Id} {name}", _expected.Floats(name), got.ToArray<float>(), tolerance.Number("atol"), tolerance.Number("rtol"));
    }

    public bool Expects(string name) => _expected.Contains(name);

    public int[] Longs(string name) => _expected.Longs(name);

    /// <summary>Compares the loss and its gradients, of all parameters their norms and where they are stored the gradients themselves.</summary>
    public void CheckGradients(Module model, Func<Tensor> answer)
    {
        if (Gradient is not { } gradient) return;
        using var scope = TensorScope.Open("gradients");
        using var tape = Tape.Start();
        Tensor loss = Ops.MseLoss(answer(), Read(Inputs, "target"));
        tape.Backward(loss);
        _tally.Relative($"{Id} loss", gradient.Number("loss_value"), loss.Item(), 1e-5);
        var gradients = model.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor.Grad?.ToArray<float>() ?? []);
        foreach (JsonProperty norm in gradient.GetProperty("norms").EnumerateObject())
        {
            double got = Math.Sqrt(gradients[norm.Name].Sum(g => (double)g * g)), want = norm.Value.GetDouble();
            _tally.That(Math.Abs(got - want) <= gradient.Number("atol") + gradient.Number("rtol") * want, () => $"{Id} norm of the gradient of {norm.Name}: expected {want:g6}, got {got:g6}");
        }
        if (!gradient.TryGetProperty("full", out JsonElement full)) return;
        using SafetensorsFile stored = SafetensorsFile.Open(Path.Combine(_folder, "gradients.safetensors"));
        foreach (JsonProperty tolerance in full.EnumerateObject())
            _tally.Close($"{Id} gradient of {tolerance.Name}", stored.Floats(tolerance.Name), gradients[tolerance.Name], tolerance.Value.Number("atol"), tolerance.Value.Number("rtol"));
    }

    public void Dispose()
    {
        Inputs.Dispose();
        _expected.Dispose();
    }

    public static Tensor Read(SafetensorsFile file, string name) => Tensor.From(file.Floats(name), [.. file[name].Shape.Select(s => (int)s)]);
}
