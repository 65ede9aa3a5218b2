using System.Text.Json;
using Craton.Models.Adapters;
using Craton.Models.Encoders;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Adapters of PEFT, against what that library computes with them.</summary>
[Trait("Category", "Golden")]
public sealed class AdapterFixtureTests(ITestOutputHelper output)
{
    private const string Single = "adapter", Mixture = "adapter-mixture", Training = "training-trajectory";

    [Fact]
    public void Logits() => ForEachCase("logits", [Single], (c, tally) =>
    {
        float[] plain = c.Logits();
        PeftAdapter adapter = c.Load();
        adapter.Attach();
        tally.Close(c.Id, c.Io.Floats("logits"), c.Logits(), c.Tolerance("logits_atol"));
        adapter.Detach();
        tally.That(plain.AsSpan().SequenceEqual(c.Logits()), () => $"{c.Id}: detaching does not give the bits of the model alone");
    });

    [Fact]
    public void PackedForInference() => ForEachCase("packed weights", [Single], (c, tally) =>
    {
        c.Load().Attach();
        float[] expected = c.Logits();
        c.Pack();
        tally.That(expected.AsSpan().SequenceEqual(c.Logits()), () => $"{c.Id}: packed weights give other bits");
    });

    [Fact]
    public void Greedy() => ForEachCase("greedy continuations", [Single], (c, tally) =>
    {
        if (c.Model is not CausalLanguageModel decoder) return; // it only reads
        JsonElement greedy = c.Expect.GetProperty("greedy");
        c.Load().Attach();
        int[] expected = greedy.GetProperty("new_tokens").Ints();
        var options = new SamplingOptions { Temperature = 0, MaxTokens = expected.Length };
        tally.Same(c.Id, expected, new TextGenerator(decoder, TestModels.Bytes).Generate(greedy.GetProperty("prompt").Ints(), options).Tokens);
    });

    [Fact]
    public void Merged() => ForEachCase("merged", [Single], (c, tally) =>
    {
        if (!File.Exists(c.PathOf("merged.safetensors"))) return;
        using SafetensorsFile expected = SafetensorsFile.Open(c.PathOf("merged.safetensors"));
        Dictionary<string, float[]> before = c.Model.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor.ToArray<float>());
        c.Load().Merge();
        tally.Close(c.Id + " logits", c.Io.Floats("logits"), c.Logits(), c.Tolerance("logits_atol"));
        var changed = new List<string>();
        foreach ((string name, Tensor tensor) in c.Model.NamedParameters())
        {
            if (tensor.AsSpan<float>().SequenceEqual(before[name])) continue;
            changed.Add(name);
            float[] got = c.Model is CausalLanguageModel decoder && decoder.IsStoredTransposed(name) ? tensor.Transpose().ToArray<float>() : tensor.ToArray<float>();
            if (expected.Contains(name)) tally.Close($"{c.Id} {name}", expected.Floats(name), got, c.Tolerance("merged_weights_atol"));
        }
        tally.Same(c.Id + " changed", expected.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), changed.Order(StringComparer.Ordinal));
    });

    [Fact]
    public void WhatIsWrittenHasTheSameContent() => ForEachCase("written and read again", [Single, Training], (c, tally) =>
    {
        using var folder = new TemporaryFolder();
        AdapterDirectory.Save(folder.At("adapter"), c.Load());
        using SafetensorsFile theirs = SafetensorsFile.Open(c.PathOf("adapter_model.safetensors")), ours = SafetensorsFile.Open(folder.At("adapter/adapter_model.safetensors"));
        string[] counted = [.. theirs.Tensors.Select(t => t.Name).Where(n => !n.Contains(".modules_to_save.", StringComparison.Ordinal) && !n.Contains(".original_module.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        tally.Same(c.Id + " names", counted, ours.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (string name in counted)
        {
            tally.Same($"{c.Id} {name} type", [theirs[name].Type], [ours[name].Type]);
            tally.Same($"{c.Id} {name} shape", theirs[name].Shape, ours[name].Shape);
            tally.Same($"{c.Id} {name}", theirs.Floats(name), ours.Floats(name));
        }
        tally.That(JsonElement.DeepEquals(Fixtures.Json(c.PathOf("adapter_config.json")), Fixtures.Json(folder.At("adapter/adapter_config.json"))), () => $"{c.Id}: adapter_config.json differs");
    });

    [Fact]
    public void SeveralAdapters() => ForEachCase("several adapters", [Mixture], (c, tally) =>
    {
        string[] names = [.. c.Expect.GetProperty("adapters").EnumerateArray().Select(a => a.GetString()!)];
        Dictionary<string, LayerAdapters> all = names.ToDictionary(name => name, name => (LayerAdapters)c.Load(name));
        foreach (JsonElement item in c.Expect.GetProperty("cases").EnumerateArray())
        {
            string tensor = item.Text("tensor");
            string[] active = [.. item.GetProperty("active").EnumerateArray().Select(a => a.GetString()!)];
            double[] weights = item.TryGetProperty("weights", out JsonElement given) ? [.. given.EnumerateArray().Select(w => w.GetDouble())] : [.. active.Select(_ => 1.0)];
            LayerAdapters[] attached = [.. active.Select(a => all[a])];
            for (int i = 0; i < attached.Length; i++) attached[i].Strength = weights[i];
            if (tensor == "logits.linear") attached = [LayerAdapters.Mix(attached)];
            foreach (LayerAdapters adapter in attached) adapter.Attach();
            tally.Close($"{c.Id} {tensor}", c.Io.Floats(tensor), c.Logits(), c.Tolerance("logits_atol"));
            foreach (LayerAdapters adapter in attached) adapter.Detach();
            foreach (LayerAdapters adapter in all.Values) adapter.Strength = 1;
        }
    });

    [Fact]
    public void TrainingSteps() => ForEachCase("training", [Training], (c, tally) =>
    {
        using SafetensorsFile trajectory = SafetensorsFile.Open(c.PathOf("trajectory.safetensors"));
        Dictionary<string, float[]> before = c.Model.NamedParameters().ToDictionary(p => p.Name, p => p.Tensor.Freeze().ToArray<float>());
        PeftAdapter adapter = c.Load(train: true);
        adapter.Attach();
        JsonElement optimizer = c.Expect.GetProperty("optimizer");
        double[] losses = [.. c.Expect.GetProperty("losses_before_each_step_and_after_the_last").EnumerateArray().Select(l => l.GetDouble())];
        for (int step = 0; step < losses.Length; step++)
        {
            using (TensorScope.Open("step"))
            using (Tape tape = Tape.Start())
            {
                Tensor loss = c.Loss(trajectory);
                tally.Relative($"{c.Id} loss before step {step + 1}", losses[step], loss.Item(), c.Tolerance("loss_rtol"));
                if (step + 1 == losses.Length) break;
                tape.Backward(loss);
                foreach ((string name, Tensor tensor) in adapter.NamedParameters())
                {
                    tensor.Assign(tensor.Detach() - tensor.Grad! * optimizer.Number("lr"));
                    tensor.ClearGrad();
                    tally.Close($"{c.Id} step {step + 1} {name}", trajectory.Floats($"step.{step + 1}.{name}"), tensor.ToArray<float>(), c.Tolerance("weights_atol"));
                }
                tally.That(c.Model.NamedParameters().Where(p => before.ContainsKey(p.Name)).All(p => p.Tensor.Grad is null), () => $"{c.Id}: a frozen weight has a gradient");
            }
        }
        adapter.Detach();
        tally.That(c.Model.NamedParameters().All(p => p.Tensor.AsSpan<float>().SequenceEqual(before[p.Name])), () => $"{c.Id}: training has changed a frozen weight");
    });

    private void ForEachCase(string area, string[] kinds, Action<AdapterCase, Tally> check)
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("peft");
        foreach (JsonElement item in Fixtures.Json(Path.Combine(root, "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            if (!kinds.Contains(item.Text("kind"))) continue;
            string id = item.Text("id");
            JsonElement expect = Fixtures.Json(Path.Combine(root, id, "expect.json"));
            tally.Case();
            try
            {
                using var c = new AdapterCase(id, root, expect);
                using var scope = TensorScope.Open("test");
                check(c, tally);
            }
#pragma warning disable CA1031 // whatever a case throws is its failure, and the others still run
            catch (Exception e)
#pragma warning restore CA1031
            {
                tally.That(false, () => $"{id}: {e.GetType().Name}: {e.Message}");
            }
        }
        tally.Finish(area);
    }

    private sealed class AdapterCase(string id, string root, JsonElement expect) : IDisposable
    {
        private SafetensorsFile? _io;

        public string Id { get; } = id;

        public JsonElement Expect { get; } = expect;

        public Module Model { get; } = Open(Path.Combine(root, expect.Text("base")));

        public SafetensorsFile Io => _io ??= SafetensorsFile.Open(PathOf("io.safetensors"));

        public string PathOf(string file) => Path.Combine(root, Id, file);

        public double Tolerance(string name) => Expect.GetProperty("tolerance").Number(name);

        public PeftAdapter Load(string name = "", bool train = false) => AdapterDirectory.Load(PathOf(name), Model, train);

        public float[] Logits() => Model is SequenceClassifier classifier ? classifier.Logits(EncoderInput(Io)).ToArray<float>() : Logits((CausalLanguageModel)Model);

        public void Pack()
        {
            if (Model is SequenceClassifier classifier) classifier.Encoder.PackWeights();
            else ((CausalLanguageModel)Model).PackWeights();
        }

        // The reference has zeros at padded places.
        private float[] Logits(CausalLanguageModel model)
        {
            int[] mask = Io.Longs("attention_mask");
            Tensor ids = Ids(Io), hidden = model.HiddenWithPrompt(ids, Input(Io), cache: null);
            float[] logits = model.Logits(hidden).ToArray<float>();
            int vocabulary = model.Config.VocabSize, length = ids.Size(1), all = hidden.Size(1);
            for (int i = 0; i < mask.Length; i++)
                if (mask[i] == 0) logits.AsSpan((i / length * all + all - length + i % length) * vocabulary, vocabulary).Clear();
            return logits;
        }

        public Tensor Loss(SafetensorsFile batch)
        {
            int[] labels = batch.Longs("labels"), targets = new int[labels.Length];
            if (Model is SequenceClassifier classifier) return classifier.Loss(EncoderInput(batch), Tensor.From(labels, labels.Length));
            int length = Ids(batch).Size(1);
            for (int i = 0; i < targets.Length; i++) targets[i] = (i + 1) % length == 0 ? -100 : labels[i + 1];
            return ((CausalLanguageModel)Model).Loss(Ids(batch), Tensor.From(targets, targets.Length / length, length), Input(batch));
        }

        public void Dispose() => _io?.Dispose();

        private static Module Open(string folder) => EncoderDirectory.Holds(folder) ? EncoderDirectory.Load(folder) : ModelDirectory.LoadModel(folder);

        private static EncoderInput EncoderInput(SafetensorsFile batch) => new(Ids(batch), KeyPadding: Input(batch).KeyPadding);

        private static Tensor Ids(SafetensorsFile batch) => Shaped(batch, "input_ids", batch.Longs("input_ids"));

        private static DecoderInput Input(SafetensorsFile batch) =>
            new(KeyPadding: Shaped(batch, "attention_mask", Array.ConvertAll(batch.Longs("attention_mask"), m => m != 0)));

        private static Tensor Shaped<T>(SafetensorsFile batch, string name, T[] values) where T : unmanaged => Tensor.From(values, (int)batch[name].Shape[0], (int)batch[name].Shape[1]);
    }
}
