using System.Text.Json;
using Craton.Models.Generation;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Checkpoints of other libraries, against what those libraries compute with them.</summary>
[Trait("Category", "Golden")]
public sealed class DecoderFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void LogitsAndHiddenStates() => ForEachCase("logits and hidden states", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        Tensor ids = Tensor.From(c.FullIds, 1, c.FullIds.Length), x = c.Model.Model.EmbedTokens.Forward(ids);
        double tolerance = c.Tolerance("hidden_atol");
        tally.Close(c.Id + " embedding", c.Io.Floats("hidden.embedding"), x.ToArray<float>(), tolerance);
        for (int i = 0; i < c.Model.Model.Layers.Count; i++)
        {
            GptBlock block = c.Model.Model.Layers[i];
            if (i == 0)
            {
                Tensor attention = block.Attend(x, default, null, 0);
                tally.Close(c.Id + " attention", c.Io.Floats("hidden.layer.0.attention"), attention.ToArray<float>(), tolerance);
                tally.Close(c.Id + " mlp", c.Io.Floats("hidden.layer.0.mlp"), block.FeedForward(x + attention).ToArray<float>(), tolerance);
            }
            x = block.Forward(x, default, null, i);
            tally.Close($"{c.Id} layer {i}", c.Io.Floats($"hidden.layer.{i}"), x.ToArray<float>(), tolerance);
        }
        tally.Close(c.Id + " final", c.Io.Floats("hidden.final"), c.Model.Model.Forward(ids, default, null).ToArray<float>(), tolerance);
        tally.Close(c.Id + " logits", c.Io.Floats("full.logits"), c.Model.Forward(ids).ToArray<float>(), c.Tolerance("logits_atol"));
    });

    [Fact]
    public void PaddedBatch() => ForEachCase("padded batch", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        int[] mask = c.Io.Longs("batch.attention_mask");
        float[] actual = c.Model.Forward(c.BatchIds(), c.BatchInput()).ToArray<float>();
        int vocabulary = c.Model.Config.VocabSize;
        // The reference has zeros at padded places.
        for (int i = 0; i < mask.Length; i++)
            if (mask[i] == 0) actual.AsSpan(i * vocabulary, vocabulary).Clear();
        tally.Close(c.Id, c.Io.Floats("batch.logits"), actual, c.Tolerance("logits_atol"));
        CheckLogProbabilities(c, actual, mask, tally);
        CheckRowsAlone(c, actual, mask, tally);
    });

    // log p(token t + 1 given the tokens up to t); zero where either is padding.
    private static void CheckLogProbabilities(DecoderCase c, float[] logits, int[] mask, Tally tally)
    {
        int[] ids = c.Io.Longs("batch.input_ids");
        int vocabulary = c.Model.Config.VocabSize, length = ids.Length / 2;
        float[] all = Ops.LogSoftmax(Tensor.From(logits, ids.Length, vocabulary)).ToArray<float>();
        var got = new List<float>();
        for (int i = 0; i < ids.Length; i++)
            if ((i + 1) % length != 0) got.Add(mask[i] != 0 && mask[i + 1] != 0 ? all[i * vocabulary + ids[i + 1]] : 0);
        tally.Close(c.Id + " log-probabilities", c.Io.Floats("batch.token_logprobs"), [.. got], c.Tolerance("logprob_atol"));
    }

    // A row gives the same bits alone and without its padding.
    private static void CheckRowsAlone(DecoderCase c, float[] logits, int[] mask, Tally tally)
    {
        int[] ids = c.Io.Longs("batch.input_ids");
        int vocabulary = c.Model.Config.VocabSize, length = ids.Length / 2;
        for (int row = 0; row < 2; row++)
        {
            int[] places = [.. Enumerable.Range(row * length, length).Where(i => mask[i] != 0)];
            float[] alone = c.Model.Forward(Tensor.From(Array.ConvertAll(places, i => ids[i]), 1, places.Length)).ToArray<float>();
            float[] among = [.. places.SelectMany(i => logits[(i * vocabulary)..((i + 1) * vocabulary)])];
            tally.Close($"{c.Id} row {row} alone", among, alone, c.Tolerance("logits_atol"));
        }
    }

    [Fact]
    public void LossAndGradients() => ForEachCase("loss and gradients", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        using var tape = Tape.Start();
        Tensor loss = c.Model.Loss(c.BatchIds(), c.BatchTargets(), c.BatchInput());
        tape.Backward(loss);
        tally.Relative(c.Id + " loss", c.Expect.Number("loss"), loss.Item(), c.Tolerance("loss_rtol"));
        tally.Same(c.Id + " targets", [c.Expect.GetProperty("loss_positions").GetInt32()], [c.BatchTargets().ToArray<int>().Count(target => target != -100)]);
        double total = Math.Sqrt(c.Model.NamedParameters().Sum(p => p.Tensor.Grad!.ToArray<float>().Sum(g => (double)g * g)));
        tally.Relative(c.Id + " total norm", c.Expect.Number("grad_norm_total"), total, c.Tolerance("grad_norm_rtol"));
        JsonElement norms = c.Expect.GetProperty("grad_norms");
        using SafetensorsFile? full = File.Exists(c.PathOf("grads.safetensors")) ? SafetensorsFile.Open(c.PathOf("grads.safetensors")) : null;
        tally.Same(c.Id + " parameters", norms.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), c.Model.NamedParameters().Select(p => p.Name).Order(StringComparer.Ordinal));
        foreach ((string name, Tensor parameter) in c.Model.NamedParameters())
        {
            float[] gradient = parameter.Grad!.ToArray<float>();
            tally.Relative($"{c.Id} norm of {name}", norms.Number(name), Math.Sqrt(gradient.Sum(g => (double)g * g)), c.Tolerance("grad_norm_rtol"));
            if (full is null) continue;
            float[] expected = full.Floats(name);
            tally.Close($"{c.Id} gradient of {name}", expected, gradient, c.Tolerance("grad_atol_times_max") * expected.Max(Math.Abs));
        }
    });

    [Fact]
    public void DecodingWithACacheGivesTheSameBits() => ForEachCase("cached decoding", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        float[] whole = c.Model.Forward(Tensor.From(c.FullIds, 1, c.FullIds.Length)).ToArray<float>();
        var cache = new KvCache(c.Model.Config);
        var pieces = new List<float>();
        JsonElement cached = c.Expect.GetProperty("cached");
        int prefill = cached.GetProperty("prefill").GetInt32();
        tally.That(cached.GetProperty("equals_full").GetBoolean(), () => $"{c.Id}: decoding with a cache is another function, which is not built");
        for (int at = 0, end = prefill; at < c.FullIds.Length; at = end, end++)
            pieces.AddRange(c.Model.Forward(Tensor.From(c.FullIds[at..end], 1, end - at), default, cache).ToArray<float>());
        tally.That(whole.AsSpan().SequenceEqual(pieces.ToArray()), () => $"{c.Id}: the bits differ");
        tally.Close(c.Id, c.Io.Floats("full.logits"), pieces.ToArray(), c.Tolerance("logits_atol"));
    });

    [Fact]
    public void GreedyContinuations() => ForEachCase("greedy continuations", (c, tally) =>
    {
        JsonElement generate = c.Expect.GetProperty("generate");
        int count = generate.GetProperty("max_new_tokens").GetInt32();
        foreach (JsonElement item in generate.GetProperty("items").EnumerateArray())
        {
            int[] prompt = item.GetProperty("prompt").Ints();
            tally.Same(c.Id + " greedy", item.GetProperty("greedy").Ints(), Generate(c.Model, prompt, count, 1));
            tally.Same(c.Id + " greedy with repetition penalty", item.GetProperty("greedy_repetition_penalty").Ints(), Generate(c.Model, prompt, count, generate.Number("repetition_penalty")));
        }
    });

    [Fact]
    public void TheOlderSpellingOfTheConfigurationIsTheSame() => ForEachCase("older spelling", (c, tally) =>
        tally.That(c.Model.Config == GptConfig.Load(c.PathOf("config.legacy.json")), () => $"{c.Id}: config.legacy.json is read as something else"));

    // Widened to F32 where they were 16 bits; everything else as the other library has it.
    [Fact]
    public void WhatIsWrittenIsTheSameModelInTheSameLayout() => ForEachCase("written and read again", (c, tally) =>
    {
        using var folder = new TemporaryFolder();
        string written = folder.At("model");
        ModelDirectory.Save(written, c.Model, null, new ModelCard { Kind = "pretrain" });
        tally.Same(c.Id + " hash", [ModelDirectory.HashWeights(c.Model)], [ModelDirectory.HashWeights(ModelDirectory.LoadModel(written))]);
        using SafetensorsModel theirs = SafetensorsModel.Open(c.PathOf("")), ours = SafetensorsModel.Open(written);
        tally.Same(c.Id + " names", theirs.Names.Where(n => !n.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)).Order(StringComparer.Ordinal), ours.Names.Order(StringComparer.Ordinal));
        foreach (string name in ours.Names)
        {
            SafetensorsFile mine = ours.FileOf(name)!;
            tally.Same($"{c.Id} {name} type", [DType.F32], [mine[name].Type!.Value]);
            tally.Same($"{c.Id} {name} shape", theirs.FileOf(name)![name].Shape, mine[name].Shape);
            tally.That(theirs.FileOf(name)!.Floats(name).AsSpan().SequenceEqual(mine.Floats(name)), () => $"{c.Id} {name}: the values differ");
        }
        JsonElement config = Fixtures.Json(Path.Combine(written, "config.json"));
        foreach (JsonProperty expected in Fixtures.Json(c.PathOf("config.json")).EnumerateObject().Where(p => !NotOurs.Contains(p.Name)))
        {
            tally.That(config.TryGetProperty(expected.Name, out JsonElement got) && JsonElement.DeepEquals(got, expected.Value),
                () => $"{c.Id} config.json {expected.Name}: expected {expected.Value}, got {got}");
        }
    });

    // Who wrote it and how wide; windows, which no layer has.
    private static readonly string[] NotOurs =
        ["transformers_version", "dtype", "layer_types", "sliding_window", "use_sliding_window", "max_window_layers"];

    private static int[] Generate(Gpt model, int[] prompt, int count, double penalty)
    {
        var options = new SamplingOptions { Temperature = 0, MaxTokens = count, RepetitionPenalty = penalty };
        return [.. new TextGenerator(model, TestModels.Bytes).Generate(prompt, options).Tokens];
    }

    private void ForEachCase(string area, Action<DecoderCase, Tally> check)
    {
        var tally = new Tally(output);
        foreach (JsonElement item in Fixtures.Json(Path.Combine(Fixtures.Folder("decoders"), "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            string id = item.Text("id"), folder = Path.Combine(Fixtures.Folder("decoders"), id);
            if (item.Text("kind") != "decoder")
            {
                tally.Skip(id, item.Text("kind") == "sampling-processors" ? "run by SamplingFixtureTests" : $"{item.Text("kind")} is not built");
                continue;
            }
            try
            {
                GptConfig.Load(Path.Combine(folder, "config.json"));
            }
            catch (CratonException e) when (e.Message.Contains("supported yet", StringComparison.Ordinal) || e.Message.Contains("cannot be opened as", StringComparison.Ordinal))
            {
                tally.Skip(id, e.Message.Replace(folder, "…", StringComparison.Ordinal));
                continue;
            }
            tally.Case();
            try
            {
                using var c = new DecoderCase(id, folder);
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

    private sealed class DecoderCase(string id, string folder) : IDisposable
    {
        public string Id { get; } = id;

        public Gpt Model { get; } = ModelDirectory.LoadModel(folder);

        public SafetensorsFile Io { get; } = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));

        public JsonElement Expect { get; } = Fixtures.Json(Path.Combine(folder, "expect.json"));

        public int[] FullIds => Io.Longs("full.input_ids");

        public string PathOf(string file) => Path.Combine(folder, file);

        public double Tolerance(string name) => Expect.GetProperty("tolerance").Number(name);

        public Tensor BatchIds() => Batch(Io.Longs("batch.input_ids"));

        public GptInput BatchInput() => new(
            Positions: Batch(Io.Longs("batch.position_ids")),
            KeyPadding: Batch(Array.ConvertAll(Io.Longs("batch.attention_mask"), m => m != 0)));

        // The label of the next place; the last place of a row has none.
        public Tensor BatchTargets()
        {
            int[] labels = Io.Longs("batch.labels"), targets = new int[labels.Length];
            int length = labels.Length / 2;
            for (int i = 0; i < targets.Length; i++) targets[i] = (i + 1) % length == 0 ? -100 : labels[i + 1];
            return Batch(targets);
        }

        public void Dispose() => Io.Dispose();

        private static Tensor Batch<T>(T[] values) where T : unmanaged => Tensor.From(values, 2, values.Length / 2);
    }
}
