using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests.Simd;

/// <summary>The drivers at every length around the register widths: in place, accumulating, and never a write beyond the end.</summary>
public unsafe class ElementwiseTests
{
    private const int Longest = 67, Guard = 16;
    private const float Canary = 12345;

    private static readonly float[] A = Inputs.Dense(-2, 3, Longest), B = Inputs.Dense(5, -4, Longest), C = Inputs.Dense(0.5, 1, Longest);

    public static TheoryData<int> Lengths => [.. Enumerable.Range(0, Longest + 1)];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Every_register_covers_exactly_the_elements(int n)
    {
        Covers<Vec512>(n);
        Covers<Vec256>(n);
        Covers<Vec128>(n);
        Covers<Scalar32>(n);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Map(int n)
    {
        Check(n, (i, y) => A[i] * A[i], (a, b, c, y) => Elementwise.Map(default(Square), a, y, n));
        Check(n, (i, y) => y + A[i] * A[i], (a, b, c, y) => Elementwise.MapAdd(default(Square), a, y, n));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Zip(int n)
    {
        Check(n, (i, y) => A[i] - B[i], (a, b, c, y) => Elementwise.Zip(default(Minus), a, b, y, n));
        Check(n, (i, y) => y + (A[i] - B[i]), (a, b, c, y) => Elementwise.ZipAdd(default(Minus), a, b, y, n));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Zip3(int n)
    {
        Check(n, (i, y) => A[i] > C[i] ? B[i] : C[i], (a, b, c, y) => Elementwise.Zip3(default(Where), a, b, c, y, n));
        Check(n, (i, y) => y + (A[i] > C[i] ? B[i] : C[i]), (a, b, c, y) => Elementwise.Zip3Add(default(Where), a, b, c, y, n));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void In_place(int n)
    {
        float[] x = [.. A];
        fixed (float* px = x)
            Elementwise.Map(default(Square), px, px, n);
        for (int i = 0; i < Longest; i++)
            Assert.Equal(i < n ? A[i] * A[i] : A[i], x[i]);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Doubles_compute_in_reference_precision(int n)
    {
        double[] a = [.. A.Select(v => (double)v)], b = [.. B.Select(v => (double)v)], c = [.. C.Select(v => (double)v)];
        double[] y = new double[Longest];
        fixed (double* pa = a, pb = b, pc = c, py = y)
        {
            Elementwise.Map(default(Square), pa, py, n);
            Elementwise.MapAdd(default(Square), pa, py, n);
            Elementwise.ZipAdd(default(Minus), pa, pb, py, n);
            Elementwise.Zip3Add(default(Where), pa, pb, pc, py, n);
            for (int i = 0; i < Longest; i++)
                Assert.Equal(i < n ? a[i] * a[i] + a[i] * a[i] + (a[i] - b[i]) + (a[i] > c[i] ? b[i] : c[i]) : 0, y[i]);
            Elementwise.Zip(default(Minus), pa, pb, py, n);
            Elementwise.Zip3(default(Where), pa, py, pc, py, n);
            for (int i = 0; i < n; i++)
                Assert.Equal(a[i] > c[i] ? a[i] - b[i] : c[i], y[i]);
        }
    }

    private static void Covers<V>(int n) where V : struct, IVec<V>
    {
        float[] y = new float[Longest + Guard];
        fixed (float* py = y)
            Elementwise.ForEach<V, CountVisits>(new(py), n);
        for (int i = 0; i < y.Length; i++)
            Assert.Equal(i < n ? 1 : 0, y[i]);
    }

    private delegate void Driver(float* a, float* b, float* c, float* y);

    private static void Check(int n, Func<int, float, float> want, Driver driver)
    {
        float[] y = new float[Longest + Guard];
        Array.Fill(y, Canary);
        fixed (float* pa = A, pb = B, pc = C, py = y)
            driver(pa, pb, pc, py);
        for (int i = 0; i < y.Length; i++)
            Assert.Equal(i < n ? want(i, Canary) : Canary, y[i]);
    }

    private struct Square : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * x;
    }

    private struct Minus : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b) where V : struct, IVec<V> => a - b;
    }

    private struct Where : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V a, V b, V c) where V : struct, IVec<V> => V.Select(a > c, b, c);
    }

    private readonly struct CountVisits(float* y) : IElementLoop
    {
        private readonly float* y = y;

        public void At<V>(long i) where V : struct, IVec<V> => V.Store(y, i, V.Load(y, i) + V.Broadcast(1));
    }
}
