using System.Text.Json;
using Craton.Models.Encoders;
using Craton.Nn;
using Craton.Tensors;
using Craton.Tensors.IO;
using Xunit.Abstractions;

namespace Craton.Models.Tests;

/// <summary>Sentence encoders, against what sentence-transformers computes with the same directories.</summary>
[Trait("Category", "Golden")]
public sealed class SentenceFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void SmallEncodersOfEveryKindOfPooling()
    {
        var tally = new Tally(output);
        foreach (JsonElement item in Fixtures.Cases("encoders", "sentence-embedding"))
        {
            string folder = Path.Combine(Fixtures.Folder("encoders"), item.Text("id"));
            using var c = new EncoderCase(item.Text("id"), folder);
            SentenceEncoder encoder = SentenceEncoder.Load(folder);
            encoder.PackWeights();
            tally.Case();
            foreach (JsonElement call in c.Calls("encode"))
            {
                using var scope = TensorScope.Open("test");
                Dictionary<string, Tensor> inputs = c.Arguments(call);
                Tensor ids = inputs["input_ids"], mask = inputs["attention_mask"];
                c.Compare(call, Named(encoder.Forward(new EncoderInput(ids, KeyPadding: mask))), tally);
                float[][] packed = encoder.Encode([.. Enumerable.Range(0, ids.Size(0)).Select(row => Row(ids, mask, row))]);
                c.Compare(call, Named(Tensor.From(packed.SelectMany(v => v).ToArray(), packed.Length, encoder.Width)), tally);
            }
        }
        tally.Finish("sentence encoders");
    }

    [Fact]
    public void ARealEncoderGivesItsEmbeddings()
    {
        string root = Fixtures.Folder("weights"), golden = Path.Combine(root, "all-minilm-l6-v2-golden");
        var tally = new Tally(output);
        if (!Directory.Exists(golden))
        {
            output.WriteLine("skipped: the weights are too large for the repository; set CRATON_FIXTURES");
            return;
        }
        SentenceEncoder encoder = SentenceEncoder.Load(Path.Combine(root, "all-minilm-l6-v2"));
        encoder.PackWeights();
        JsonElement tolerance = Fixtures.Cases("weights", "sentence embeddings").Single().GetProperty("tolerance");
        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(golden, "embeddings.safetensors"));
        int[][] texts = [.. Fixtures.Lines(Path.Combine(golden, "tokens.jsonl")).Select(line => line.GetProperty("input_ids").Ints())];
        float[][] got = encoder.Encode(texts);
        tally.Case();
        tally.Close("embeddings", expected.Floats("embeddings"), got.SelectMany(v => v).ToArray(), tolerance.Number("atol"), tolerance.Number("rtol"));
        float[] all = expected.Floats("embeddings");
        double least = got.Select((v, i) => v.Select((x, j) => (double)x * all[i * encoder.Width + j]).Sum()).Min();
        tally.That(least >= 0.9999, () => $"the least cosine is {least}");
        // Each text by itself, in another order: the same bits.
        for (int i = texts.Length - 1; i >= 0; i -= 7)
            tally.That(encoder.Encode([texts[i]])[0].AsSpan().SequenceEqual(got[i]), () => $"text {i}: the bits depend on the texts beside it");
        CheckLayers(encoder, texts, golden, tally);
        tally.Finish("all-MiniLM-L6-v2");
    }

    // The states of every layer for some texts alone.
    private static void CheckLayers(SentenceEncoder encoder, int[][] texts, string golden, Tally tally)
    {
        JsonElement tolerance = Fixtures.Cases("weights", "hidden states").Single().GetProperty("tolerance");
        using SafetensorsFile layers = SafetensorsFile.Open(Path.Combine(golden, "layers.safetensors"));
        foreach (SafetensorsEntry entry in layers.Tensors.Where(t => t.Name.EndsWith(".hidden_states", StringComparison.Ordinal)))
        {
            if (!int.TryParse(entry.Name["text".Length..^".hidden_states".Length], out int text)) continue;
            using var scope = TensorScope.Open("test");
            Encoder network = encoder.Model.Encoder;
            EncoderPass pass = network.Begin(EncoderInput.Pack([texts[text]]));
            Tensor x = network.Embed(pass);
            var states = new List<float>(x.ToArray<float>());
            foreach (EncoderBlock block in network.Blocks) states.AddRange((x = block.Forward(x, pass)).ToArray<float>());
            tally.Close(entry.Name, layers.Floats(entry.Name), states.ToArray(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
    }

    private static int[] Row(Tensor ids, Tensor mask, int row)
    {
        int length = ids.Size(1);
        int[] all = ids.ToArray<int>();
        bool[] holds = mask.ToArray<bool>();
        return [.. Enumerable.Range(row * length, length).Where(i => holds[i]).Select(i => all[i])];
    }

    private static Outputs Named(Tensor embeddings)
    {
        var outputs = new Outputs();
        Tensor unit = Ops.L2Normalize(embeddings);
        outputs.Add("embeddings", embeddings.ToArray<float>());
        outputs.Add("similarity", Ops.MatMul(unit, unit.Transpose()).ToArray<float>());
        return outputs;
    }
}
