using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests.Simd;

/// <summary>One hash over the bits of every function and reduction with the registers of this process.</summary>
internal static unsafe class SimdHash
{
    public const string Verb = "simd-hash";

    private const int Count = 30_011;

    /// <summary>The width in use and the hash, as a child process prints them.</summary>
    public static string Describe() => $"{SimdWidth.Current} {Compute()}";

    public static string Compute()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        (float[] a, float[] b) = Inputs.MixedPairs(Count, Inputs.Seed);
        float[] y = new float[Count];
        fixed (float* pa = a, pb = b, py = y)
        {
            Add<Formulas.Exp>(hash, pa, py);
            Add<Formulas.Expm1>(hash, pa, py);
            Add<Formulas.Log>(hash, pa, py);
            Add<Formulas.Log1p>(hash, pa, py);
            Add<Formulas.Tanh>(hash, pa, py);
            Add<Formulas.Sigmoid>(hash, pa, py);
            Add<Formulas.Softplus>(hash, pa, py);
            Add<Formulas.Erf>(hash, pa, py);
            Add<Formulas.Sin>(hash, pa, py);
            Add<Formulas.Cos>(hash, pa, py);
            Add<Formulas.Rsqrt>(hash, pa, py);
            Add<Formulas.Gelu>(hash, pa, py);
            Add<Formulas.Silu>(hash, pa, py);
            Elementwise.Zip(default(Formulas.Pow), pa, pb, py, Count);
            Append(hash, py, Count);
            AddReductions(hash);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AddReductions(IncrementalHash hash)
    {
        float[] x = Inputs.Dense(-3, 5, 1003), y = new float[1003];
        float* values = stackalloc float[3];
        fixed (float* px = x, py = y)
        {
            for (int n = 0; n <= 1003; n += 17)
            {
                values[0] = Lanes16.Sum(px, n);
                values[1] = Lanes16.Dot(px, px + 1003 - n, n);
                values[2] = Lanes16.Max(px, n);
                Append(hash, values, 3);
                Formulas.SoftmaxRow(px, py, n);
                Append(hash, py, n);
            }
        }
    }

    private static void Add<TOp>(IncrementalHash hash, float* x, float* y) where TOp : struct, IMap
    {
        Elementwise.Map(default(TOp), x, y, Count);
        Append(hash, y, Count);
    }

    // Which NaN an operation gives is not promised, only that it is one.
    private static void Append(IncrementalHash hash, float* values, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (float.IsNaN(values[i]))
                values[i] = float.NaN;
        }

        hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<float>(values, count)));
    }
}
