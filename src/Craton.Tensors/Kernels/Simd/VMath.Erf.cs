using System.Runtime.CompilerServices;

namespace Craton.Tensors.Kernels.Simd;

internal static partial class VMath
{
    /// <summary>The error function, 2/√π ∫₀ˣ e^−t² dt.</summary>
    [MethodImpl(Inline)]
    public static V Erf<V>(V x) where V : struct, IVec<V>
    {
        if (typeof(V) == typeof(Scalar64))
            return Reference<V>(DoubleMath.Erf(Number(x)));

        // From 4 on erf rounds to 1.
        V a = V.Clamp(V.Abs(x), V.Broadcast(-1), V.Broadcast(4));
        V far = V.Broadcast(1) - ExpBounded(LogErfc(a));
        return V.Select(a < V.Broadcast(0.9), ErfNearZero(a), far) | (x & V.Broadcast(-0.0));
    }

    /// <summary>erf(a) for a in [0, 0.9]: a + a p(a²).</summary>
    [MethodImpl(Inline)]
    private static V ErfNearZero<V>(V a) where V : struct, IVec<V>
    {
        V t = a * a;
        V p = V.Broadcast(8.51310542e-05f);
        p = Fma(p, t, -0.000817563967f);
        p = Fma(p, t, 0.00520385941f);
        p = Fma(p, t, -0.0268605091f);
        p = Fma(p, t, 0.112837151f);
        p = Fma(p, t, -0.376126349f);
        p = Fma(p, t, 0.128379167095512574);
        return V.Fma(a, p, a);
    }

    /// <summary>log(1 − erf(a)) for a in [0.9, 4].</summary>
    [MethodImpl(Inline)]
    private static V LogErfc<V>(V a) where V : struct, IVec<V>
    {
        V g = V.Broadcast(-2.08285346e-05f);
        g = Fma(g, a, 0.000431392633f);
        g = Fma(g, a, -0.00415625051f);
        g = Fma(g, a, 0.0250806063f);
        g = Fma(g, a, -0.108220369f);
        g = Fma(g, a, -0.633400857f);
        g = Fma(g, a, -1.12948835f);
        return Fma(g, a, 0.000169203966f);
    }
}
