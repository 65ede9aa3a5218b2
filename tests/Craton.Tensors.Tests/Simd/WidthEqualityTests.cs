using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;
using Xunit.Abstractions;

namespace Craton.Tensors.Tests.Simd;

/// <summary>Every function gives the same bits with every register, in this process and in processes with instruction sets switched off.</summary>
public unsafe class WidthEqualityTests(ITestOutputHelper output)
{
    private const int Count = 1_000_003;

    /// <summary>Also proves that machines agree: it must not change unless a formula does.</summary>
    private const string ExpectedHash = "8f96561cebf83adc7a495db80b330d92f8be22b40910274f791283c97cd2ae49";

    private static readonly float[] Values = Inputs.Mixed(Count, Inputs.Seed);

    [Fact]
    public void Exp() => CheckMap<Formulas.Exp>();

    [Fact]
    public void Expm1() => CheckMap<Formulas.Expm1>();

    [Fact]
    public void Log() => CheckMap<Formulas.Log>();

    [Fact]
    public void Log1p() => CheckMap<Formulas.Log1p>();

    [Fact]
    public void Tanh() => CheckMap<Formulas.Tanh>();

    [Fact]
    public void Sigmoid() => CheckMap<Formulas.Sigmoid>();

    [Fact]
    public void Softplus() => CheckMap<Formulas.Softplus>();

    [Fact]
    public void Erf() => CheckMap<Formulas.Erf>();

    [Fact]
    public void Sin() => CheckMap<Formulas.Sin>();

    [Fact]
    public void Cos() => CheckMap<Formulas.Cos>();

    [Fact]
    public void Rsqrt() => CheckMap<Formulas.Rsqrt>();

    [Fact]
    public void Gelu() => CheckMap<Formulas.Gelu>();

    [Fact]
    public void Silu() => CheckMap<Formulas.Silu>();

    [Fact]
    public void Pow()
    {
        (float[] a, float[] b) = Inputs.MixedPairs(Count, Inputs.Seed);
        float[] want = new float[Count], got = new float[Count];
        fixed (float* pa = a, pb = b, pw = want, pg = got)
        {
            Elementwise.ForEach<Scalar32, PowLoop>(new(pa, pb, pw), Count);
            Elementwise.ForEach<Vec128, PowLoop>(new(pa, pb, pg), Count);
            AssertSameBits(want, got, "Vec128");
            Elementwise.ForEach<Vec256, PowLoop>(new(pa, pb, pg), Count);
            AssertSameBits(want, got, "Vec256");
            Elementwise.ForEach<Vec512, PowLoop>(new(pa, pb, pg), Count);
            AssertSameBits(want, got, "Vec512");
        }
    }

    [Fact]
    public void The_hash_of_this_process_is_the_expected_one() => Assert.Equal(ExpectedHash, SimdHash.Compute());

    [Theory]
    [InlineData("CRATON_SIMD", "512", 512)]
    [InlineData("CRATON_SIMD", "256", 256)]
    [InlineData("CRATON_SIMD", "128", 128)]
    [InlineData("CRATON_SIMD", "scalar", 32)]
    [InlineData("DOTNET_EnableAVX512", "0", 256)]
    [InlineData("DOTNET_EnableAVX2", "0", 128)]
    [InlineData("DOTNET_EnableHWIntrinsic", "0", 32)]
    [InlineData("DOTNET_TieredPGO", "0", 512)]
    public void A_process_with_other_switches_has_the_same_hash(string variable, string value, int widest)
    {
        string[] answer = Child.Run([SimdHash.Verb], (variable, value))[0].Split(' ');
        output.WriteLine($"{variable}={value}: {answer[0]} bits");
        Assert.InRange(int.Parse(answer[0], System.Globalization.CultureInfo.InvariantCulture), 32, widest);
        Assert.Equal(ExpectedHash, answer[1]);
    }

    // As on processors whose clock falls for wide vectors.
    [Fact]
    public void A_runtime_that_prefers_narrow_vectors_does_not_make_kernels_narrow()
    {
        string[] answer = Child.Run([SimdHash.Verb], ("DOTNET_PreferredVectorBitWidth", "256"))[0].Split(' ');
        Assert.Equal($"{SimdWidth.Current}", answer[0]);
        Assert.Equal(ExpectedHash, answer[1]);
    }

    private static void CheckMap<TOp>() where TOp : struct, IMap
    {
        float[] want = new float[Count], got = new float[Count];
        fixed (float* px = Values, pw = want, pg = got)
        {
            Elementwise.ForEach<Scalar32, MapLoop<TOp>>(new(px, pw), Count);
            Elementwise.ForEach<Vec128, MapLoop<TOp>>(new(px, pg), Count);
            AssertSameBits(want, got, "Vec128");
            Elementwise.ForEach<Vec256, MapLoop<TOp>>(new(px, pg), Count);
            AssertSameBits(want, got, "Vec256");
            Elementwise.ForEach<Vec512, MapLoop<TOp>>(new(px, pg), Count);
            AssertSameBits(want, got, "Vec512");
        }
    }

    private static void AssertSameBits(float[] want, float[] got, string register)
    {
        for (int i = 0; i < want.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(want[i]) == BitConverter.SingleToInt32Bits(got[i])
                || (float.IsNaN(want[i]) && float.IsNaN(got[i]));
            if (!same)
                Assert.Fail($"{register}: element {i}: one lane gives {want[i]:R}, the register {got[i]:R}, seed {Inputs.Seed}");
        }
    }

    private readonly struct MapLoop<TOp>(float* x, float* y) : IElementLoop where TOp : struct, IMap
    {
        private readonly float* x = x, y = y;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(y, i, default(TOp).Apply(V.Load(x, i)));
    }

    private readonly struct PowLoop(float* x, float* y, float* z) : IElementLoop
    {
        private readonly float* x = x, y = y, z = z;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long i) where V : struct, IVec<V> => V.Store(z, i, VMath.Pow(V.Load(x, i), V.Load(y, i)));
    }
}
