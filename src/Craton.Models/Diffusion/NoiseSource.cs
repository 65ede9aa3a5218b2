using Craton.Tensors;

namespace Craton.Models.Diffusion;

/// <summary>What noise is drawn for.</summary>
public enum NoiseUse
{
    /// <summary>What a way begins with.</summary>
    Start,
    /// <summary>The code of an image that is given.</summary>
    Encoding,
    /// <summary>A step of the sampler.</summary>
    Step,
}

/// <summary>Draws normal noise.</summary>
/// <param name="use">What for.</param>
/// <param name="call">Number of the call of a step, or of the image that is encoded; 0 to start.</param>
/// <param name="shape">Its shape, [N, C, H, W].</param>
public delegate Tensor NoiseSource(NoiseUse use, int call, ReadOnlySpan<int> shape);

/// <summary>Noise by seed.</summary>
public static class SeededNoise
{
    /// <summary>Noise in which image n of a batch has that of seed + n: it comes out the same alone and among others.</summary>
    public static NoiseSource Of(ulong seed) => (use, call, shape) =>
    {
        Tensor noise = Tensor.Empty(DType.F32, shape);
        int size = (int)(noise.Count / shape[0]);
        uint place = CounterRandom.PlaceOf($"diffusion.{use}");
        for (int n = 0; n < shape[0]; n++)
            new CounterRandom(seed + (ulong)n, (uint)call, place).FillNormal(noise.AsSpan<float>().Slice(n * size, size));
        return noise;
    };
}
