using System.Text.Json;
using Craton.Models.Generation;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Checkpoints of other libraries, against what those libraries compute with them.</summary>
[Trait("Category", "Golden")]
public sealed class DecoderFixtureTests(ITestOutputHelper output)
{
    private const double Rounding = 1e-7; // of the norm of all gradients

    [Fact]
    public void LogitsAndHiddenStates() => ForEachCase("logits and hidden states", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        Tensor ids = Tensor.From(c.FullIds, 1, c.FullIds.Length);
        var pass = new DecoderPass(ids, default, cache: null);
        Tensor x = c.Model.Embed(ids, pass);
        double tolerance = c.Tolerance("hidden_atol");
        tally.Close(c.Id + " embedding", c.Io.Floats("hidden.embedding"), x.ToArray<float>(), tolerance);
        for (int i = 0; i < c.Model.Blocks.Count; i++)
        {
            x = c.Model.Blocks[i].Forward(x, pass);
            tally.Close($"{c.Id} layer {i}", c.Io.Floats($"hidden.layer.{i}"), x.ToArray<float>(), tolerance);
        }
        tally.Close(c.Id + " final", c.Io.Floats("hidden.final"), c.Model.Hidden(ids).ToArray<float>(), tolerance);
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
        // Where positions turn by the length of the text, the longest row decides for all.
        if (c.Expect.Number("rows_alone_max_abs_diff") <= c.Tolerance("logits_atol")) CheckRowsAlone(c, actual, mask, tally);
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
        double total = Math.Sqrt(c.Model.NamedParameters().Sum(p => Gradient(p.Tensor).Sum(g => (double)g * g)));
        tally.Relative(c.Id + " total norm", c.Expect.Number("grad_norm_total"), total, c.Tolerance("grad_norm_rtol"));
        JsonElement norms = c.Expect.GetProperty("grad_norms");
        using SafetensorsFile? full = File.Exists(c.PathOf("grads.safetensors")) ? SafetensorsFile.Open(c.PathOf("grads.safetensors")) : null;
        tally.Same(c.Id + " parameters", norms.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), c.Model.NamedParameters().Select(p => c.StoredName(p.Name)).Order(StringComparer.Ordinal));
        foreach ((string name, Tensor parameter) in c.Model.NamedParameters())
        {
            float[] gradient = c.Model.IsStoredTransposed(name) ? parameter.Grad!.Transpose().ToArray<float>() : Gradient(parameter);
            double expectedNorm = norms.Number(c.StoredName(name)), norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
            // A bias that shifts all scores of a query alike has no gradient: what is there is rounding, in the reference too.
            if (expectedNorm < Rounding * total) tally.That(norm < Rounding * total, () => $"{c.Id} norm of {name}: expected nothing but rounding, got {norm:g4}");
            else tally.Relative($"{c.Id} norm of {name}", expectedNorm, norm, c.Tolerance("grad_norm_rtol"));
            if (full is null) continue;
            float[] expected = full.Floats(name);
            tally.Close($"{c.Id} gradient of {name}", expected, gradient, c.Tolerance("grad_atol_times_max") * expected.Max(Math.Abs));
        }
    });

    // An expert that no token reached has none.
    private static float[] Gradient(Tensor parameter) => parameter.Grad?.ToArray<float>() ?? new float[parameter.Count];

    [Fact]
    public void DecodingWithACacheGivesTheSameBits() => ForEachCase("cached decoding", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        float[] whole = c.Model.Forward(Tensor.From(c.FullIds, 1, c.FullIds.Length)).ToArray<float>();
        var cache = c.Model.NewCache(capacity: c.FullIds.Length);
        var pieces = new List<float>();
        JsonElement cached = c.Expect.GetProperty("cached");
        int prefill = cached.GetProperty("prefill").GetInt32();
        bool same = cached.GetProperty("equals_full").GetBoolean();
        for (int at = 0, end = prefill; at < c.FullIds.Length; at = end, end++)
            pieces.AddRange(c.Model.Forward(Tensor.From(c.FullIds[at..end], 1, end - at), default, cache).ToArray<float>());
        if (same) tally.That(whole.AsSpan().SequenceEqual(pieces.ToArray()), () => $"{c.Id}: the bits differ");
        tally.Close(c.Id, c.Io.Floats(same ? "full.logits" : "cached.logits"), pieces.ToArray(), c.Tolerance("logits_atol"));
    });

    [Fact]
    public void SeveralTextsInOnePassGiveTheBitsOfEachAlone() => ForEachCase("several texts in one pass", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        int[] all = c.FullIds;
        int[][] texts = [all, [.. all.Reverse().Take(all.Length * 2 / 3)], all[..Math.Min(5, all.Length)], [.. all.Skip(1)]];
        float[][] pieces = InPieces(c.Model, texts, [7, 3, 1, 11]);
        for (int i = 0; i < texts.Length; i++)
        {
            float[] alone = c.Model.Forward(Tensor.From(texts[i], 1, texts[i].Length)).ToArray<float>();
            tally.That(alone.AsSpan().SequenceEqual(pieces[i]), () => $"{c.Id} text {i}: the bits differ");
        }
    });

    // Logits of texts that are read together, each in pieces of its own size, with the pages of one text between those of another.
    private static float[][] InPieces(CausalLanguageModel model, int[][] texts, int[] sizes)
    {
        const int PageSize = 4;
        int each = (texts.Max(t => t.Length) + PageSize - 1) / PageSize;
        PagedCache cache = model.NewPagedCache(each * texts.Length, PageSize);
        int[] done = new int[texts.Length];
        var logits = texts.Select(_ => new List<float>()).ToArray();
        while (texts.Where((t, i) => done[i] < t.Length).Any())
        {
            using var pass = TensorScope.Open("pass");
            int[] open = [.. Enumerable.Range(0, texts.Length).Where(i => done[i] < texts[i].Length)];
            var ids = new List<int>();
            var rows = new List<PagedText>();
            foreach (int i in open)
            {
                int n = Math.Min(sizes[i], texts[i].Length - done[i]);
                rows.Add(new PagedText(ids.Count, n, done[i], [.. Enumerable.Range(0, each).Select(page => page * texts.Length + i)]));
                ids.AddRange(texts[i][done[i]..(done[i] + n)]);
                done[i] += n;
            }
            var batch = new PagedBatch(cache, [.. rows], [.. open.Select(i => texts[i].Length)]);
            Tensor scores = model.Logits(model.Hidden(Tensor.From(ids.ToArray(), 1, ids.Count), batch));
            for (int i = 0; i < open.Length; i++) logits[open[i]].AddRange(scores.Slice(1, rows[i].First, rows[i].First + rows[i].Count).ToArray<float>());
        }
        return [.. logits.Select(l => l.ToArray())];
    }

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
    {
        using var scope = TensorScope.Open("test");
        using var older = new TemporaryFolder();
        foreach (string file in Directory.EnumerateFiles(c.PathOf("")).Where(f => Path.GetFileName(f).StartsWith("model", StringComparison.Ordinal)))
            File.Copy(file, older.At(Path.GetFileName(file)));
        File.Copy(c.PathOf("config.legacy.json"), older.At("config.json"));
        Tensor ids = Tensor.From(c.FullIds, 1, c.FullIds.Length);
        float[] expected = c.Model.Forward(ids).ToArray<float>(), got = ModelDirectory.LoadModel(older.Path).Forward(ids).ToArray<float>();
        tally.That(expected.AsSpan().SequenceEqual(got), () => $"{c.Id}: with config.legacy.json the logits differ");
    });

    [Fact]
    public void WhatIsWrittenHasTheSameContent() => ForEachCase("written and read again", (c, tally) =>
    {
        using var folder = new TemporaryFolder();
        string written = folder.At("model");
        ModelDirectory.Save(written, c.Model, null, new ModelCard { Kind = "imported" }, c.Model.Source!.Type);
        tally.Same(c.Id + " hash", [ModelDirectory.HashWeights(c.Model)], [ModelDirectory.HashWeights(ModelDirectory.LoadModel(written))]);
        using SafetensorsModel theirs = SafetensorsModel.Open(c.PathOf("")), ours = SafetensorsModel.Open(written);
        tally.Same(c.Id + " names", c.Expect.GetProperty("grad_norms").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), ours.Names.Order(StringComparer.Ordinal));
        foreach (string name in ours.Names)
        {
            (SafetensorsFile expected, SafetensorsFile got) = (theirs.FileOf(name)!, ours.FileOf(name)!);
            tally.Same($"{c.Id} {name} type", [expected[name].Type!.Value], [got[name].Type!.Value]);
            tally.Same($"{c.Id} {name} shape", expected[name].Shape, got[name].Shape);
            tally.That(Bytes(expected, name).AsSpan().SequenceEqual(Bytes(got, name)), () => $"{c.Id} {name}: the values differ");
        }
        foreach (string file in new[] { "config.json", "generation_config.json" })
            tally.That(JsonElement.DeepEquals(Fixtures.Json(c.PathOf(file)), Fixtures.Json(Path.Combine(written, file))), () => $"{c.Id}: {file} differs");
    });

    [Fact]
    public void MappedWeightsAreTheSame() => ForEachCase("mapped weights", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        CausalLanguageModel mapped = ModelDirectory.LoadModel(c.PathOf(""), map: true);
        foreach (((string name, Tensor expected), (_, Tensor got)) in c.Model.NamedParameters().Zip(mapped.NamedParameters()))
            tally.That(expected.ToArray<float>().AsSpan().SequenceEqual(got.AsFloats().ToArray<float>()), () => $"{c.Id} {name}: the values differ");
    });

    private static byte[] Bytes(SafetensorsFile file, string name)
    {
        byte[] bytes = new byte[file[name].Length];
        file.Read(name, bytes);
        return bytes;
    }

    private static int[] Generate(CausalLanguageModel model, int[] prompt, int count, double penalty)
    {
        var options = new SamplingOptions { Temperature = 0, MaxTokens = count, RepetitionPenalty = penalty };
        return [.. new TextGenerator(model, TestModels.Bytes).Generate(prompt, options).Tokens];
    }

    private void ForEachCase(string area, Action<DecoderCase, Tally> check)
    {
        var tally = new Tally(output);
        foreach (JsonElement item in Fixtures.Cases("decoders", "decoder"))
        {
            string id = item.Text("id"), folder = Path.Combine(Fixtures.Folder("decoders"), id);
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

        public CausalLanguageModel Model { get; } = ModelDirectory.LoadModel(folder);

        public SafetensorsFile Io { get; } = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));

        public JsonElement Expect { get; } = Fixtures.Json(Path.Combine(folder, "expect.json"));

        public int[] FullIds => Io.Longs("full.input_ids");

        public string StoredName(string name) => Model.Source!.HasPrefix ? name : name.Replace(Model.Prefix + ".", "", StringComparison.Ordinal);

        public string PathOf(string file) => Path.Combine(folder, file);

        public double Tolerance(string name) => Expect.GetProperty("tolerance").Number(name);

        public Tensor BatchIds() => Batch(Io.Longs("batch.input_ids"));

        public DecoderInput BatchInput() => new(
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
