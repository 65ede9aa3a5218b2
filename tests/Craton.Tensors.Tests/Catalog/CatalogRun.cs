using System.Globalization;
using Craton.Tensors.Kernels;

namespace Craton.Tensors.Tests.Catalog;

/// <summary>What a call gives: its result, then the gradient of every differentiable input.</summary>
internal sealed record CatalogResult(double[] Output, double[][] Gradients)
{
    /// <summary>FNV-1a over the bits of all values in single precision; every NaN counts as the same.</summary>
    public ulong Hash()
    {
        ulong hash = 14695981039346656037;
        foreach (double[] values in Gradients.Prepend(Output))
            foreach (double value in values)
                hash = (hash ^ BitConverter.SingleToUInt32Bits(double.IsNaN(value) ? float.NaN : (float)value)) * 1099511628211;
        return hash;
    }
}

/// <summary>Runs rows of the catalogue.</summary>
internal static class CatalogRun
{
    /// <summary>The word that makes the test program print the hashes of all rows.</summary>
    public const string Verb = "catalog-hashes";

    /// <summary>Forward and backward, with a fixed gradient arriving at the result.</summary>
    public static CatalogResult Evaluate(Func<Tensor[], Tensor> call, Tensor[] inputs)
    {
        foreach (Tensor input in inputs) input.ClearGrad();
        using TensorScope scope = TensorScope.Open("catalog");
        using Tape tape = Tape.Start();
        Tensor y = call(inputs);
        double[] output = Numbers(y);
        if (!y.RequiresGrad) return new CatalogResult(output, []);
        tape.Backward([y], [Arriving(y)]);
        return new CatalogResult(output, [.. inputs.Where(x => x.RequiresGrad).Select(x => x.Grad is { } grad ? Numbers(grad) : new double[x.Count])]);
    }

    /// <summary>The result alone.</summary>
    public static double[] Forward(Func<Tensor[], Tensor> call, Tensor[] inputs)
    {
        using TensorScope scope = TensorScope.Open("catalog");
        return Numbers(call(inputs));
    }

    /// <summary>The gradient that arrives at a result in all tests.</summary>
    public static Tensor Arriving(Tensor y)
    {
        Tensor dy = Tensor.Empty(y.DType, y.Shape);
        var random = new CounterRandom(seed: 99);
        if (y.DType == DType.F64) Fill(dy.AsSpan<double>(), i => Weight(random, i));
        else Fill(dy.AsSpan<float>(), i => Weight(random, i));
        return dy;
    }

    /// <summary>Element i of the arriving gradient.</summary>
    public static float Weight(in CounterRandom random, long i) => 2 * random.Uniform(i) - 1;

    /// <summary>The inputs copied into contiguous memory.</summary>
    public static Tensor[] Dense(Tensor[] inputs) => Array.ConvertAll(inputs, input =>
    {
        Tensor copy = Tensor.Persistent(input.DType, input.Shape);
        copy.Assign(input);
        return input.RequiresGrad ? copy.RequireGrad() : copy;
    });

    /// <summary>A line for every row: its name and the hash of what it gives for large inputs and for small strided ones.</summary>
    public static IEnumerable<string> Hashes()
    {
        foreach (OpRow row in OpCatalog.Rows)
        {
            ulong hash = Evaluate(row.Call, row.Make(OpSize.Large)).Hash() * 31 + Evaluate(row.Call, row.Make(OpSize.Odd, Arrangement.Strided)).Hash();
            yield return $"{hash.ToString("x16", CultureInfo.InvariantCulture)} {row.Name}";
        }
    }

    private static double[] Numbers(Tensor tensor)
    {
        if (tensor.DType == DType.F32) return Array.ConvertAll(tensor.ToArray<float>(), value => (double)value);
        if (tensor.DType == DType.F64) return tensor.ToArray<double>();
        var values = new double[tensor.Count];
        for (int i = 0; i < values.Length; i++) values[i] = Casts.Read(tensor, i);
        return values;
    }

    private static void Fill<T>(Span<T> values, Func<long, T> value)
    {
        for (int i = 0; i < values.Length; i++) values[i] = value(i);
    }
}
