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
            foreach (JsonElement step in chain) Apply(step, scores, root.GetProperty("history")[row].Ints(), promptLength, root.GetProperty("eos_token_id").GetInt32());
            tally.Close($"{item.Text("id")} row {row} logits", logits[part], scores.AsSpan<float>(), tolerance.Number("logits_atol"));
            tally.Close($"{item.Text("id")} row {row} probabilities", probabilities[part], Ops.Softmax(scores).AsSpan<float>(), tolerance.Number("probabilities_atol"));
        }
    }

    private static void Apply(JsonElement step, Tensor scores, int[] history, int promptLength, int end)
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
            case "repetition_penalty": LogitProcessors.RepetitionPenalty(values, occurred, step.Number("penalty")); break;
            case "frequency_presence":
                LogitProcessors.FrequencyPresence(values, generated, step.Number("frequency_penalty"), step.Number("presence_penalty"));
                break;
            case "typical_p": LogitProcessors.TypicalP(scores, step.Number("typical_p")); break;
            case "epsilon_cutoff": LogitProcessors.EpsilonCutoff(scores, step.Number("epsilon")); break;
            case "eta_cutoff": LogitProcessors.EtaCutoff(scores, step.Number("epsilon")); break;
            case "no_repeat_ngram": LogitProcessors.NoRepeat(values, history, step.GetProperty("n").GetInt32()); break;
            case "bad_words": Add(SequenceBias.Forbid(step.GetProperty("bad_words").EnumerateArray().Select(word => word.Ints()), [end])); break;
            case "suppress_tokens": Add(step.GetProperty("tokens").Ints().Select(id => new SequenceBias([id], double.NegativeInfinity))); break;
            case "sequence_bias": Add(step.GetProperty("biases").EnumerateArray().Select(pair => new SequenceBias(pair[0].Ints(), pair[1].GetDouble()))); break;
            case "logit_bias": Add(step.GetProperty("bias").EnumerateObject().Select(pair => new SequenceBias([int.Parse(pair.Name, CultureInfo.InvariantCulture)], pair.Value.GetDouble()))); break;
            case "min_length": new TextPenalties(new SamplingOptions { MinLength = step.GetProperty("min_length").GetInt32() }, values.Length, history, [end]).Apply(values); break;
            default: throw new InvalidOperationException(step.Text("processor"));
        }

        void Add(IEnumerable<SequenceBias> biases)
        {
            foreach (SequenceBias bias in biases) LogitProcessors.Bias(scores.AsSpan<float>(), history, bias);
        }
    }
}
