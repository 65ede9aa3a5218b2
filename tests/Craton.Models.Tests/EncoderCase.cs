using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Models.Encoders;
using Craton.Models.Generation;
using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;

namespace Craton.Models.Tests;

/// <summary>One folder of the encoder fixtures.</summary>
internal class ModelCase(string id, string folder) : IDisposable
{
    private readonly JsonElement _description = Fixtures.Json(Path.Combine(folder, "case.json"));
    private readonly SafetensorsFile _golden = SafetensorsFile.Open(Path.Combine(folder, "golden.safetensors"));

    public string Id { get; } = id;

    public string Folder { get; } = folder;

    public IEnumerable<JsonElement> Calls(string op) => _description.GetProperty("calls").EnumerateArray().Where(call => call.Text("op") == op);

    /// <summary>The inputs of a call as tensors: integers as I32, the mask as Bool.</summary>
    public Dictionary<string, Tensor> Arguments(JsonElement call) => call.GetProperty("inputs").EnumerateObject().ToDictionary(
        input => input.Name, input => Read(input.Name, input.Value.Text("tensor"), input.Value.GetProperty("shape").Ints()), StringComparer.Ordinal);

    public int[] Integers(string key) => _golden.Longs(key);

    public float[] Floats(string key) => _golden.Floats(key);

    private Tensor Read(string name, string key, int[] shape) =>
        _golden[key].Type == DType.F32 ? Tensor.From(_golden.Floats(key), shape)
        : name.EndsWith("attention_mask", StringComparison.Ordinal) ? Tensor.From(Array.ConvertAll(_golden.Longs(key), m => m != 0), shape)
        : Tensor.From(_golden.Longs(key), shape);

    /// <summary>Compares everything that a call expects.</summary>
    public void Compare(JsonElement call, Outputs got, Tally tally)
    {
        foreach (JsonProperty expected in call.GetProperty("expected").EnumerateObject())
        {
            string name = $"{Id} {call.Text("name")} {expected.Name}";
            float[] values = _golden.Floats(expected.Value.Text("tensor"));
            JsonElement tolerance = expected.Value.GetProperty("tolerance");
            if (got[expected.Name] is not { } actual) tally.That(false, () => $"{name}: the model gives no such thing");
            else tally.Close(name, values, actual, tolerance.Number("atol"), tolerance.Number("rtol"));
        }
    }

    /// <summary>Compares the norms of all gradients.</summary>
    public void CompareNorms(JsonElement call, IReadOnlyDictionary<string, float[]> gradients, Tally tally)
    {
        JsonElement norms = call.GetProperty("gradient_norms"), tolerance = norms.GetProperty("tolerance");
        tally.Same(Id + " parameters", norms.GetProperty("values").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), gradients.Keys.Order(StringComparer.Ordinal));
        foreach (JsonProperty expected in norms.GetProperty("values").EnumerateObject())
            Near($"norm of {expected.Name}", expected.Value.GetDouble(), Norm(gradients.GetValueOrDefault(expected.Name) ?? []));
        Near("total norm", norms.Number("total"), Norm(gradients.Values.SelectMany(g => g)));

        void Near(string name, double expected, double actual) => tally.That(
            Math.Abs(actual - expected) <= tolerance.Number("atol") + tolerance.Number("rtol") * expected, () => $"{Id} {name}: expected {expected:g9}, got {actual:g9}");
    }

    /// <summary>The settings of a call on top of those of the directory; no beams where tokens are chosen one by one.</summary>
    public (SamplingOptions Options, BeamOptions? Beams) GenerationSettings(JsonElement call)
    {
        using var merged = new TemporaryFolder();
        JsonObject config = JsonObject.Create(Fixtures.Json(Path.Combine(Folder, "generation_config.json")))!;
        var beams = new BeamOptions { Beams = 1, Returned = 1 };
        foreach (JsonProperty argument in call.GetProperty("arguments").EnumerateObject())
        {
            beams = argument.Name switch
            {
                "num_beams" => beams with { Beams = argument.Value.GetInt32() },
                "length_penalty" => beams with { LengthPenalty = argument.Value.GetDouble() },
                "early_stopping" => beams with { EarlyStopping = argument.Value.ValueKind == JsonValueKind.True ? EarlyStopping.Yes : argument.Value.ValueKind == JsonValueKind.False ? EarlyStopping.No : EarlyStopping.Never },
                "num_return_sequences" => beams with { Returned = argument.Value.GetInt32() },
                "renormalize_logits" => beams with { Renormalize = argument.Value.GetBoolean() },
                _ => beams,
            };
            config[argument.Name] = JsonNode.Parse(argument.Value.GetRawText());
        }
        File.WriteAllText(merged.At("generation_config.json"), config.ToJsonString());
        return (GenerationConfig.Load(merged.Path).Sampling, beams.Beams > 1 ? beams : null);
    }

    /// <summary>Compares answers, and their scores where they are expected. Rows begin with a prompt and end with padding.</summary>
    public void CompareAnswers(JsonElement call, TargetIds ids, IReadOnlyList<Beam> got, Tally tally, IReadOnlyList<int[]>? prompts = null)
    {
        JsonElement[] expected = [.. call.GetProperty("sequences").EnumerateArray()];
        string name = $"{Id} {call.Text("name")}";
        tally.Same($"{name} number of answers", [expected.Length], [got.Count]);
        for (int i = 0; i < Math.Min(expected.Length, got.Count); i++)
        {
            int[] row = expected[i].Ints(), prompt = prompts?[i] ?? [ids.Start];
            tally.Same($"{name} {i}", row, [.. prompt, .. got[i].Tokens, .. Enumerable.Repeat(ids.Pad, Math.Max(0, row.Length - prompt.Length - got[i].Tokens.Count))]);
        }
        if (!call.GetProperty("expected").TryGetProperty("sequences_scores", out JsonElement scores)) return;
        tally.Close($"{name} scores", Floats(scores.Text("tensor")), [.. got.Select(beam => (float)beam.Score)], scores.GetProperty("tolerance").Number("atol"));
    }

    private static double Norm(IEnumerable<float> values) => Math.Sqrt(values.Sum(g => (double)g * g));

    public void Dispose() => _golden.Dispose();
}

/// <summary>One that holds an encoder.</summary>
internal sealed class EncoderCase(string id, string folder) : ModelCase(id, folder)
{
    public EncoderModel Model { get; } = EncoderDirectory.Load(folder);
}

/// <summary>What a call gives, under the names of the fixtures.</summary>
internal class Outputs
{
    private readonly Dictionary<string, float[]> _values = new(StringComparer.Ordinal);

    public Tensor? Loss { get; private set; }

    public float[]? this[string name] => _values.GetValueOrDefault(name);

    public void Add(string name, float[] values) => _values.Add(name, values);

    public void Add(string name, Tensor values) => _values.Add(name, values.ToArray<float>());

    public void SetLoss(Tensor loss)
    {
        Loss = loss;
        Add("loss", loss);
    }
}

/// <summary>What a call of an encoder gives.</summary>
internal sealed class EncoderOutputs : Outputs
{
    public static EncoderOutputs Of(EncoderModel model, Dictionary<string, Tensor> arguments)
    {
        var outputs = new EncoderOutputs();
        Tensor ids = arguments["input_ids"];
        int choices = ids.Rank == 3 ? ids.Size(1) : 0;
        var input = new EncoderInput(Flat(ids)!, Flat(Find("token_type_ids")), Flat(Find("attention_mask")), Flat(Find("position_ids")));
        if (!Tape.IsRecording) outputs.AddHiddenStates(model, input);
        Tensor? labels = Find("labels");
        switch (model)
        {
            case MaskedLanguageModel m:
                outputs.Add("logits", m.Logits(input));
                if (labels is not null) outputs.SetLoss(m.Loss(input, labels));
                break;
            case PretrainingModel m:
                (Tensor tokens, Tensor sentences) = m.Logits(input);
                outputs.Add("prediction_logits", tokens);
                outputs.Add("seq_relationship_logits", sentences);
                outputs.Add("sop_logits", sentences);
                if (labels is not null) outputs.SetLoss(m.Loss(input, labels, Find("next_sentence_label") ?? Find("sentence_order_label")!));
                break;
            case ReplacedTokenDetector m:
                outputs.Add("logits", m.Logits(input));
                if (labels is not null) outputs.SetLoss(m.Loss(input, Ops.Cast(labels, DType.F32)));
                break;
            case SequenceClassifier m:
                outputs.Add("logits", m.Logits(input));
                outputs.Add("probability", Ops.Sigmoid(m.Logits(input)));
                if (labels is not null) outputs.SetLoss(m.Loss(input, labels));
                break;
            case TokenClassifier m:
                outputs.Add("logits", m.Logits(input));
                if (labels is not null) outputs.SetLoss(m.Loss(input, labels));
                break;
            case QuestionAnswerer m:
                (Tensor start, Tensor end) = m.Logits(input);
                outputs.Add("start_logits", start);
                outputs.Add("end_logits", end);
                if (Find("start_positions") is { } starts) outputs.SetLoss(m.Loss(input, starts, Find("end_positions")!));
                break;
            case MultipleChoiceModel m:
                outputs.Add("logits", m.Logits(input, choices));
                if (labels is not null) outputs.SetLoss(m.Loss(input, choices, labels));
                break;
        }
        return outputs;

        Tensor? Find(string name) => arguments.GetValueOrDefault(name);

        static Tensor? Flat(Tensor? x) => x is { Rank: 3 } ? x.View(-1, x.Size(2)) : x;
    }

    private void AddHiddenStates(EncoderModel model, in EncoderInput input)
    {
        Encoder encoder = model.Encoder;
        EncoderPass pass = encoder.Begin(input);
        pass.AttentionWeights = [];
        Tensor x = encoder.Embed(pass);
        Add("hidden_states.0", x);
        for (int i = 0; i < encoder.Blocks.Count; i++)
        {
            x = encoder.Blocks[i].Forward(x, pass);
            // The last one is what the encoder gives, behind its last norm.
            Add($"hidden_states.{i + 1}", i + 1 < encoder.Blocks.Count ? x : encoder.Finish(x));
            Add($"attentions.{i}", pass.AttentionWeights[i]);
        }
        Add("last_hidden_state", encoder.Finish(x));
        if (encoder.Pooler is not null) Add("pooler_output", encoder.Pooled(encoder.Finish(x), input));
    }
}
