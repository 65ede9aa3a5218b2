using System.Text.Json;
using Craton.Models.Encoders;
using Craton.Models.Generation;
using Craton.Models.Seq2Seq;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Models that answer texts, made by other libraries, against what those libraries compute with them.</summary>
[Trait("Category", "Golden")]
public sealed class SeqToSeqFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void ScoresHiddenStatesAndLosses() => ForEachCase("scores, hidden states and losses", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("forward"))
        {
            using var scope = TensorScope.Open("test");
            c.Compare(call, Outputs(c.Model, c.Arguments(call)), tally);
        }
    });

    [Fact]
    public void Gradients() => ForEachCase("gradients", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("backward"))
        {
            using var scope = TensorScope.Open("test");
            using var tape = Tape.Start();
            Dictionary<string, Tensor> arguments = c.Arguments(call);
            var got = new Outputs();
            got.SetLoss(c.Model.Loss(Source(arguments), arguments["labels"]));
            tape.Backward(got.Loss!);
            var gradients = c.Model.NamedParameters().Where(p => p.Tensor.Grad is not null).ToDictionary(p => p.Name, p => p.Tensor.Grad!.ToArray<float>(), StringComparer.Ordinal);
            foreach ((string name, float[] values) in gradients) got.Add(name, values);
            c.Compare(call, got, tally);
            c.CompareNorms(call, gradients, tally);
        }
    });

    [Fact]
    public void DecodingWithACacheGivesTheSameBits() => ForEachCase("cached decoding", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        int vocabulary = c.Model.Config.VocabSize, length = 20, longest = Math.Min(length, c.Model.Config.Longest);
        Tensor Random(int rows, int columns) => Tensor.From(Enumerable.Range(0, rows * columns).Select(i => 3 + (i * 7 + i / 5) % (vocabulary - 3)).ToArray(), rows, columns);
        SourceMemory source = c.Model.Read(new EncoderInput(Random(2, 9), KeyPadding: Tensor.From(Enumerable.Range(0, 18).Select(i => i < 14).ToArray(), 2, 9)));
        Tensor ids = Random(2, longest);
        float[] whole = c.Model.Hidden(ids, source).ToArray<float>();
        KvCache cache = c.Model.NewCache(2, longest);
        var pieces = new List<Tensor> { c.Model.Hidden(ids.Slice(1, 0, 5), source, cache: cache) };
        for (int at = 5; at < longest; at++) pieces.Add(c.Model.Hidden(ids.Slice(1, at, at + 1), source, cache: cache));
        tally.That(Ops.Concat(1, [.. pieces]).ToArray<float>().AsSpan().SequenceEqual(whole), () => $"{c.Id}: the bits differ");
    });

    [Fact]
    public void Answers() => ForEachCase("answers", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("generate"))
        {
            Dictionary<string, Tensor> arguments = c.Arguments(call);
            (SamplingOptions options, BeamOptions? beams) = c.GenerationSettings(call);
            int length = arguments["input_ids"].Size(1);
            int[] ids = arguments["input_ids"].ToArray<int>();
            bool[] mask = arguments["attention_mask"].ToArray<bool>();
            var got = new List<Beam>();
            for (int row = 0; row < arguments["input_ids"].Size(0); row++)
            {
                int[] source = [.. Enumerable.Range(row * length, length).Where(i => mask[i]).Select(i => ids[i])];
                var generator = new SeqToSeqGenerator(c.Model);
                if (beams is null) got.Add(new Beam(generator.Answer(source, options), 0));
                else got.AddRange(generator.Search(source, options, beams));
            }
            c.CompareAnswers(call, c.Model.Ids, got, tally);
        }
    });

    [Fact]
    public void NumbersOfDistances() => ForEachCase("numbers of distances", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("relative_buckets"))
        {
            foreach (JsonProperty expected in call.GetProperty("expected").EnumerateObject())
            {
                string[] parts = expected.Name.Split('_'); // direction, count, greatest distance
                int count = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture), greatest = int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture);
                tally.Same($"{c.Id} {expected.Name}", c.Integers(expected.Value.Text("tensor")), Enumerable.Range(-60, 121).Select(d => RelativeBias.Bucket(d, parts[0] == "bidirectional", count, greatest)));
            }
        }
    });

    [Fact]
    public void WhatIsWrittenHasTheSameContent() => ForEachCase("written and read again", (c, tally) =>
    {
        using var folder = new TemporaryFolder();
        string written = folder.At("model");
        SeqToSeqDirectory.Save(written, c.Model);
        tally.Same(c.Id + " hash", [ModelDirectory.HashWeights(c.Model)], [ModelDirectory.HashWeights(SeqToSeqDirectory.Load(written, map: true))]);
        using SafetensorsModel theirs = SafetensorsModel.Open(c.Folder), ours = SafetensorsModel.Open(written);
        tally.Same(c.Id + " names", theirs.Names, ours.Names);
        tally.That(JsonElement.DeepEquals(Fixtures.Json(Path.Combine(c.Folder, "config.json")), Fixtures.Json(Path.Combine(written, "config.json"))), () => $"{c.Id}: config.json differs");
    });

    private static EncoderInput Source(Dictionary<string, Tensor> arguments) => new(arguments["input_ids"], KeyPadding: arguments.GetValueOrDefault("attention_mask"));

    private static Outputs Outputs(SeqToSeqModel model, Dictionary<string, Tensor> arguments)
    {
        var outputs = new Outputs();
        EncoderInput source = Source(arguments);
        AddEncoder(outputs, model.Encoder, source);
        Tensor? labels = arguments.GetValueOrDefault("labels");
        if (model is Bart { Config: { } config } bart && labels is { Rank: 1 })
        {
            Tensor classes = bart.Classes(source);
            outputs.Add("logits", classes);
            outputs.SetLoss(Ops.CrossEntropy(classes, labels));
            return outputs;
        }
        Tensor ids = arguments.GetValueOrDefault("decoder_input_ids") ?? model.Shift(labels!);
        SourceMemory memory = model.Read(source);
        AddDecoder(outputs, model, ids, memory);
        outputs.Add("logits", model.Logits(model.Hidden(ids, memory, arguments.GetValueOrDefault("decoder_attention_mask"))));
        if (labels is not null) outputs.SetLoss(model.Loss(source, labels));
        return outputs;
    }

    private static void AddEncoder(Outputs outputs, Encoder encoder, in EncoderInput source)
    {
        EncoderPass pass = encoder.Begin(source);
        Tensor x = encoder.Embed(pass);
        for (int i = 0; i < encoder.Blocks.Count; i++)
        {
            outputs.Add($"encoder_hidden_states.{i}", x);
            x = encoder.Blocks[i].Forward(x, pass);
        }
        outputs.Add($"encoder_hidden_states.{encoder.Blocks.Count}", encoder.Finish(x));
        outputs.Add("encoder_last_hidden_state", encoder.Finish(x));
    }

    private static void AddDecoder(Outputs outputs, SeqToSeqModel model, Tensor ids, SourceMemory memory)
    {
        TargetPass pass = model.Begin(ids.Size(1), memory, null, null);
        pass.SourceWeights = [];
        Tensor x = model.Embed(ids, pass);
        for (int i = 0; i < model.Blocks.Count; i++)
        {
            outputs.Add($"decoder_hidden_states.{i}", x);
            x = model.Blocks[i].Forward(x, pass);
            outputs.Add($"cross_attentions.{i}", pass.SourceWeights[i]);
        }
        outputs.Add($"decoder_hidden_states.{model.Blocks.Count}", model.Finish(x));
    }

    private void ForEachCase(string area, Action<SeqToSeqCase, Tally> check)
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("encoders");
        foreach (JsonElement item in Fixtures.Json(Path.Combine(root, "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            string id = item.Text("id"), folder = Path.Combine(root, id);
            if (!SeqToSeqDirectory.Holds(folder))
            {
                tally.Skip(id, "no model that answers texts");
                continue;
            }
            tally.Case();
            try
            {
                using var c = new SeqToSeqCase(id, folder);
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

    private sealed class SeqToSeqCase(string id, string folder) : ModelCase(id, folder)
    {
        public SeqToSeqModel Model { get; } = SeqToSeqDirectory.Load(folder);
    }
}
