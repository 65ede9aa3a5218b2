namespace Craton.Training.Tests.Optimizers;

internal static class Gradients
{
    /// <summary>Gives a parameter a gradient, through the tape as in training.</summary>
    public static void Set(Tensor parameter, ReadOnlySpan<float> gradient)
    {
        parameter.ClearGrad();
        using (TensorScope.Open("gradient"))
        using (Tape tape = Tape.Start())
            tape.Backward(Ops.Sum(parameter * Tensor.From(gradient, parameter.Shape)));
    }

    /// <summary>Values between −1 and 1 that look random.</summary>
    public static float[] Values(int seed, int count)
    {
        var random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float)(random.NextDouble() * 2 - 1);
        return values;
    }
}
