using System.Diagnostics;
using System.Text;
using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Tokenizers;
using Craton.Training.Optimizers;

namespace Craton.Cli.Bench;

/// <summary>One figure: the median, least and greatest of several runs.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Median">The middle one.</param>
/// <param name="Least">The lowest.</param>
/// <param name="Greatest">The highest.</param>
/// <param name="LimitShare">The median as a share of the machine's own limit, where one applies.</param>
internal sealed record Figure(string Name, string Unit, double Median, double Least, double Greatest, double? LimitShare = null)
{
    /// <summary>Times a piece of work until enough runs or seconds have passed, after one run that does not count.</summary>
    public static Figure Measure(string name, string unit, double amount, Action work, double? limit = null, int runs = 5, double seconds = 2)
    {
        work();
        var rates = new List<double>();
        long begin = Stopwatch.GetTimestamp();
        while (rates.Count < runs || (rates.Count < 3 * runs && Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds))
        {
            long start = Stopwatch.GetTimestamp();
            work();
            rates.Add(amount / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        rates.Sort();
        double median = rates[rates.Count / 2];
        return new Figure(name, unit, median, rates[0], rates[^1], median / limit);
    }
}

/// <summary>A training configuration that speeds are compared on: GPT-2 shapes, one fixed batch, a whole step with AdamW.</summary>
internal sealed record BenchConfiguration(string Name, Gpt2Config Model, int Batch, int Length)
{
    public static IReadOnlyList<BenchConfiguration> All { get; } =
    [
        new("tiny", new Gpt2Config(4096, 128, 128, 4, 4), 32, 128),
        new("small", new Gpt2Config(8192, 256, 384, 6, 6), 16, 256),
        new("124m", Gpt2Config.Small124M, 4, 256),
    ];

    /// <summary>6 · (parameters − position embeddings) · B · T + 12 · L · D · T · B · T: forward and backward.</summary>
    public double FlopPerStep(long parameters)
    {
        double tokens = (double)Batch * Length;
        return 6 * (parameters - (double)Model.NPositions * Model.NEmbd) * tokens + 12.0 * Model.NLayer * Model.NEmbd * Length * tokens;
    }
}

/// <summary>What <c>craton bench</c> measures.</summary>
internal static class Measurements
{
    /// <summary>GFLOP/s of matrix products, as a share of the multiply-add limit.</summary>
    public static IEnumerable<Figure> Products(double limit)
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (1, 3072, 768), (16, 3072, 768), (256, 3072, 768)])
        {
            Tensor a = Noise(m, k), weight = Noise(n, k);
            yield return Figure.Measure($"product {m}×{n}×{k}", "GFLOP/s", 2e-9 * m * n * k, () =>
            {
                using (TensorScope.Open("bench")) _ = Ops.Linear(a, weight);
            }, limit);
        }
    }

    /// <summary>Tokens per second of whole training steps, and their share of the multiply-add limit.</summary>
    public static Figure Training(BenchConfiguration configuration, double limit)
    {
        var model = new Gpt2(configuration.Model, seed: 1);
        NamedParameter[] parameters = [.. model.NamedParameters().Select(p => new NamedParameter(p.Name, p.Tensor))];
        var optimizer = new AdamW(parameters, new AdamWOptions(3e-4, 0.9, 0.95, WeightDecay: 0.1));
        int[] noise = [.. Enumerable.Range(0, configuration.Batch * (configuration.Length + 1)).Select(i => (int)StableHash.Below(StableHash.Combine(1, (ulong)i), (ulong)configuration.Model.VocabSize))];
        int count = configuration.Batch * configuration.Length;
        Tensor ids = Tensor.From(noise.AsSpan(0, count), configuration.Batch, configuration.Length), targets = Tensor.From(noise.AsSpan(1, count), configuration.Batch, configuration.Length);
        Tensor positions = Tensor.From(Enumerable.Range(0, configuration.Length).ToArray(), configuration.Length);
        Figure figure = Figure.Measure($"train {configuration.Name}, B={configuration.Batch}, T={configuration.Length}", "tokens/s", count, () =>
        {
            foreach (NamedParameter parameter in parameters) parameter.Tensor.ClearGrad();
            using (TensorScope.Open("bench"))
            using (Tape tape = Tape.Start())
                tape.Backward(model.Loss(ids, targets, positions));
            optimizer.Step(1, 1);
        }, runs: 3);
        double flopPerToken = configuration.FlopPerStep(model.ParameterCount) / count;
        return figure with { LimitShare = figure.Median * flopPerToken * 1e-9 / limit };
    }

    /// <summary>MB/s of encoding documentation with a tokenizer trained on it, on one thread.</summary>
    public static IEnumerable<Figure> Tokenizing()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(DotNetDocs.Read().Select(d => d.Text)));
        text = text[..Math.Min(text.Length, 10_000_000)];
        string whole = Encoding.UTF8.GetString(text);
        BpeTrainingResult trained = null!;
        yield return Figure.Measure("train a tokenizer of 8192 tokens", "MB/s", text.Length * 1e-6, () => trained = BpeTrainer.Train([whole], new BpeTrainerOptions { VocabularySize = 8192, SpecialTokens = ["<|endoftext|>"], Pattern = SplitPattern.Cl100k }), runs: 3);
        var ids = new List<int>(text.Length / 2);
        yield return Figure.Measure("encode, cl100k pattern", "MB/s", text.Length * 1e-6, () =>
        {
            ids.Clear();
            trained.Tokenizer.EncodeUtf8(text, ids);
        });
    }

    /// <summary>Tokens per second of generation, one sequence, single precision.</summary>
    public static Figure Decoding(int depth)
    {
        GptConfig config = GptConfig.FromDepth(depth, 8192, 256);
        Gpt model = new Gpt(config).Initialize(1);
        var cache = new KvCache(config);
        int[] token = [1];
        float[] scores = new float[config.VocabSize];
        const int tokens = 64;
        return Figure.Measure($"decode, depth {depth} ({model.ParameterCount / 1e6:F1} M parameters)", "tokens/s", tokens, () =>
        {
            cache.Trim(0);
            for (int i = 0; i < tokens; i++)
                using (TensorScope.Open("bench"))
                {
                    model.Forward(Tensor.From(token, 1, 1), default, cache).AsSpan<float>().CopyTo(scores);
                    token[0] = System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(scores);
                }
        });
    }

    private static Tensor Noise(int rows, int columns)
    {
        Tensor tensor = Tensor.Persistent(DType.F32, rows, columns);
        new CounterRandom(1).FillNormal(tensor.AsSpan<float>());
        return tensor;
    }
}
