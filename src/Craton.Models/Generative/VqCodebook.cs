using Craton.Nn;
using Craton.Tensors;

namespace Craton.Models.Generative;

/// <summary>A codebook that follows what it stands for by running means: van den Oord et al. 2017, appendix A.</summary>
internal sealed class VqCodebook : Module
{
    private readonly Tensor _counts, _sums;

    /// <summary>Creates an empty one.</summary>
    public VqCodebook(int codes, int width)
    {
        Vectors = Buffer("vectors", 0, codes, width);
        _counts = Buffer("counts", 0, codes);
        _sums = Buffer("sums", 0, codes, width);
    }

    /// <summary>Its vectors [codes, width].</summary>
    public Tensor Vectors { get; }

    /// <summary>The codes (I64 [N]) of vectors [N, width], and what they leave over.</summary>
    public (Tensor Codes, Tensor Left) Take(Tensor vectors)
    {
        Tensor codes = Ops.NearestVectors(vectors, Vectors);
        return (codes, vectors - Ops.Embedding(Vectors, codes));
    }

    /// <summary>
    /// Moves it towards vectors, then puts vectors of them in the place of those of its own that hardly any came near to, far ones more likely
    /// (D. Arthur, S. Vassilvitskii, "k-means++", 2007).
    /// </summary>
    /// <param name="vectors">[N, width].</param>
    /// <param name="decay">Share of the running means that stays.</param>
    /// <param name="leastUse">Of how many vectors, in the running mean, one of its own must be the nearest to stay.</param>
    /// <param name="random">Decides which are taken.</param>
    /// <param name="first">The place of the first code's number in the random sequence.</param>
    /// <returns>How many were put in.</returns>
    public int Move(Tensor vectors, double decay, double leastUse, CounterRandom random, int first)
    {
        Ops.MoveCodebook(vectors, Vectors, _counts, _sums, decay);
        float[] counts = _counts.ToArray<float>();
        int[] unused = [.. Enumerable.Range(0, counts.Length).Where(code => counts[code] < leastUse)];
        if (unused.Length == 0) return 0;
        double[] distances = SummedDistances(vectors);
        if (distances[^1] <= 0) return 0;
        int width = Vectors.Size(1);
        foreach (int code in unused)
        {
            int found = Array.BinarySearch(distances, random.Uniform(first + code) * distances[^1]), row = Math.Min(found < 0 ? ~found : found + 1, distances.Length - 1);
            ReadOnlySpan<float> vector = vectors.AsSpan<float>().Slice(row * width, width);
            vector.CopyTo(Vectors.AsSpan<float>()[(code * width)..]);
            vector.CopyTo(_sums.AsSpan<float>()[(code * width)..]);
            _counts.AsSpan<float>()[code] = 1;
        }
        return unused.Length;
    }

    // Squared distances of the vectors from the codebook, each with all before it.
    private double[] SummedDistances(Tensor vectors)
    {
        double[] distances = [.. Ops.Sum(Ops.Square(Take(vectors).Left), [1]).ToArray<float>().Select(d => (double)d)];
        for (int i = 1; i < distances.Length; i++) distances[i] += distances[i - 1];
        return distances;
    }
}
