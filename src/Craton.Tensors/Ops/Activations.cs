using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors;

// Activation functions: the formula, and its derivative right below. What becomes tiny far from 0 ends in 0, not in subnormal numbers.
public static partial class Ops
{
    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public static Tensor Sigmoid(Tensor x) => Unary<SigmoidForward, SigmoidGradient>("sigmoid", x);

    private readonly struct SigmoidForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Sigmoid(x);
    }

    private readonly struct SigmoidGradient : ICurvedGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => VMath.Felt(dy * y * (V.Broadcast(1) - y));

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V y, V dy) where V : struct, IVec<V> => dy * (V.Broadcast(1) - y - y);
    }

    /// <summary>Hyperbolic tangent.</summary>
    public static Tensor Tanh(Tensor x) => Unary<TanhForward, TanhGradient>("tanh", x);

    private readonly struct TanhForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Tanh(x);
    }

    private readonly struct TanhGradient : ICurvedGradient
    {
        public static bool FromOutput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V y, V dy) where V : struct, IVec<V> => dy * (V.Broadcast(1) - y * y);

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V y, V dy) where V : struct, IVec<V> => dy * y * V.Broadcast(-2);
    }

    /// <summary>max(0, x).</summary>
    public static Tensor Relu(Tensor x) => Unary<ReluForward, ReluGradient>("relu", x);

    internal readonly struct ReluForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Max(x, V.Broadcast(0));
    }

    internal readonly struct ReluGradient : ICurvedGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => V.Select(x > V.Broadcast(0), dy, V.Broadcast(0));

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V x, V dy) where V : struct, IVec<V> => V.Broadcast(0);
    }

    /// <summary>min(max(0, x), 6).</summary>
    public static Tensor Relu6(Tensor x) => Unary<Relu6Forward, Relu6Gradient>("relu6", x);

    private readonly struct Relu6Forward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Min(V.Max(x, V.Broadcast(0)), V.Broadcast(6));
    }

    private readonly struct Relu6Gradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> =>
            V.Select(((x > V.Broadcast(0)) & (x < V.Broadcast(6))), dy, V.Broadcast(0));
    }

    /// <summary>max(0, x)² (So et al. 2021, Primer).</summary>
    public static Tensor ReluSquared(Tensor x) => Unary<ReluSquaredForward, ReluSquaredGradient>("relu_squared", x);

    private readonly struct ReluSquaredForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V>
        {
            V positive = V.Max(x, V.Broadcast(0));
            return positive * positive;
        }
    }

    private readonly struct ReluSquaredGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => dy * V.Broadcast(2) * V.Max(x, V.Broadcast(0));
    }

    /// <summary>x where positive, slope · x elsewhere.</summary>
    public static Tensor LeakyRelu(Tensor x, double slope = 0.01) =>
        Unary("leaky_relu", x, new LeakyReluForward(slope), new LeakyReluGradient(slope));

    private readonly struct LeakyReluForward(double slope) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Select(x > V.Broadcast(0), x, x * V.Broadcast(slope));
    }

    private readonly struct LeakyReluGradient(double slope) : ICurvedGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> => V.Select(x > V.Broadcast(0), dy, dy * V.Broadcast(slope));

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V x, V dy) where V : struct, IVec<V> => V.Broadcast(0);
    }

    /// <summary>x where positive, alpha · (eˣ − 1) elsewhere.</summary>
    public static Tensor Elu(Tensor x, double alpha = 1) => Unary("elu", x, new EluForward(alpha), new EluGradient(alpha));

    private readonly struct EluForward(double alpha) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> =>
            V.Select(x > V.Broadcast(0), x, V.Broadcast(alpha) * VMath.Expm1(x));
    }

    private readonly struct EluGradient(double alpha) : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V> =>
            V.Select(x > V.Broadcast(0), dy, dy * V.Broadcast(alpha) * VMath.Exp(x));
    }

    /// <summary>x · Φ(x), the exact form with the error function (Hendrycks, Gimpel 2016).</summary>
    public static Tensor Gelu(Tensor x) => Unary<GeluForward, GeluGradient>("gelu", x);

    internal readonly struct GeluForward : IMap
    {
        private const double RootHalf = 0.70710678118654752;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> =>
            V.Broadcast(0.5) * x * (V.Broadcast(1) + VMath.Erf(x * V.Broadcast(RootHalf)));
    }

    internal readonly struct GeluGradient : IUnaryGradient
    {
        private const double RootHalf = 0.70710678118654752, InverseRootTwoPi = 0.39894228040143268;

        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V>
        {
            V cumulative = V.Fma(V.Broadcast(0.5), VMath.Erf(x * V.Broadcast(RootHalf)), V.Broadcast(0.5));
            V density = V.Broadcast(InverseRootTwoPi) * VMath.Exp(x * x * V.Broadcast(-0.5));
            return VMath.Felt(dy * V.Fma(x, density, cumulative));
        }
    }

    /// <summary>x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): the approximation that GPT-2 uses.</summary>
    public static Tensor GeluTanh(Tensor x) => Unary<GeluTanhForward, GeluTanhGradient>("gelu_tanh", x);

    internal readonly struct GeluTanhForward : IMap
    {
        public const double RootTwoOverPi = 0.79788456080286536, Cubic = 0.044715;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => V.Broadcast(0.5) * x * (V.Broadcast(1) + VMath.Tanh(Inner(x)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Inner<V>(V x) where V : struct, IVec<V> =>
            V.Broadcast(RootTwoOverPi) * x * V.Fma(x * x, V.Broadcast(Cubic), V.Broadcast(1));
    }

    internal readonly struct GeluTanhGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V>
        {
            V tanh = VMath.Tanh(GeluTanhForward.Inner(x));
            V slope = V.Broadcast(GeluTanhForward.RootTwoOverPi) * V.Fma(x * x, V.Broadcast(3 * GeluTanhForward.Cubic), V.Broadcast(1));
            V half = V.Broadcast(0.5);
            return dy * (half * (V.Broadcast(1) + tanh) + half * x * (V.Broadcast(1) - tanh * tanh) * slope);
        }
    }

    /// <summary>x · sigmoid(1.702 x): the approximation that CLIP uses.</summary>
    public static Tensor QuickGelu(Tensor x) => Unary<QuickGeluForward, QuickGeluGradient>("quick_gelu", x);

    private readonly struct QuickGeluForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * VMath.Sigmoid(x * V.Broadcast(1.702));
    }

    private readonly struct QuickGeluGradient : IUnaryGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V>
        {
            V scaled = x * V.Broadcast(1.702), s = VMath.Sigmoid(scaled);
            return VMath.Felt(dy * s * V.Fma(scaled, V.Broadcast(1) - s, V.Broadcast(1)));
        }
    }

    /// <summary>x · sigmoid(x), also called swish.</summary>
    public static Tensor Silu(Tensor x) => Unary<SiluForward, SiluGradient>("silu", x);

    internal readonly struct SiluForward : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * VMath.Sigmoid(x);
    }

    internal readonly struct SiluGradient : ICurvedGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V>
        {
            V s = VMath.Sigmoid(x);
            return VMath.Felt(dy * s * V.Fma(x, V.Broadcast(1) - s, V.Broadcast(1)));
        }

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V x, V dy) where V : struct, IVec<V>
        {
            V s = VMath.Sigmoid(x), one = V.Broadcast(1);
            return dy * s * (one - s) * V.Fma(x, one - s - s, V.Broadcast(2));
        }
    }

    /// <summary>ln(1 + e^(beta·x)) / beta; x itself where beta · x exceeds the threshold.</summary>
    public static Tensor Softplus(Tensor x, double beta = 1, double threshold = 20) =>
        Unary("softplus", x, new SoftplusForward(beta, threshold), new SoftplusGradient(beta, threshold));

    private readonly struct SoftplusForward(double beta, double threshold) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x) where V : struct, IVec<V>
        {
            V scaled = x * V.Broadcast(beta);
            V soft = V.Max(scaled, V.Broadcast(0)) + VMath.Log1p(VMath.Exp(-V.Abs(scaled)));
            return V.Select(scaled > V.Broadcast(threshold), x, soft / V.Broadcast(beta));
        }
    }

    private readonly struct SoftplusGradient(double beta, double threshold) : ICurvedGradient
    {
        public static bool FromOutput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V x, V dy) where V : struct, IVec<V>
        {
            V scaled = x * V.Broadcast(beta);
            return V.Select(scaled > V.Broadcast(threshold), dy, VMath.Felt(dy * VMath.Sigmoid(scaled)));
        }

        public Tensor? Recorded(Tensor saved, Tensor dy) => RecordedSlope(this, saved, dy);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Curvature<V>(V x, V dy) where V : struct, IVec<V>
        {
            V scaled = x * V.Broadcast(beta), s = VMath.Sigmoid(scaled);
            return V.Select(scaled > V.Broadcast(threshold), V.Broadcast(0), dy * s * (V.Broadcast(1) - s) * V.Broadcast(beta));
        }
    }

    /// <summary>silu(gate) · up, the product at the heart of a SwiGLU feed-forward layer (Shazeer 2020).</summary>
    public static Tensor SwiGlu(Tensor gate, Tensor up) =>
        Binary<GatedForward<SiluForward>, GatedGradientGate<SiluGradient>, GatedGradientUp<SiluForward>>("swiglu", gate, up);

    /// <summary>gelu(gate) · up: GEGLU (Shazeer 2020), with either form of GELU.</summary>
    public static Tensor GeGlu(Tensor gate, Tensor up, bool tanh = false) => tanh
        ? Binary<GatedForward<GeluTanhForward>, GatedGradientGate<GeluTanhGradient>, GatedGradientUp<GeluTanhForward>>("geglu", gate, up)
        : Binary<GatedForward<GeluForward>, GatedGradientGate<GeluGradient>, GatedGradientUp<GeluForward>>("geglu", gate, up);

    private readonly struct GatedForward<TActivation> : IZip where TActivation : struct, IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V gate, V up) where V : struct, IVec<V> => default(TActivation).Apply(gate) * up;
    }

    private readonly struct GatedGradientGate<TGradient> : IZip3 where TGradient : struct, IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V gate, V up, V dy) where V : struct, IVec<V> => default(TGradient).Apply(gate, dy * up);
    }

    private readonly struct GatedGradientUp<TActivation> : IZip3 where TActivation : struct, IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Apply<V>(V gate, V up, V dy) where V : struct, IVec<V> => dy * default(TActivation).Apply(gate);
    }
}
