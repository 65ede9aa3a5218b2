using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>Every family trains.</summary>
public sealed class DecoderTrainingTests
{
    private const int Rows = 2, Length = 8;

    public static TheoryData<string> Families => [.. DecoderCatalogue.ModelTypes];

    // Along the gradient, the loss rises by the gradient's length.
    [Theory]
    [MemberData(nameof(Families))]
    public void TheGradientIsTheSlopeOfTheLoss(string family)
    {
        CausalLanguageModel model = TestConfigs.Model(TestConfigs.Of(family));
        (Tensor ids, Tensor targets) = Batch(model);
        Backward(model, ids, targets);
        (Tensor Weight, float[] Gradient)[] all = [.. model.NamedParameters().Where(p => p.Tensor.Grad is not null).Select(p => (p.Tensor, p.Tensor.Grad!.ToArray<float>()))];
        double norm = Math.Sqrt(all.Sum(p => p.Gradient.Sum(g => (double)g * g)));
        const double step = 1e-3;
        Move(step);
        double above = Loss(model, ids, targets);
        Move(-2 * step);
        double slope = (above - Loss(model, ids, targets)) / (2 * step);
        Assert.InRange(slope / norm, 0.98, 1.02);

        void Move(double by)
        {
            foreach ((Tensor weight, float[] gradient) in all)
            {
                Span<float> values = weight.AsSpan<float>();
                for (int i = 0; i < values.Length; i++) values[i] += (float)(by * gradient[i] / norm);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void OneBatchIsLearned(string family)
    {
        CausalLanguageModel model = TestConfigs.Model(TestConfigs.Of(family));
        (Tensor ids, Tensor targets) = Batch(model);
        (Tensor Weight, double[] Mean, double[] Square)[] state = [.. model.NamedParameters().Select(p => (p.Tensor, new double[p.Tensor.Count], new double[p.Tensor.Count]))];
        double first = Loss(model, ids, targets);
        for (int step = 1; step <= 60; step++)
        {
            Backward(model, ids, targets);
            foreach ((Tensor weight, double[] mean, double[] square) in state) Adam(weight, mean, square, step);
        }
        Assert.InRange(Loss(model, ids, targets), 0, Math.Min(0.2, first / 5));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void ComputingBlocksAgainGivesTheSameGradients(string family)
    {
        CausalLanguageModel kept = TestConfigs.Model(TestConfigs.Of(family)), again = TestConfigs.Model(TestConfigs.Of(family));
        again.CheckpointActivations = true;
        (Tensor ids, Tensor targets) = Batch(kept);
        Backward(kept, ids, targets);
        Backward(again, ids, targets);
        foreach (((string name, Tensor one), (_, Tensor other)) in kept.NamedParameters().Zip(again.NamedParameters()))
            Assert.True((one.Grad?.ToArray<float>() ?? []).AsSpan().SequenceEqual(other.Grad?.ToArray<float>() ?? []), name);
    }

    private static void Adam(Tensor weight, double[] mean, double[] square, int step)
    {
        if (weight.Grad is null) return; // an expert that no token reached
        Span<float> values = weight.AsSpan<float>();
        float[] gradient = weight.Grad.ToArray<float>();
        for (int i = 0; i < values.Length; i++)
        {
            mean[i] = 0.9 * mean[i] + 0.1 * gradient[i];
            square[i] = 0.99 * square[i] + 0.01 * gradient[i] * gradient[i];
            values[i] -= (float)(0.02 * mean[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(square[i] / (1 - Math.Pow(0.99, step))) + 1e-8));
        }
    }

    private static void Backward(CausalLanguageModel model, Tensor ids, Tensor targets)
    {
        foreach ((_, Tensor parameter) in model.NamedParameters()) parameter.ClearGrad();
        using (TensorScope.Open("step"))
        using (Tape tape = Tape.Start())
            tape.Backward(model.Loss(ids, targets));
    }

    private static double Loss(CausalLanguageModel model, Tensor ids, Tensor targets)
    {
        using (TensorScope.Open("loss")) return model.Loss(ids, targets).Item();
    }

    private static (Tensor Ids, Tensor Targets) Batch(CausalLanguageModel model)
    {
        Tensor ids = Tensor.Persistent(DType.I32, Rows, Length), targets = Tensor.Persistent(DType.I32, Rows, Length);
        for (int i = 0; i < Rows * Length; i++)
            (ids.AsSpan<int>()[i], targets.AsSpan<int>()[i]) = (i * 7 % model.Config.VocabSize, i == 5 ? -100 : i * 11 % model.Config.VocabSize);
        return (ids, targets);
    }
}
