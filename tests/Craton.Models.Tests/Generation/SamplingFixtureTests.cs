using System.Globalization;
using System.Text.Json;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests.Generation;

/// <summary>Logit processors against those of the Transformers library.</summary>
[Trait("Category", "Golden")]
public sealed class SamplingFixtureTests(ITestOutputHelper output)
{
    private static readonly string[] Known = ["temperature", "top_k", "top_p", "min_p", "typical_p", "logit_bias", "repetition_penalty", "frequency_presence"];

    [Fact]
    public void ChainsOfProcessors()
    {
        var tally = new Tally(output);
        foreach (JsonElement area in Fixtures.Cases("decoders", "sampling-processors"))
        {
            string id = area.Text("id"), folder = Fixtures.Folder("decoders");
            JsonElement root = Fixtures.Json(Path.Combine(folder, id + ".json"));
            using SafetensorsFile tensors = SafetensorsFile.Open(Path.Combine(folder, id + ".safetensors"));
            foreach (JsonElement item in root.GetProperty("cases").EnumerateArray()) Check(root, item, tensors, tally);
        }
        tally.Finish("sampling");
    }

    private static void Check(JsonElement root, JsonElement item, SafetensorsFile tensors, Tally tally)
    {
        JsonElement[] chain = [.. item.GetProperty("chain").EnumerateArray()];
        foreach (JsonElement step in chain)
        {
            if (Known.Contains(step.Text("processor"))) continue;
            tally.Skip(item.Text("id"), $"{step.Text("processor")} is not built");
            return;
        }
        tally.Case();
        int vocabulary = root.GetProperty("vocabulary").GetInt32(), promptLength = root.GetProperty("prompt_length").GetInt32();
        JsonElement tolerance = root.GetProperty("tolerance");
        float[] input = tensors.Floats(item.Text("input"));
        float[] logits = tensors.Floats(item.Text("expected_logits")), probabilities = tensors.Floats(item.Text("expected_probabilities"));
        for (int row = 0; row < root.GetProperty("rows").GetInt32(); row++)
        {
            using var scope = TensorScope.Open("test");
            Range part = (row * vocabulary)..((row + 1) * vocabulary);
            Tensor scores = Tensor.From(input[part], vocabulary);
            foreach (JsonElement step in chain) Apply(step, scores, root.GetProperty("history")[row].Ints(), promptLength);
            tally.Close($"{item.Text("id")} row {row} logits", logits[part], scores.AsSpan<float>(), tolerance.Number("logits_atol"));
            tally.Close($"{item.Text("id")} row {row} probabilities", probabilities[part], Ops.Softmax(scores).AsSpan<float>(), tolerance.Number("probabilities_atol"));
        }
    }

    private static void Apply(JsonElement step, Tensor scores, int[] history, int promptLength)
    {
        Span<float> values = scores.AsSpan<float>();
        var occurred = new bool[values.Length];
        var generated = new int[values.Length];
        foreach (int id in history) occurred[id] = true;
        foreach (int id in history.AsSpan(promptLength)) generated[id]++;
        int fewest = step.TryGetProperty("min_tokens_to_keep", out JsonElement least) ? least.GetInt32() : 1;
        switch (step.Text("processor"))
        {
            case "temperature": LogitProcessors.Temperature(values, step.Number("temperature")); break;
            case "top_k": LogitProcessors.TopK(values, Math.Max(fewest, step.GetProperty("top_k").GetInt32())); break;
            case "top_p": LogitProcessors.TopP(scores, step.Number("top_p"), fewest); break;
            case "min_p": LogitProcessors.MinP(scores, step.Number("min_p"), fewest); break;
            case "typical_p": LogitProcessors.Typical(scores, step.Number("typical_p"), fewest); break;
            case "logit_bias":
                LogitProcessors.Bias(values, step.GetProperty("bias").EnumerateObject().ToDictionary(b => int.Parse(b.Name, CultureInfo.InvariantCulture), b => b.Value.GetDouble()));
                break;
            case "repetition_penalty": LogitProcessors.RepetitionPenalty(values, occurred, step.Number("penalty")); break;
            case "frequency_presence":
                LogitProcessors.FrequencyPresence(values, generated, step.Number("frequency_penalty"), step.Number("presence_penalty"));
                break;
            default: throw new InvalidOperationException(step.Text("processor"));
        }
    }
}
