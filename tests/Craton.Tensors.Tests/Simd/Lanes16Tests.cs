using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests.Simd;

/// <summary>The row reductions against their definition written out plainly, to the bit, with every register and at every length.</summary>
public unsafe class Lanes16Tests
{
    private static readonly float[] X = Inputs.Dense(-3, 4.7, 1100), Y = Inputs.Dense(2.3, -1.9, 1100);

    public static TheoryData<int> Lengths => [.. Enumerable.Range(0, 68), 255, 256, 1000, 1024, 1099];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Sums_follow_the_definition(int n)
    {
        fixed (float* x = X, y = Y)
        {
            Assert.Equal(Definition(n, (sum, i) => sum + X[i]), Lanes16.Sum(x, n));
            Assert.Equal(Definition(n, (sum, i) => MathF.FusedMultiplyAdd(X[i], X[i], sum)), Lanes16.SumOfSquares(x, n));
            Assert.Equal(Definition(n, (sum, i) => MathF.FusedMultiplyAdd(X[i], Y[i], sum)), Lanes16.Dot(x, y, n));
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Every_register_gives_the_bits_of_the_definition(int n)
    {
        float want = Definition(n, (sum, i) => MathF.FusedMultiplyAdd(X[i], Y[i], sum));
        fixed (float* x = X, y = Y)
        {
            var fold = new Product(x, y);
            Assert.Equal(want, Lanes16.Fold<Vec512, Product>(fold, n));
            Assert.Equal(want, Lanes16.Fold<Vec256, Product>(fold, n));
            Assert.Equal(want, Lanes16.Fold<Vec128, Product>(fold, n));
            Assert.Equal(want, Lanes16.Fold<Scalar32, Product>(fold, n));
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void MapSum_stores_and_sums(int n)
    {
        float[] stored = new float[n + 1];
        stored[n] = -1;
        fixed (float* x = X, y = stored)
        {
            float sum = Lanes16.MapSum(default(Formulas.Exp), x, y, n);
            Assert.Equal(Definition(n, (total, i) => total + stored[i]), sum);
            float[] alone = new float[n + 1];
            fixed (float* z = alone)
                Elementwise.Map(default(Formulas.Exp), x, z, n);
            Assert.Equal(alone[..n], stored[..n]);
            Assert.Equal(-1, stored[n]);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Max_finds_the_largest_and_any_NaN(int n)
    {
        float[] values = [.. X[..n]];
        new Random(n).Shuffle(values);
        fixed (float* x = values)
        {
            Assert.Equal(values.Length == 0 ? float.NegativeInfinity : values.Max(), Lanes16.Max(x, n));
            for (int i = 0; i < n; i += 1 + n / 70)
            {
                (float kept, x[i]) = (x[i], float.NaN);
                Assert.True(float.IsNaN(Lanes16.Max(x, n)), $"a NaN at {i} of {n} was lost");
                x[i] = kept;
            }
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Doubles_follow_the_same_order(int n)
    {
        double[] lanes = new double[16], x = [.. X.Select(v => (double)v)], y = new double[X.Length];
        for (int i = 0; i < n; i++)
            lanes[i % 16] += x[i];
        for (int distance = 8; distance > 0; distance /= 2)
            for (int l = 0; l < distance; l++)
                lanes[l] += lanes[l + distance];
        fixed (double* px = x, py = y)
        {
            Assert.Equal(lanes[0], Lanes16.Sum(px, n));
            Assert.Equal(lanes[0], Lanes16.MapSum(new Formulas.Scale(1), px, py, n));
            Assert.Equal(x[..n].Sum(v => v * v), Lanes16.SumOfSquares(px, n), 1e-9);
            Assert.Equal(Lanes16.SumOfSquares(px, n), Lanes16.Dot(px, px, n));
            Assert.Equal(n == 0 ? double.NegativeInfinity : x[..n].Max(), Lanes16.Max(px, n));
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_softmax_row_sums_to_one_and_matches_double(int n)
    {
        float[] y = new float[n];
        double total = X[..n].Sum(v => Math.Exp(v));
        fixed (float* x = X, py = y)
            Formulas.SoftmaxRow(x, py, n);
        for (int i = 0; i < n; i++)
            Assert.Equal(1, y[i] / (Math.Exp(X[i]) / total), 1e-6);
    }

    /// <summary>The definition: sixteen lanes in order of the elements, then the tree.</summary>
    private static float Definition(int n, Func<float, int, float> step)
    {
        float[] lanes = new float[16];
        for (int i = 0; i < n; i++)
            lanes[i % 16] = step(lanes[i % 16], i);
        for (int distance = 8; distance > 0; distance /= 2)
            for (int l = 0; l < distance; l++)
                lanes[l] += lanes[l + distance];
        return lanes[0];
    }

    private readonly struct Product(float* x, float* y) : IRowFold
    {
        private readonly float* x = x, y = y;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Start<V>() where V : struct, IVec<V> => V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Step<V>(V sum, long i) where V : struct, IVec<V> => V.Fma(V.Load(x, i), V.Load(y, i), sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Combine<V>(V a, V b) where V : struct, IVec<V> => a + b;
    }
}
