using System.Text.Json;
using Craton.Models.Generation;
using Craton.Models.Seq2Seq;
using Craton.Models.Vision;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Checkpoints and processors of images made by other libraries, against what those libraries compute with them.</summary>
[Trait("Category", "Golden")]
public sealed class VisionFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void ScoresHiddenStatesLossesAndAnswers() => ForEachModel("scores, hidden states, losses and answers", (c, tally) =>
    {
        VisionOutputs? first = null;
        foreach (string op in (string[])["forward", "get_text_features", "get_image_features"])
            foreach (JsonElement call in c.Calls(op))
            {
                Dictionary<string, Tensor> arguments = c.Arguments(call);
                VisionOutputs got = VisionOutputs.Of(c.Model, op, arguments, Interpolates(call));
                if (c.Model is Llava && arguments.TryGetValue("attention_mask", out Tensor? mask))
                {
                    bool[] free = [.. mask.ToArray<bool>().Select(holds => !holds)];
                    got.Take("logits", c.Floats(call.GetProperty("expected").GetProperty("logits").Text("tensor")), free);
                    tally.Skip($"{c.Id} {call.Text("name")}, {free.Count(f => f)} of {free.Length} places", "no token stands there, and nothing reads their scores");
                }
                c.Compare(call, got, tally);
                first ??= got;
            }
        foreach (JsonElement call in c.Calls("softmax")) c.Compare(call, first!, tally);
        CompareAnswers(c, tally);
    });

    [Fact]
    public void LossesAndGradients() => ForEachModel("gradients", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("backward"))
        {
            using var tape = Tape.Start();
            foreach ((_, Tensor parameter) in c.Model.NamedParameters()) parameter.ClearGrad();
            VisionOutputs got = VisionOutputs.Of(c.Model, "backward", c.Arguments(call), Interpolates(call));
            tape.Backward(got.Loss!);
            var gradients = VisionDirectory.Stored(c.Model).Where(p => p.Tensor.Grad is not null).ToDictionary(p => p.Name, p => p.Tensor.Grad!.ToArray<float>(), StringComparer.Ordinal);
            foreach ((string name, float[] values) in gradients) got.Add(name, values);
            c.Compare(call, got, tally);
            foreach (JsonElement unused in call.GetProperty("without_gradient").EnumerateArray())
                tally.That(gradients.TryAdd(unused.GetString()!, []), () => $"{c.Id} {unused}: has a gradient, which nothing reaches");
            c.CompareNorms(call, gradients, tally);
        }
    });

    [Fact]
    public void CaptionsReadThroughACacheHaveTheSameBits() => ForEachModel("cached captions", (c, tally) =>
    {
        if (c.Model is not ImageCaptioner model) return;
        SourceMemory images = model.Look(c.Arguments(c.Calls("forward").First())["pixel_values"]);
        int rows = images.Hidden.Size(0), length = Math.Min(12, model.Decoder.Longest);
        Tensor ids = Tensor.From(Enumerable.Range(0, rows * length).Select(i => i * 7 % model.Decoder.Vocabulary).ToArray(), rows, length);
        float[] whole = model.Decoder.Hidden(ids, images).ToArray<float>();
        KvCache cache = model.Decoder.NewCache(rows, length);
        var pieces = new List<Tensor> { model.Decoder.Hidden(Ops.Contiguous(ids.Slice(1, 0, 3)), images, cache: cache) };
        for (int at = 3; at < length; at++) pieces.Add(model.Decoder.Hidden(Ops.Contiguous(ids.Slice(1, at, at + 1)), images, cache: cache));
        tally.That(Ops.Concat(1, [.. pieces]).ToArray<float>().AsSpan().SequenceEqual(whole), () => $"{c.Id}: the bits differ");
    });

    [Fact]
    public void WhatIsWrittenHasTheSameContent() => ForEachModel("written and read again", (c, tally) =>
    {
        using var folder = new TemporaryFolder();
        string written = folder.At("model");
        VisionDirectory.Save(written, c.Model);
        using SafetensorsModel theirs = SafetensorsModel.Open(c.Folder), ours = SafetensorsModel.Open(written);
        tally.Same(c.Id + " names", theirs.Names.Order(StringComparer.Ordinal), ours.Names.Order(StringComparer.Ordinal));
        foreach (string name in ours.Names)
            tally.Same($"{c.Id} {name}", Content(theirs, name), Content(ours, name));
        tally.That(JsonElement.DeepEquals(Fixtures.Json(Path.Combine(c.Folder, "config.json")), Fixtures.Json(Path.Combine(written, "config.json"))), () => $"{c.Id}: config.json differs");
        tally.Same(c.Id + " hash", [ModelDirectory.HashWeights(c.Model)], [ModelDirectory.HashWeights(VisionDirectory.Load(written, map: true))]);
    });

    [Fact]
    public void ProcessorsPrepareFilesAlike()
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("encoders");
        foreach (JsonElement item in Fixtures.Cases("encoders", "image-processor"))
        {
            string id = item.Text("id"), folder = Path.Combine(root, id);
            tally.Case();
            Guarded(id, tally, () =>
            {
                using var c = new ModelCase(id, folder);
                ImageProcessor processor = ImageProcessor.Load(folder);
                foreach (JsonElement call in c.Calls("preprocess"))
                {
                    var got = new Outputs();
                    got.Add("pixel_values", processor.ReadFile(Path.Combine(folder, call.Text("file"))));
                    c.Compare(call, got, tally);
                }
            });
        }
        tally.Finish("image processors");
    }

    private static byte[] Content(SafetensorsModel model, string name)
    {
        SafetensorsFile file = model.FileOf(name)!;
        byte[] content = new byte[file[name].Length];
        file.Read(name, content);
        return content;
    }

    private static void CompareAnswers(VisionCase c, Tally tally)
    {
        foreach (JsonElement call in c.Calls("generate"))
        {
            if (c.Model is ImageCaptioner captioner)
            {
                CompareCaptions(c, captioner, call, tally);
                continue;
            }
            Dictionary<string, Tensor> arguments = c.Arguments(call);
            int[] expected = c.Integers(call.GetProperty("expected").GetProperty("sequences").Text("tensor")), ids = Ops.Contiguous(arguments["input_ids"]).ToArray<int>();
            bool[]? holds = arguments.TryGetValue("attention_mask", out Tensor? mask) ? mask.ToArray<bool>() : null;
            int rows = arguments["input_ids"].Size(0), length = ids.Length / rows, all = expected.Length / rows, firstImage = 0;
            var model = (Llava)c.Model;
            for (int row = 0; row < rows; row++)
            {
                int[] prompt = [.. Enumerable.Range(row * length, length).Where(i => holds?[i] ?? true).Select(i => ids[i])];
                int images = model.ImagesIn(prompt);
                Tensor pixels = arguments["pixel_values"].Slice(0, firstImage, firstImage += images);
                int[] answer = model.Answer(prompt, pixels, all - length);
                tally.Same($"{c.Id} row {row}", expected[(row * all + length)..((row + 1) * all)].Take(answer.Length), answer);
                tally.That(answer.Length == all - length || model.EndsAt(answer[^1]), () => $"{c.Id} row {row}: ends early");
            }
        }
    }

    private static void CompareCaptions(VisionCase c, ImageCaptioner model, JsonElement call, Tally tally)
    {
        Dictionary<string, Tensor> arguments = c.Arguments(call);
        (SamplingOptions options, BeamOptions? beams) = c.GenerationSettings(call);
        var generator = new TargetGenerator(model.Decoder);
        var prompts = new List<int[]>();
        var got = new List<Beam>();
        for (int row = 0; row < arguments["pixel_values"].Size(0); row++)
        {
            SourceMemory image = model.Look(Ops.Contiguous(arguments["pixel_values"].Slice(0, row, row + 1)));
            // Of a text to begin with, the frame counts: the first id is put in, and the last is left out.
            int[] prompt = arguments.TryGetValue("input_ids", out Tensor? ids) ? [model.Decoder.Ids.Start, .. Ops.Select(ids, 0, row).ToArray<int>()[1..^1]] : [model.Decoder.Ids.Start];
            int before = got.Count;
            if (beams is null) got.Add(new Beam(generator.Answer(image, options, prompt), 0));
            else got.AddRange(generator.Search(image, options, beams, prompt));
            prompts.AddRange(Enumerable.Repeat(prompt, got.Count - before));
        }
        c.CompareAnswers(call, model.Decoder.Ids, got, tally, prompts);
    }

    private static bool Interpolates(JsonElement call) =>
        call.TryGetProperty("arguments", out JsonElement arguments) && arguments.TryGetProperty("interpolate_pos_encoding", out JsonElement flag) && flag.GetBoolean();

    private void ForEachModel(string area, Action<VisionCase, Tally> check)
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("encoders");
        foreach (JsonElement item in Fixtures.Json(Path.Combine(root, "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            string id = item.Text("id"), folder = Path.Combine(root, id);
            if (!VisionDirectory.Holds(folder))
            {
                tally.Skip(id, $"of kind {item.Text("kind")}, which is no model of images");
                continue;
            }
            tally.Case();
            Guarded(id, tally, () =>
            {
                using var scope = TensorScope.Open("test");
                using var c = new VisionCase(id, folder);
                check(c, tally);
            });
        }
        tally.Finish(area);
    }

    private static void Guarded(string id, Tally tally, Action check)
    {
        try
        {
            check();
        }
#pragma warning disable CA1031 // whatever a case throws is its failure, and the others still run
        catch (Exception e)
#pragma warning restore CA1031
        {
            tally.That(false, () => $"{id}: {e.GetType().Name}: {e.Message}");
        }
    }
}
