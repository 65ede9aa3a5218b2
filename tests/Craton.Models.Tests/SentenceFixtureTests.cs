using System.IO.Compression;
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
    private readonly string _golden = Path.Combine(Fixtures.Folder("weights"), "all-minilm-l6-v2-golden");

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
                string[] texts = [.. call.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)];
                for (int i = 0; i < texts.Length; i++) tally.Same($"{c.Id} ids of text {i}", Row(ids, mask, i), encoder.Tokenize(texts[i]));
                c.Compare(call, Named(Tensor.From(encoder.Encode(texts).SelectMany(v => v).ToArray(), texts.Length, encoder.Width)), tally);
            }
        }
        tally.Finish("sentence encoders");
    }

    [Fact]
    public void ARealEncoderGivesItsEmbeddings()
    {
        if (Real() is not { } encoder) return;
        var tally = new Tally(output);
        JsonElement tolerance = Fixtures.Cases("weights", "sentence embeddings").Single().GetProperty("tolerance");
        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(_golden, "embeddings.safetensors"));
        string[] texts = [.. Lines("texts.jsonl").Select(line => line.Text("text"))];
        int[][] ids = [.. Lines("tokens.jsonl").Select(line => line.GetProperty("input_ids").Ints())];
        for (int i = 0; i < texts.Length; i++) tally.Same($"ids of text {i}", ids[i], encoder.Tokenize(texts[i]));
        float[][] got = encoder.Encode(texts);
        tally.Case();
        tally.Close("embeddings", expected.Floats("embeddings"), got.SelectMany(v => v).ToArray(), tolerance.Number("atol"), tolerance.Number("rtol"));
        float[] all = expected.Floats("embeddings");
        double least = got.Select((v, i) => Dot(v, all.AsSpan(i * encoder.Width, encoder.Width))).Min();
        tally.That(least >= 0.9999, () => $"the least cosine is {least}");
        // Each text by itself, in another order: the same bits.
        for (int i = ids.Length - 1; i >= 0; i -= 7)
            tally.That(encoder.Encode([ids[i]])[0].AsSpan().SequenceEqual(got[i]), () => $"text {i}: the bits depend on the texts beside it");
        CheckLayers(encoder, ids, tally);
        tally.Finish("all-MiniLM-L6-v2");
    }

    // The states of every layer for some texts alone.
    private void CheckLayers(SentenceEncoder encoder, int[][] texts, Tally tally)
    {
        JsonElement tolerance = Fixtures.Cases("weights", "hidden states").Single().GetProperty("tolerance");
        using SafetensorsFile layers = SafetensorsFile.Open(Path.Combine(_golden, "layers.safetensors"));
        foreach (SafetensorsEntry entry in layers.Tensors.Where(t => t.Name.EndsWith(".hidden_states", StringComparison.Ordinal)))
        {
            if (!int.TryParse(entry.Name["text".Length..^".hidden_states".Length], out int text)) continue;
            using var scope = TensorScope.Open("test");
            var network = encoder.Model.Encoder;
            EncoderPass pass = network.Begin(EncoderInput.Pack([texts[text]]));
            Tensor x = network.Embed(pass);
            var states = new List<float>(x.ToArray<float>());
            foreach (EncoderBlock block in network.Blocks) states.AddRange((x = block.Forward(x, pass)).ToArray<float>());
            tally.Close(entry.Name, layers.Floats(entry.Name), states.ToArray(), tolerance.Number("atol"), tolerance.Number("rtol"));
        }
    }

    [Fact]
    public void ARealEncoderFindsTheSamePassages()
    {
        if (Real() is not { } encoder) return;
        var tally = new Tally(output);
        double tolerance = Fixtures.Cases("weights", "top 10").Single().GetProperty("tolerance").Number("atol");
        JsonElement[] questions = [.. Lines("retrieval.jsonl")];
        float[][] passages = encoder.Encode([.. Lines("passages.jsonl").Select(line => line.Text("text"))]), queries = encoder.Encode([.. questions.Select(line => line.Text("query"))]);
        int found = 0;
        for (int i = 0; i < questions.Length; i++)
        {
            double[] scores = [.. passages.Select(passage => Dot(passage, queries[i]))];
            int[] top = [.. Enumerable.Range(0, scores.Length).OrderByDescending(p => scores[p]).Take(10)], expected = questions[i].GetProperty("top").Ints();
            // Another order only among scores that are closer than the tolerance.
            for (int place = 0; place < top.Length; place++)
                tally.That(top[place] == expected[place] || Math.Abs(scores[top[place]] - scores[expected[place]]) <= tolerance, () => $"query {i}: expected {string.Join(' ', expected)}, got {string.Join(' ', top)}");
            if (top.Contains(questions[i].GetProperty("relevant").GetInt32())) found++;
        }
        tally.Case();
        tally.Relative("recall@10", Fixtures.Json(Path.Combine(_golden, "retrieval_summary.json")).Number("recall@10"), (double)found / questions.Length, 1e-12);
        tally.Finish("retrieval with all-MiniLM-L6-v2");
    }

    [Fact]
    public void ARealEncoderJudgesLikenessAsWell()
    {
        if (Real() is not { } encoder) return;
        if (Environment.GetEnvironmentVariable("CRATON_DATA") is not { Length: > 0 } data)
        {
            output.WriteLine("skipped: the pairs of STS-B are not in the repository; set CRATON_DATA");
            return;
        }
        var tally = new Tally(output);
        double tolerance = Fixtures.Cases("weights", "quality").Single().GetProperty("tolerance").Number("atol");
        using SafetensorsFile cosines = SafetensorsFile.Open(Path.Combine(_golden, "stsb_cosines.safetensors"));
        foreach (JsonProperty set in Fixtures.Json(Path.Combine(_golden, "stsb.json")).GetProperty("sets").EnumerateObject())
        {
            string[][] pairs = [.. Rows(Path.Combine(data, set.Value.Text("data")))];
            float[][] vectors = encoder.Encode([.. pairs.SelectMany(pair => pair[..2])]);
            double[] got = [.. pairs.Select((_, i) => Dot(vectors[2 * i], vectors[2 * i + 1]))];
            double[] annotated = [.. pairs.Select(pair => double.Parse(pair[2], System.Globalization.CultureInfo.InvariantCulture))];
            tally.Case();
            tally.Close($"{set.Name} cosines", cosines.Floats(set.Name), Array.ConvertAll(got, value => (float)value), tolerance);
            double spearman = Correlation(Ranks(got), Ranks(annotated)), pearson = Correlation(got, annotated);
            output.WriteLine($"STS-B {set.Name}: Spearman {spearman:F4}, Pearson {pearson:F4}");
            tally.Close($"{set.Name} Spearman, Pearson", [(float)set.Value.Number("spearman"), (float)set.Value.Number("pearson")], [(float)spearman, (float)pearson], 1e-4);
        }
        tally.Finish("STS-B with all-MiniLM-L6-v2");
    }

    private SentenceEncoder? Real()
    {
        string folder = Path.Combine(Fixtures.Folder("weights"), "all-minilm-l6-v2");
        if (!Directory.Exists(folder))
        {
            output.WriteLine("skipped: the weights are too large for the repository; set CRATON_FIXTURES");
            return null;
        }
        SentenceEncoder encoder = SentenceEncoder.Load(folder);
        encoder.PackWeights();
        return encoder;
    }

    // Files are split at line feeds alone: texts may hold other characters that separate lines elsewhere.
    private IEnumerable<JsonElement> Lines(string file) =>
        File.ReadAllText(Path.Combine(_golden, file)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line));

    // Rows of a gzipped CSV file; fields in quotes may hold commas, and quotes twice.
    private static IEnumerable<string[]> Rows(string file)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        var fields = new List<string>();
        var field = new System.Text.StringBuilder();
        bool quoted = false;
        char before = '\n';
        foreach (char c in reader.ReadToEnd())
        {
            if (c == '"')
            {
                if (!quoted && before == '"') field.Append(c);
                quoted = !quoted;
            }
            else if (c != '\r' && (quoted || c is not (',' or '\n'))) field.Append(c);
            before = c;
            if (quoted || c is not (',' or '\n')) continue;
            fields.Add(field.ToString());
            field.Clear();
            if (c != '\n') continue;
            yield return [.. fields];
            fields.Clear();
        }
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }

    // Equal values share the mean of their ranks.
    private static double[] Ranks(double[] values)
    {
        int[] order = [.. Enumerable.Range(0, values.Length).OrderBy(i => values[i])];
        double[] ranks = new double[values.Length];
        for (int first = 0, end; first < order.Length; first = end)
        {
            for (end = first + 1; end < order.Length && values[order[end]] == values[order[first]];) end++;
            for (int i = first; i < end; i++) ranks[order[i]] = (first + end - 1) / 2.0;
        }
        return ranks;
    }

    private static double Correlation(double[] a, double[] b)
    {
        double meanA = a.Average(), meanB = b.Average();
        double covariance = a.Zip(b, (x, y) => (x - meanA) * (y - meanB)).Sum();
        return covariance / Math.Sqrt(a.Sum(x => (x - meanA) * (x - meanA)) * b.Sum(y => (y - meanB) * (y - meanB)));
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
        outputs.Add("embeddings", embeddings);
        outputs.Add("similarity", Ops.MatMul(unit, unit.Transpose()));
        return outputs;
    }
}
