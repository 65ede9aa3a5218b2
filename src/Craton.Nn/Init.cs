using Craton.Tensors;

namespace Craton.Nn;

/// <summary>First values of weights. They depend on seed, parameter and element alone.</summary>
public static class Init
{
    /// <summary>Fills with a normal distribution of mean 0.</summary>
    /// <param name="tensor">A contiguous F32 tensor.</param>
    /// <param name="deviation">Standard deviation.</param>
    /// <param name="seed">Seed of the model.</param>
    /// <param name="index">Number of the parameter within the model.</param>
    public static void Normal(Tensor tensor, double deviation, ulong seed, uint index) =>
        new CounterRandom(seed, index).FillNormal(tensor.AsSpan<float>(), 0, (float)deviation);
}
