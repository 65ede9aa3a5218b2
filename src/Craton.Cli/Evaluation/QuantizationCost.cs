using Craton.Models;
using Craton.Tensors;

namespace Craton.Cli.Evaluation;

/// <summary>How far a model's predictions are from those of the model it was made of, over the places of a text.</summary>
/// <param name="MeanKl">Mean of KL(original ‖ model) in nats: what the rounding costs, whatever the text.</param>
/// <param name="LargestKl">The largest at one place.</param>
/// <param name="SameBest">Share of the places where both find the same token most likely.</param>
/// <param name="Places">Places compared.</param>
internal sealed record QuantizationCost(double MeanKl, double LargestKl, double SameBest, long Places)
{
    private const int Window = 256; // places compared at a time: both models' scores over the vocabulary are in memory

    /// <summary>Compares two models of one vocabulary on a text's tokens.</summary>
    public static QuantizationCost Measure(CausalLanguageModel original, CausalLanguageModel model, int[] tokens)
    {
        if (original.Config.VocabSize != model.Config.VocabSize)
            throw new CratonException($"--against: the models have vocabularies of {original.Config.VocabSize} and {model.Config.VocabSize} tokens, expected the same; give the model that this one was quantised from");
        int window = Math.Min(Window, Math.Min(original.Context, model.Context));
        double sum = 0, most = 0;
        long same = 0, places = 0;
        for (int start = 0; start < tokens.Length; start += window)
        {
            using var scope = TensorScope.Open("quantization cost");
            int length = Math.Min(window, tokens.Length - start);
            Tensor ids = Tensor.From(tokens.AsSpan(start, length), 1, length);
            Tensor p = Ops.LogSoftmax(original.Forward(ids)), q = Ops.LogSoftmax(model.Forward(ids));
            foreach (float kl in Ops.Sum(Ops.Exp(p) * (p - q), [2]).ToArray<float>())
            {
                sum += kl;
                most = Math.Max(most, kl);
            }
            same += Ops.ArgMax(p).ToArray<long>().Zip(Ops.ArgMax(q).ToArray<long>(), (a, b) => a == b ? 1 : 0).Sum();
            places += length;
        }
        return new QuantizationCost(sum / places, most, (double)same / places, places);
    }
}
