using System.Text.Json;
using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Checkpoints of encoders made by other libraries, against what those libraries compute with them.</summary>
[Trait("Category", "Golden")]
public sealed class EncoderFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void ScoresHiddenStatesAndLosses() => ForEachCase("scores, hidden states and losses", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("forward"))
        {
            using var scope = TensorScope.Open("test");
            EncoderOutputs got = EncoderOutputs.Of(c.Model, c.Arguments(call));
            c.Compare(call, got, tally);
        }
    });

    [Fact]
    public void LossesAndGradients() => ForEachCase("gradients", (c, tally) =>
    {
        foreach (JsonElement call in c.Calls("backward"))
        {
            using var scope = TensorScope.Open("test");
            using var tape = Tape.Start();
            foreach ((_, Tensor parameter) in c.Model.NamedParameters()) parameter.ClearGrad();
            EncoderOutputs got = EncoderOutputs.Of(c.Model, c.Arguments(call));
            tape.Backward(got.Loss!);
            var gradients = EncoderDirectory.Stored(c.Model).Where(p => p.Tensor.Grad is not null).ToDictionary(p => p.Name, p => p.Tensor.Grad!.ToArray<float>(), StringComparer.Ordinal);
            foreach ((string name, float[] values) in gradients) got.Add(name, values);
            c.Compare(call, got, tally);
            c.CompareNorms(call, gradients, tally);
        }
    });

    [Fact]
    public void ATextGivesTheSameBitsAloneAmongOthersAndPacked() => ForEachCase("alone, padded and packed", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        int vocabulary = c.Model.Config.VocabSize, width = c.Model.Config.HiddenSize, longest = Math.Min(150, c.Model.Config.Longest);
        // No id is that of padding, which some families count differently.
        int[][] texts = [.. new[] { longest, 1, longest / 2, longest / 3 }.Select((length, n) => Enumerable.Range(0, length).Select(i => 3 + (i * 7 + n * 31) % (vocabulary - 3)).ToArray())];
        int padding = c.Model.Config.PadTokenId ?? 0;
        int[] rows = [.. texts.SelectMany(text => text.Concat(Enumerable.Repeat(padding, longest - text.Length)))];
        bool[] mask = [.. texts.SelectMany(text => Enumerable.Range(0, longest).Select(i => i < text.Length))];
        float[] padded = c.Model.Hidden(new EncoderInput(Tensor.From(rows, texts.Length, longest), KeyPadding: Tensor.From(mask, texts.Length, longest))).ToArray<float>();
        float[] packed = c.Model.Hidden(EncoderInput.Pack(texts)).ToArray<float>();
        for (int i = 0, at = 0; i < texts.Length; at += texts[i++].Length)
        {
            int count = texts[i].Length * width;
            float[] alone = c.Model.Hidden(EncoderInput.Pack([texts[i]])).ToArray<float>();
            tally.That(alone.AsSpan().SequenceEqual(packed.AsSpan(at * width, count)), () => $"{c.Id} text {i}: the bits packed differ from those alone");
            tally.That(alone.AsSpan().SequenceEqual(padded.AsSpan(i * longest * width, count)), () => $"{c.Id} text {i}: the bits in a padded row differ from those alone");
        }
    });

    [Fact]
    public void PackedTextsTrainAsRowsDo() => ForEachCase("gradients of packed texts", (c, tally) =>
    {
        using var scope = TensorScope.Open("test");
        int vocabulary = c.Model.Config.VocabSize;
        int[][] texts = [.. new[] { 9, 4, 1 }.Select((length, n) => Enumerable.Range(0, length).Select(i => 3 + (i * 7 + n * 31) % (vocabulary - 3)).ToArray())];
        int padding = c.Model.Config.PadTokenId ?? 0, longest = texts.Max(text => text.Length);
        int[] rows = [.. texts.SelectMany(text => text.Concat(Enumerable.Repeat(padding, longest - text.Length)))];
        bool[] mask = [.. texts.SelectMany(text => Enumerable.Range(0, longest).Select(i => i < text.Length))];
        Tensor holds = Tensor.From(mask, texts.Length, longest);
        Tensor among = Ops.Cast(holds, DType.F32).View(texts.Length, longest, 1);
        Dictionary<string, float[]> padded = Gradients(c.Model, hidden => hidden * among, new EncoderInput(Tensor.From(rows, texts.Length, longest), KeyPadding: holds));
        Dictionary<string, float[]> packed = Gradients(c.Model, hidden => hidden, EncoderInput.Pack(texts));
        tally.Same(c.Id + " parameters", padded.Keys, packed.Keys);
        foreach ((string name, float[] expected) in padded)
            tally.Close($"{c.Id} gradient of {name}", expected, packed[name], 1e-4 * Math.Max(1, expected.Max(Math.Abs)));
    });

    private static Dictionary<string, float[]> Gradients(EncoderModel model, Func<Tensor, Tensor> tokens, in EncoderInput input)
    {
        using var tape = Tape.Start();
        foreach ((_, Tensor parameter) in model.NamedParameters()) parameter.ClearGrad();
        tape.Backward(Ops.Sum(Ops.Square(tokens(model.Hidden(input)))));
        return model.NamedParameters().Where(p => p.Tensor.Grad is not null).ToDictionary(p => p.Name, p => p.Tensor.Grad!.ToArray<float>(), StringComparer.Ordinal);
    }

    [Fact]
    public void WhatIsWrittenHasTheSameContent() => ForEachCase("written and read again", (c, tally) =>
    {
        using var folder = new TemporaryFolder();
        string written = folder.At("model");
        EncoderDirectory.Save(written, c.Model);
        tally.Same(c.Id + " hash", [ModelDirectory.HashWeights(c.Model)], [ModelDirectory.HashWeights(EncoderDirectory.Load(written, map: true))]);
        using SafetensorsModel theirs = SafetensorsModel.Open(c.Folder), ours = SafetensorsModel.Open(written);
        tally.Same(c.Id + " names", theirs.Names.Where(n => !n.EndsWith("position_ids", StringComparison.Ordinal)), ours.Names);
        foreach (string name in ours.Names)
        {
            (SafetensorsFile expected, SafetensorsFile got) = (theirs.FileOf(name)!, ours.FileOf(name)!);
            tally.Same($"{c.Id} {name} type", [expected[name].Type!.Value], [got[name].Type!.Value]);
            tally.Same($"{c.Id} {name} shape", expected[name].Shape, got[name].Shape);
            tally.That(Bytes(expected, name).AsSpan().SequenceEqual(Bytes(got, name)), () => $"{c.Id} {name}: the values differ");
        }
        tally.That(JsonElement.DeepEquals(Fixtures.Json(Path.Combine(c.Folder, "config.json")), Fixtures.Json(Path.Combine(written, "config.json"))), () => $"{c.Id}: config.json differs");
    });

    private static byte[] Bytes(SafetensorsFile file, string name)
    {
        byte[] bytes = new byte[file[name].Length];
        file.Read(name, bytes);
        return bytes;
    }

    private void ForEachCase(string area, Action<EncoderCase, Tally> check)
    {
        var tally = new Tally(output);
        string root = Fixtures.Folder("encoders");
        foreach (JsonElement item in Fixtures.Json(Path.Combine(root, "manifest.json")).GetProperty("cases").EnumerateArray())
        {
            string id = item.Text("id"), folder = Path.Combine(root, id);
            if (!EncoderDirectory.Holds(folder))
            {
                tally.Skip(id, "no encoder of texts");
                continue;
            }
            tally.Case();
            try
            {
                using var c = new EncoderCase(id, folder);
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
}
