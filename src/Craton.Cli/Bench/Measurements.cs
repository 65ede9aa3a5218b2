using System.Text;
using Craton.Data;
using Craton.Models;
using Craton.Tensors;
using Craton.Tokenizers;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Craton.Cli.Bench;

/// <summary>What plain <c>craton bench</c> measures.</summary>
/// <param name="limits">The machine's limits.</param>
/// <param name="runs">Runs of each piece; null: as many as it takes to be steady.</param>
internal sealed class Measurements(Limits limits, int? runs)
{
    /// <summary>GFLOP/s of matrix products.</summary>
    public IEnumerable<Figure> Products()
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (1, 3072, 768), (16, 3072, 768), (256, 3072, 768)])
        {
            Tensor a = Noise(m, k), weight = Noise(n, k);
            Figure figure = Figure.Measure($"product {m}×{n}×{k}", "GFLOP/s", 2e-9 * m * n * k, () =>
            {
                using (TensorScope.Open("bench")) _ = Ops.Linear(a, weight);
            }, runs);
            yield return figure with { LimitShare = figure.Rates.Median / limits.FmaN };
        }
    }

    /// <summary>Tokens per second of whole training steps.</summary>
    public Figure Training(BenchConfiguration configuration)
    {
        var training = new Gpt2Training(configuration);
        Figure figure = Figure.Measure(
            $"train {configuration.Name}, B={configuration.Batch}, T={configuration.Length}", "tokens/s", configuration.Tokens, () => training.Step(), runs, usually: 3);
        return figure with { LimitShare = figure.Rates.Median / configuration.Tokens * configuration.FlopPerStep * 1e-9 / limits.FmaN };
    }

    /// <summary>MB/s of training a tokenizer on documentation, on all threads, and of encoding with it on one.</summary>
    public IEnumerable<Figure> Tokenizing()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(DotNetDocs.Read().Select(d => d.Text)));
        text = text[..Math.Min(text.Length, 10_000_000)];
        string whole = Encoding.UTF8.GetString(text);
        BpeTrainingResult trained = null!;
        var options = new BpeTrainerOptions { VocabularySize = 8192, SpecialTokens = ["<|endoftext|>"], Pattern = SplitPattern.Cl100k };
        yield return Figure.Measure("train a tokenizer of 8192 tokens", "MB/s", text.Length * 1e-6, () => trained = BpeTrainer.Train([whole], options), runs, usually: 3);
        var ids = new List<int>(text.Length / 2);
        yield return Figure.Measure("encode, cl100k pattern", "MB/s", text.Length * 1e-6, () =>
        {
            ids.Clear();
            trained.Tokenizer.EncodeUtf8(text, ids);
        }, runs);
    }

    /// <summary>Tokens per second of generation, one sequence, single precision: every token reads every weight.</summary>
    public Figure Decoding(int depth)
    {
        GptConfig config = GptConfig.FromDepth(depth, 8192, 256);
        Gpt model = new Gpt(config).Initialize(1);
        long parameters = model.ParameterCount;
        model.PackWeights();
        var cache = model.NewCache();
        int[] token = [1];
        float[] scores = new float[config.VocabSize];
        const int tokens = 64;
        Figure figure = Figure.Measure($"decode, depth {depth} ({parameters / 1e6:F1} M parameters)", "tokens/s", tokens, () =>
        {
            cache.Trim(0);
            for (int i = 0; i < tokens; i++)
                using (TensorScope.Open("bench"))
                {
                    model.Forward(Tensor.From(token, 1, 1), default, cache).AsSpan<float>().CopyTo(scores);
                    token[0] = TensorPrimitives.IndexOfMax<float>(scores);
                }
        }, runs);
        return figure with { LimitShare = figure.Rates.Median * 4e-9 * parameters / limits.Read, Limit = "reading" };
    }

    /// <summary>A tensor of normal random numbers.</summary>
    public static Tensor Noise(params ReadOnlySpan<int> shape)
    {
        Tensor tensor = Tensor.Persistent(DType.F32, shape);
        new CounterRandom(1).FillNormal(tensor.AsSpan<float>());
        return tensor;
    }
}
