using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Tests.Simd;

/// <summary>Formulas as an operation would write them: once, for every register.</summary>
internal static class Formulas
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public struct Exp : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Exp(x);
    }

    /// <summary>x · ½ (1 + erf(x/√2)).</summary>
    public struct Gelu : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> =>
            V.Broadcast(0.5) * x * (V.Broadcast(1) + VMath.Erf(x * V.Broadcast(0.70710678118654752)));
    }

    /// <summary>x / (1 + e^−x).</summary>
    public struct Silu : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * VMath.Sigmoid(x);
    }

    public struct Expm1 : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Expm1(x);
    }

    public struct Log : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Log(x);
    }

    public struct Log1p : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Log1p(x);
    }

    public struct Tanh : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Tanh(x);
    }

    public struct Sigmoid : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Sigmoid(x);
    }

    public struct Softplus : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Softplus(x);
    }

    public struct Erf : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Erf(x);
    }

    public struct Sin : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Sin(x);
    }

    public struct Cos : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Cos(x);
    }

    public struct Rsqrt : IMap
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Rsqrt(x);
    }

    public struct Pow : IZip
    {
        [MethodImpl(Inline)]
        public V Apply<V>(V x, V y) where V : struct, IVec<V> => VMath.Pow(x, y);
    }

    /// <summary>e^(x − shift): the middle of a softmax.</summary>
    public readonly struct ExpOfDifference(double shift) : IMap
    {
        private readonly double shift = shift;

        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => VMath.Exp(x - V.Broadcast(shift));
    }

    public readonly struct Scale(double factor) : IMap
    {
        private readonly double factor = factor;

        [MethodImpl(Inline)]
        public V Apply<V>(V x) where V : struct, IVec<V> => x * V.Broadcast(factor);
    }

    /// <summary>How a softmax row is written: its largest element, the exponentials with their sum, one scaling.</summary>
    public static unsafe void SoftmaxRow(float* x, float* y, long n)
    {
        float max = Lanes16.Max(x, n);
        float sum = Lanes16.MapSum(new ExpOfDifference(max), x, y, n);
        Elementwise.Map(new Scale(1 / sum), y, y, n);
    }
}
