using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests.Simd;

/// <summary>Every member of every register against plain float arithmetic, on all triples that special and random values give.</summary>
public unsafe class IVecTests
{
    private const int Count = 100_007, One = 0x3F800000, SignAndFraction = unchecked((int)0x807FFFFF);

    private static readonly float[] A = Inputs.MixedPairs(Count, 1).A, B = Inputs.MixedPairs(Count, 1).B, C = Shuffled(3);

    /// <summary>Name, the member, its meaning; a and b also take all pairs of special values.</summary>
    private static readonly (string Name, Func<float, float, float, float> Meaning)[] Members =
    [
        ("+", (a, b, c) => a + b),
        ("-", (a, b, c) => a - b),
        ("*", (a, b, c) => a * b),
        ("/", (a, b, c) => a / b),
        ("neg", (a, b, c) => -a),
        ("fma", MathF.FusedMultiplyAdd),
        ("sqrt", (a, b, c) => MathF.Sqrt(a)),
        ("abs", (a, b, c) => MathF.Abs(a)),
        ("floor", (a, b, c) => MathF.Floor(a)),
        ("round", (a, b, c) => MathF.Round(a)),
        ("truncate", (a, b, c) => MathF.Truncate(a)),
        ("min", (a, b, c) => MathF.Min(a, b)),
        ("max", (a, b, c) => MathF.Max(a, b)),
        ("clamp", (a, b, c) => float.IsNaN(a) ? a : Math.Clamp(a, -2.5f, 3)),
        ("<", (a, b, c) => Mask(a < b)),
        (">", (a, b, c) => Mask(a > b)),
        ("<=", (a, b, c) => Mask(a <= b)),
        (">=", (a, b, c) => Mask(a >= b)),
        ("=", (a, b, c) => Mask(a == b)),
        ("&", (a, b, c) => Float(Bits(a) & Bits(b))),
        ("|", (a, b, c) => Float(Bits(a) | Bits(b))),
        ("^", (a, b, c) => Float(Bits(a) ^ Bits(b))),
        ("~", (a, b, c) => Float(~Bits(a))),
        ("andnot", (a, b, c) => Float(Bits(a) & ~Bits(b))),
        ("select", (a, b, c) => a < b ? b : c),
        ("addbits", (a, b, c) => Float(Bits(a) + Bits(b))),
        ("subtractbits", (a, b, c) => Float(Bits(a) - Bits(b))),
        ("shiftleft", (a, b, c) => Float(Bits(a) << 5)),
        ("shiftright", (a, b, c) => Float(Bits(a) >> 23)),
        ("bitstonumber", (a, b, c) => Bits(a)),
        ("numbertobits", (a, b, c) => MathF.Abs(a) < 1e9f ? Float((int)a) : 0),
        ("scale", (a, b, c) => (float)Math.ScaleB((double)Float((Bits(a) & SignAndFraction) | One), (int)Power(b))),
    ];

    [Fact]
    public void Vec512_means_what_float_arithmetic_means() => Check<Vec512>();

    [Fact]
    public void Vec256_means_what_float_arithmetic_means() => Check<Vec256>();

    [Fact]
    public void Vec128_means_what_float_arithmetic_means() => Check<Vec128>();

    [Fact]
    public void Scalar32_means_what_float_arithmetic_means() => Check<Scalar32>();

    [Fact]
    public void A_product_is_not_rounded_before_its_sum()
    {
        float near = 1 + MathF.ScaleB(1, -23);
        Assert.Equal(MathF.ScaleB(1, -46), Scalar32.Fma(new(near), new(near), new(-1 - MathF.ScaleB(1, -22))).Value);
        Fma<Vec128>(near);
        Fma<Vec256>(near);
        Fma<Vec512>(near);
    }

    [Fact]
    public void Any_sees_a_single_lane()
    {
        Any<Vec512>();
        Any<Vec256>();
        Any<Vec128>();
        Any<Scalar32>();
        Any<Scalar64>();
    }

    private static void Fma<V>(float near) where V : struct, IVec<V>
    {
        float* y = stackalloc float[V.Lanes];
        V x = V.Broadcast(near);
        V.Store(y, 0, V.Fma(x, x, V.Broadcast(-1 - MathF.ScaleB(1, -22))));
        for (int lane = 0; lane < V.Lanes; lane++)
            Assert.Equal(MathF.ScaleB(1, -46), y[lane]);
    }

    private static void Any<V>() where V : struct, IVec<V>
    {
        byte* x = stackalloc byte[64];
        Assert.False(V.Any(V.Broadcast(1) < V.Broadcast(1)));
        for (int lane = 0; lane < V.Lanes; lane++)
        {
            new Span<byte>(x, 64).Clear();
            x[(lane + 1) * V.ElementSize - 1] = 0x40; // 2 in this lane
            Assert.True(V.Any(V.Load(x) > V.Broadcast(0)), $"lane {lane}");
        }
    }

    private static void Check<V>() where V : struct, IVec<V>
    {
        float* got = stackalloc float[16];
        fixed (float* a = A, b = B, c = C)
        {
            for (int m = 0; m < Members.Length; m++)
            {
                for (int i = 0; i <= Count - V.Lanes; i += V.Lanes)
                {
                    V.Store(got, 0, Apply(m, V.Load(a, i), V.Load(b, i), V.Load(c, i)));
                    for (int lane = 0; lane < V.Lanes; lane++)
                        Compare(Members[m], a[i + lane], b[i + lane], c[i + lane], got[lane]);
                }
            }
        }
    }

    private static void Compare((string Name, Func<float, float, float, float> Meaning) member, float a, float b, float c, float got)
    {
        float want = member.Meaning(a, b, c);
        if (Bits(want) != Bits(got) && !(float.IsNaN(want) && float.IsNaN(got)))
            Assert.Fail($"{member.Name}({a:R}, {b:R}, {c:R}): expected {want:R}, got {got:R}");
    }

    private static V Apply<V>(int member, V a, V b, V c) where V : struct, IVec<V> => Members[member].Name switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "neg" => -a,
        "fma" => V.Fma(a, b, c),
        "sqrt" => V.Sqrt(a),
        "abs" => V.Abs(a),
        "floor" => V.Floor(a),
        "round" => V.RoundToEven(a),
        "truncate" => V.Truncate(a),
        "min" => V.Min(a, b),
        "max" => V.Max(a, b),
        "clamp" => V.Clamp(a, V.Broadcast(-2.5), V.Broadcast(3)),
        "<" => a < b,
        ">" => a > b,
        "<=" => a <= b,
        ">=" => a >= b,
        "=" => V.Equal(a, b),
        "&" => a & b,
        "|" => a | b,
        "^" => a ^ b,
        "~" => ~a,
        "andnot" => V.AndNot(a, b),
        "select" => V.Select(a < b, b, c),
        "addbits" => V.AddBits(a, b),
        "subtractbits" => V.SubtractBits(a, b),
        "shiftleft" => V.ShiftLeftBits(a, 5),
        "shiftright" => V.ShiftRightBits(a, 23),
        "bitstonumber" => V.BitsToNumber(a),
        "numbertobits" => (V.Abs(a) < V.Broadcast(1e9f)) & V.NumberToBits(a),
        "scale" => V.ScaleByPowerOf2((a & V.BroadcastBits(SignAndFraction)) | V.BroadcastBits(One), Powers(b)),
        string name => throw new InvalidOperationException(name),
    };

    /// <summary>A whole number in [−252, 254] made of any float.</summary>
    private static float Power(float b) => Math.Clamp(float.IsFinite(b) ? MathF.Truncate(b) : 7, -252, 254);

    private static V Powers<V>(V b) where V : struct, IVec<V>
    {
        V finite = V.Abs(b) < V.Broadcast(double.PositiveInfinity);
        return V.Clamp(V.Select(finite, V.Truncate(b), V.Broadcast(7)), V.Broadcast(-252), V.Broadcast(254));
    }

    private static float[] Shuffled(int seed)
    {
        float[] values = Inputs.Mixed(Count, seed);
        new Random(seed).Shuffle(values);
        return values;
    }

    private static float Mask(bool condition) => Float(condition ? -1 : 0);

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);

    private static float Float(int bits) => BitConverter.Int32BitsToSingle(bits);
}
