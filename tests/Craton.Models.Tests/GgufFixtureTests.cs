using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Craton.Models.Gguf;
using Craton.Tensors;
using Craton.Tensors.IO;
using Craton.Tensors.Quantization;
using Craton.Tokenizers;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Models in GGUF files, against what other programs compute with them.</summary>
[Trait("Category", "Golden")]
public sealed class GgufFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void MetadataAndTensors() => ForEachModel("gguf tensors", (item, path, tally) =>
    {
        string id = item.Text("id");
        using GgufFile file = GgufFile.Open(path);
        foreach (JsonProperty expected in item.GetProperty("metadata").EnumerateObject())
            tally.Same($"{id} {expected.Name}", [Describe(expected.Value[1])], [file.Find(expected.Name) is { } value ? Describe(value) : "nothing"]);
        foreach (JsonElement expected in item.GetProperty("tensors").EnumerateArray())
        {
            GgufEntry entry = file[expected.Text("name")];
            tally.Same($"{id} {entry.Name} dims", expected.GetProperty("dims").EnumerateArray().Select(d => d.GetInt64()), entry.Shape.Reverse());
            tally.Same($"{id} {entry.Name} type", [expected.Text("type")], [entry.Type.ToString()]);
            float[] values = new float[entry.Count];
            file.ReadFloats(entry, values);
            tally.Same($"{id} {entry.Name} SHA-256", [expected.Text("sha256_of_float32")], [Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(values.AsSpan())))]);
        }
        using ModelWeights weights = ModelWeights.Open(path); // every tensor has a name in the other layout
        tally.That(weights.Tensors.Count >= file.Tensors.Count - 1, () => $"{id}: {weights.Tensors.Count} of {file.Tensors.Count} tensors are mapped");
    });

    [Fact]
    public void Logits() => ForEachModel("gguf logits", (item, path, tally) =>
    {
        string id = item.Text("id");
        using SafetensorsFile io = SafetensorsFile.Open(Path.Combine(Fixtures.Folder("gguf"), item.Text("io")));
        int[] ids = io.Longs("input_ids");
        CausalLanguageModel floats = GgufModel.Load(path, keepBlocks: false);
        using var scope = TensorScope.Open("test");
        Tensor input = Tensor.From(ids, 1, ids.Length);
        float[] expected = io.Floats("logits"), exact = floats.Forward(input).ToArray<float>();
        tally.Close(id + " weights as floats", expected, exact, item.GetProperty("tolerance").Number("atol"));
        JsonElement greedy = item.GetProperty("greedy");
        tally.Same(id + " greedy", greedy.GetProperty("new_tokens").Ints(), Greedy(floats, greedy.GetProperty("prompt").Ints(), greedy.GetProperty("new_tokens").GetArrayLength()));
        if (!item.TryGetProperty("activation_rounding", out JsonElement rounding)) return;
        float[] rounded = GgufModel.Load(path).Forward(input).ToArray<float>();
        tally.Close(id + " weights in blocks", expected, rounded, rounding.Number("atol_for_engines_that_round_activations"));
        double square = 0;
        for (int i = 0; i < expected.Length; i++) square += Math.Pow(expected[i] - rounded[i], 2);
        double rms = Math.Sqrt(square / expected.Length), limit = rounding.Number("rms_limit_for_engines_that_round_activations");
        output.WriteLine($"{id}: root-mean-square difference with rounded activations {rms:g3}, limit {limit:g3}, reference {rounding.Number("rms_diff_with_q8_0_activations"):g3}");
        tally.That(rms <= limit && rms > 0, () => $"{id}: root-mean-square difference {rms:g4}, limit {limit:g4}");
    });

    [Fact]
    public void TokenizerProbes() => ForEachModel("gguf tokenizers", (item, path, tally) =>
    {
        string id = item.Text("id");
        using GgufFile file = GgufFile.Open(path);
        Tokenizer tokenizer;
        try
        {
            tokenizer = GgufTokenizer.Load(file);
        }
        catch (CratonException e) when (e.InnerException is TokenizerException)
        {
            tally.Skip(id, e.InnerException.Message);
            return;
        }
        foreach (JsonElement probe in item.GetProperty("tokenizer_probes").EnumerateArray())
        {
            string text = probe.Text("text");
            int[] ids = tokenizer.Encode(text, allowSpecial: true);
            tally.Same($"{id} '{text}'", probe.GetProperty("ids").Ints(), ids);
            if (probe.TryGetProperty("decoded", out JsonElement decoded)) tally.Same($"{id} decoded '{text}'", [decoded.GetString()], [tokenizer.Decode(ids, skipSpecial: false)]);
        }
    });

    // A file, as a directory, as a file again: nothing is lost.
    [Fact]
    public void WhatIsImportedAndExportedIsTheSameModel() => ForEachModel("gguf round trip", (item, path, tally) =>
    {
        string id = item.Text("id");
        using var folder = new TemporaryFolder();
        ModelExport.ToDirectory(path, folder.At("model"));
        using (ModelWeights original = ModelWeights.Open(path), imported = ModelWeights.Open(folder.At("model")))
        {
            tally.Same($"{id} names", original.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), imported.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
            foreach ((string name, IReadOnlyList<long> shape) in original.Tensors)
            {
                float[] expected = new float[shape.Aggregate(1L, (count, size) => count * size)], got = new float[expected.Length];
                original.Read(name, expected);
                imported.Read(name, got);
                tally.That(expected.AsSpan().SequenceEqual(got), () => $"{id} {name}: other values in the directory");
            }
        }
        ModelExport.ToGguf(folder.At("model"), folder.At("again.gguf"), BlockType.F32);
        using GgufFile before = GgufFile.Open(path), after = GgufFile.Open(folder.At("again.gguf"));
        tally.Same($"{id} tensors", before.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), after.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (GgufEntry entry in before.Tensors)
        {
            float[] expected = new float[entry.Count], got = new float[entry.Count];
            before.ReadFloats(entry, expected);
            after.ReadFloats(after[entry.Name], got);
            // 1 is taken off and put on again where a family stores its norms so.
            tally.Close($"{id} {entry.Name}", expected, got, entry.Name.Contains("norm", StringComparison.Ordinal) && id.StartsWith("gemma", StringComparison.Ordinal) ? 2.4e-7 : 0);
        }
        foreach ((string key, GgufValue value) in before.Metadata)
        {
            if (key is "general.file_type" or "general.quantization_version" or "general.name" or "tokenizer.ggml.scores" or "tokenizer.ggml.token_type_count") continue;
            if (key == "tokenizer.ggml.add_eos_token" && value.Content is false && after.Find(key) is null) continue;
            tally.That(after.Find(key) is { } again && Describe(again) == Describe(value), () => $"{id} {key}: was {Describe(value)}, is {(after.Find(key) is { } other ? Describe(other) : "missing")}");
        }
    });

    // The checkpoints of other libraries, written as files and read again.
    [Fact]
    public void DecodersComeThroughAFile()
    {
        var tally = new Tally(output);
        foreach (string id in Fixtures.Cases("decoders", "decoder").Select(c => c.Text("id")))
        {
            string folder = Path.Combine(Fixtures.Folder("decoders"), id);
            using var temporary = new TemporaryFolder();
            using SafetensorsFile io = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));
            using var scope = TensorScope.Open("test");
            try
            {
                ModelExport.ToGguf(folder, temporary.At("model.gguf"), BlockType.F32);
            }
            catch (CratonException e)
            {
                tally.Skip(id, e.Message.Replace(folder, "…", StringComparison.Ordinal));
                continue;
            }
            tally.Case();
            int[] ids = io.Longs("full.input_ids");
            float[] logits = GgufModel.Load(temporary.At("model.gguf")).Forward(Tensor.From(ids, 1, ids.Length)).ToArray<float>();
            tally.Close(id, io.Floats("full.logits"), logits, Fixtures.Json(Path.Combine(folder, "expect.json")).GetProperty("tolerance").Number("logits_atol"));
        }
        tally.Finish("decoders as gguf");
    }

    private static int[] Greedy(CausalLanguageModel model, int[] prompt, int count)
    {
        var ids = new List<int>(prompt);
        for (int i = 0; i < count; i++)
        {
            using var scope = TensorScope.Open("test");
            float[] last = model.Forward(Tensor.From(ids.ToArray(), 1, ids.Count)).ToArray<float>()[^model.Config.VocabSize..];
            ids.Add(Array.IndexOf(last, last.Max()));
        }
        return [.. ids.Skip(prompt.Length)];
    }

    private static string Describe(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.ValueKind == JsonValueKind.Number ? $"{value.GetDouble():R}" : value.ToString();

    private static string Describe(GgufValue value) => value.Content is GgufArray array ? string.Join(' ', array.Items.Cast<object>())
        : value.AsNumber() is { } number ? $"{number:R}" : value.Content.ToString()!;

    private void ForEachModel(string area, Action<JsonElement, string, Tally> check)
    {
        var tally = new Tally(output);
        string folder = Fixtures.Folder("gguf");
        var models = Fixtures.Cases("gguf", "model").Select(c => c.Text("id")).ToHashSet(StringComparer.Ordinal);
        foreach (JsonElement item in models.Count == 0 ? [] : Fixtures.Json(Path.Combine(folder, "models.json")).GetProperty("models").EnumerateArray().Where(m => models.Contains(m.Text("id"))))
        {
            try
            {
                check(item, Path.Combine(folder, item.Text("file")), tally);
                tally.Case();
            }
            catch (CratonException e) when (e.Message.Contains("supported yet", StringComparison.Ordinal) || e.Message.Contains("cannot be opened as", StringComparison.Ordinal))
            {
                tally.Skip(item.Text("id"), e.Message.Replace(folder, "…", StringComparison.Ordinal));
            }
        }
        tally.Finish(area);
    }
}
