using Craton.Tensors.Threading;

namespace Craton.Tensors.Tests;

/// <summary>Runs an operation forward and backward and compares what comes out.</summary>
internal static class OpRun
{
    /// <summary>Values spread over (−2, 2), the same for one seed.</summary>
    public static Tensor Values(int seed, DType type, params int[] shape)
    {
        var random = new Random(seed);
        var values = new double[shape.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(4 * random.NextDouble() - 2);
        return type == DType.F64 ? Tensor.From(values, shape) : Tensor.From(values.Select(v => (float)v).ToArray(), shape);
    }

    /// <summary>The result, then the gradient of every floating input, for a fixed gradient of the result.</summary>
    public static double[][] Evaluate(Func<Tensor[], Tensor> op, params Tensor[] inputs)
    {
        foreach (Tensor input in inputs)
        {
            input.ClearGrad();
            if (input.DType is DType.F32 or DType.F64) input.RequireGrad();
        }
        using Tape tape = Tape.Start();
        Tensor y = op(inputs);
        var results = new List<double[]> { Numbers(y) };
        tape.Backward([y], [Values(99, y.DType, y.Shape.ToArray())]);
        foreach (Tensor input in inputs)
            if (input.RequiresGrad) results.Add(input.Grad is { } gradient ? Numbers(gradient) : new double[input.Count]);
        return [.. results];
    }

    /// <summary>Two implementations give the same results and gradients, in F32 and F64.</summary>
    public static void SameAs(Func<Tensor[], Tensor> op, Func<Tensor[], Tensor> oracle, Func<DType, Tensor[]> inputs)
    {
        foreach (DType type in new[] { DType.F64, DType.F32 })
            Close(Evaluate(oracle, inputs(type)), Evaluate(op, inputs(type)), type == DType.F64 ? 1e-12 : 2e-5);
    }

    /// <summary>The gradients agree with central differences of the result in F64, and F32 with F64.</summary>
    public static void Differentiates(Func<Tensor[], Tensor> op, Func<DType, Tensor[]> make)
    {
        Tensor[] inputs = make(DType.F64);
        double[][] got = Evaluate(op, inputs);
        double[] weights = Numbers(Values(99, DType.F64, got[0].Length));
        int at = 1;
        foreach (Tensor input in inputs.Where(input => input.RequiresGrad))
        {
            double[] expected = new double[input.Count];
            Span<double> values = Master(input);
            for (int i = 0; i < expected.Length; i++)
            {
                double old = values[i];
                const double Step = 1e-5;
                values[i] = old + Step;
                double above = Loss(op, inputs, weights);
                values[i] = old - Step;
                double below = Loss(op, inputs, weights);
                values[i] = old;
                expected[i] = (above - below) / (2 * Step);
            }
            Close([expected], [got[at++]], 1e-7);
        }
        Close(got, Evaluate(op, make(DType.F32)), 2e-5);
    }

    /// <summary>One bit pattern for 1 and 3 threads.</summary>
    public static void SameBitsForAnyThreads(Func<Tensor[], Tensor> op, params Tensor[] inputs)
    {
        int threads = WorkerPool.Threads;
        try
        {
            WorkerPool.SetThreads(1);
            double[][] one = Evaluate(op, inputs);
            WorkerPool.SetThreads(3);
            double[][] three = Evaluate(op, inputs);
            for (int i = 0; i < one.Length; i++) Assert.True(one[i].AsSpan().SequenceEqual(three[i]), $"result {i} differs between 1 and 3 threads");
        }
        finally
        {
            WorkerPool.SetThreads(threads);
        }
    }

    /// <summary>A hash of all results and gradients, FNV-1a over their bits as floats: one constant for every register width and machine.</summary>
    public static string Hash(double[][] results)
    {
        ulong hash = 14695981039346656037;
        foreach (double value in results.SelectMany(r => r)) hash = (hash ^ BitConverter.SingleToUInt32Bits((float)value)) * 1099511628211;
        return hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }

    public static double[] Numbers(Tensor tensor) =>
        tensor.DType == DType.F64 ? tensor.ToArray<double>()
        : tensor.DType == DType.F32 ? Array.ConvertAll(tensor.ToArray<float>(), v => (double)v)
        : tensor.DType == DType.I64 ? Array.ConvertAll(tensor.ToArray<long>(), v => (double)v)
        : throw new NotSupportedException(tensor.ToString());

    public static void Close(double[][] expected, double[][] got, double tolerance)
    {
        Assert.Equal(expected.Length, got.Length);
        for (int r = 0; r < got.Length; r++)
        {
            Assert.Equal(expected[r].Length, got[r].Length);
            double scale = expected[r].Select(Math.Abs).Where(double.IsFinite).Append(1).Max();
            for (int i = 0; i < got[r].Length; i++)
            {
                bool same = expected[r][i].Equals(got[r][i]) || Math.Abs(expected[r][i] - got[r][i]) <= tolerance * scale;
                Assert.True(same, $"result {r}, element {i}: expected {expected[r][i]}, got {got[r][i]}");
            }
        }
    }

    // A leaf's own elements, in the order of its contiguous layout.
    private static Span<double> Master(Tensor leaf) => leaf.AsSpan<double>();

    private static double Loss(Func<Tensor[], Tensor> op, Tensor[] inputs, double[] weights) =>
        Numbers(op(inputs)).Zip(weights, (y, w) => y * w).Sum();
}
