using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

// Functions of one argument: the formula, and its derivative right below.
public static partial class Ops
{
    /// <summary>eˣ.</summary>
    public static Tensor Exp(Tensor x) => Unary<ExpForward, ExpGradient>("exp", x);

    private readonly struct ExpForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Exp(x);
    }

    private readonly struct ExpGradient : ICurvedGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => dy * y;

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V y, V dy) where V : struct, IVec<V> => dy;
    }

    /// <summary>eˣ − 1, exact near 0.</summary>
    public static Tensor Expm1(Tensor x) => Unary<Expm1Forward, Expm1Gradient>("expm1", x);

    private readonly struct Expm1Forward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Expm1(x);
    }

    private readonly struct Expm1Gradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy * VMath.Exp(x);
    }

    /// <summary>Natural logarithm.</summary>
    public static Tensor Log(Tensor x) => Unary<LogForward, LogGradient>("log", x);

    private readonly struct LogForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Log(x);
    }

    private readonly struct LogGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy / x;
    }

    /// <summary>ln(1 + x), exact near 0.</summary>
    public static Tensor Log1p(Tensor x) => Unary<Log1pForward, Log1pGradient>("log1p", x);

    private readonly struct Log1pForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Log1p(x);
    }

    private readonly struct Log1pGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy / (x + V.Broadcast(1));
    }

    /// <summary>√x.</summary>
    public static Tensor Sqrt(Tensor x) => Unary<SqrtForward, SqrtGradient>("sqrt", x);

    private readonly struct SqrtForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Sqrt(x);
    }

    private readonly struct SqrtGradient : ICurvedGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => dy / (y + y);

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V y, V dy) where V : struct, IVec<V> => dy / (y * y * V.Broadcast(-2));
    }

    /// <summary>1/√x.</summary>
    public static Tensor Rsqrt(Tensor x) => Unary<RsqrtForward, RsqrtGradient>("rsqrt", x);

    private readonly struct RsqrtForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Broadcast(1) / V.Sqrt(x);
    }

    private readonly struct RsqrtGradient : ICurvedGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => dy * V.Broadcast(-0.5) * y * y * y;

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V y, V dy) where V : struct, IVec<V> => dy * y * y * V.Broadcast(-1.5);
    }

    /// <summary>x².</summary>
    public static Tensor Square(Tensor x) => Unary<SquareForward, SquareGradient>("square", x);

    private readonly struct SquareForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * x;
    }

    private readonly struct SquareGradient : ICurvedGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy * (x + x);

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V x, V dy) where V : struct, IVec<V> => dy + dy;
    }

    /// <summary>1/x.</summary>
    public static Tensor Reciprocal(Tensor x) => Unary<ReciprocalForward, ReciprocalGradient>("reciprocal", x);

    private readonly struct ReciprocalForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Broadcast(1) / x;
    }

    private readonly struct ReciprocalGradient : IUnaryGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => -(dy * y * y);
    }

    /// <summary>Sine, x in radians.</summary>
    public static Tensor Sin(Tensor x) => Unary<SinForward, SinGradient>("sin", x);

    private readonly struct SinForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Sin(x);
    }

    private readonly struct SinGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy * VMath.Cos(x);
    }

    /// <summary>Cosine, x in radians.</summary>
    public static Tensor Cos(Tensor x) => Unary<CosForward, CosGradient>("cos", x);

    private readonly struct CosForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Cos(x);
    }

    private readonly struct CosGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => -(dy * VMath.Sin(x));
    }

    /// <summary>Error function.</summary>
    public static Tensor Erf(Tensor x) => Unary<ErfForward, ErfGradient>("erf", x);

    private readonly struct ErfForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Erf(x);
    }

    private readonly struct ErfGradient : IUnaryGradient
    {
        private const double TwoOverRootPi = 1.1283791670955126;

        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy * V.Broadcast(TwoOverRootPi) * VMath.Exp(-(x * x));
    }

    /// <summary>|x|; the gradient at 0 is 0.</summary>
    public static Tensor Abs(Tensor x) => Unary<AbsForward, AbsGradient>("abs", x);

    private readonly struct AbsForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Abs(x);
    }

    private readonly struct AbsGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> =>
            V.Select(x > V.Broadcast(0), dy, V.Select(x < V.Broadcast(0), -dy, V.Broadcast(0)));
    }

    /// <summary>x to a constant power.</summary>
    public static Tensor Pow(Tensor x, double exponent) => Unary("pow_scalar", x, new PowerForward(exponent), new PowerGradient(exponent));

    private readonly struct PowerForward(double exponent) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Pow(x, V.Broadcast(exponent));
    }

    private readonly struct PowerGradient(double exponent) : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> =>
            exponent == 0 ? V.Broadcast(0) : dy * V.Broadcast(exponent) * VMath.Pow(x, V.Broadcast(exponent - 1));
    }

    /// <summary>x limited to [least, greatest]; no gradient where it is cut off; NaN stays.</summary>
    public static Tensor Clamp(Tensor x, double least = double.NegativeInfinity, double greatest = double.PositiveInfinity) =>
        Unary("clamp", x, new ClampForward(least, greatest), new ClampGradient(least, greatest));

    private readonly struct ClampForward(double least, double greatest) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Min(V.Max(x, V.Broadcast(least)), V.Broadcast(greatest));
    }

    private readonly struct ClampGradient(double least, double greatest) : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V>
        {
            V inside = ((x >= V.Broadcast(least)) & (x <= V.Broadcast(greatest)));
            return V.Select(inside, dy, V.Broadcast(0));
        }
    }

    /// <summary>−1, 0 or 1; no gradient.</summary>
    public static Tensor Sign(Tensor x) => Unary<SignForward, ZeroGradient>("sign", x);

    /// <summary>The greatest integer not above x; no gradient.</summary>
    public static Tensor Floor(Tensor x) => Unary<FloorForward, ZeroGradient>("floor", x);

    /// <summary>The nearest integer, halves to even; no gradient.</summary>
    public static Tensor Round(Tensor x) => Unary<RoundForward, ZeroGradient>("round", x);

    private readonly struct SignForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Select(x > V.Broadcast(0), V.Broadcast(1),
            V.Select(x < V.Broadcast(0), V.Broadcast(-1), V.Broadcast(0)));
    }

    private readonly struct FloorForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Floor(x);
    }

    private readonly struct RoundForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.RoundToEven(x);
    }

    private readonly struct ZeroGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => V.Broadcast(0);
    }
}
