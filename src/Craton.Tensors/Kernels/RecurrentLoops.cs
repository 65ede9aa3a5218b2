using System.Runtime.CompilerServices;
using Craton.Tensors.Kernels.Simd;

namespace Craton.Tensors.Kernels;

// One step of a row of a recurrent cell. The n elements of each gate lie one gate after the other.

/// <summary>h = tanh(x + product), or max(0, ·).</summary>
internal readonly unsafe struct PlainStep(void* x, void* product, void* h, bool isRelu) : IElementLoop
{
    private readonly void* _x = x, _product = product, _h = h;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V sum = V.Load(_x, i) + V.Load(_product, i);
        V.Store(_h, i, isRelu ? V.Max(sum, V.Broadcast(0)) : VMath.Tanh(sum));
    }
}

/// <summary>d: gradient of h in, 0 out; dproduct: that of x + product.</summary>
internal readonly unsafe struct PlainGradient(void* h, void* d, void* dproduct, bool isRelu) : IElementLoop
{
    private readonly void* _h = h, _d = d, _dproduct = dproduct;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V h = V.Load(_h, i), dh = V.Load(_d, i);
        V.Store(_dproduct, i, isRelu ? V.Select(h > V.Broadcast(0), dh, V.Broadcast(0)) : dh * V.Fma(-h, h, V.Broadcast(1)));
        V.Store(_d, i, V.Broadcast(0));
    }
}

/// <summary>
/// Input, forget, cell and output gate: c' = σ(f) · c + σ(i) · tanh(g), h' = σ(o) · tanh(c'). States are h, then c. S. Hochreiter,
/// J. Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of F. Gers et al., 2000.
/// </summary>
internal readonly unsafe struct LstmStep(void* x, void* product, void* before, void* after, void* saved, int n) : IElementLoop
{
    private readonly void* _x = x, _product = product, _before = before, _after = after, _saved = saved;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V input = VMath.Sigmoid(Sum<V>(i)), forget = VMath.Sigmoid(Sum<V>(n + i)), cell = VMath.Tanh(Sum<V>(2L * n + i)), output = VMath.Sigmoid(Sum<V>(3L * n + i));
        V.Store(_saved, i, input);
        V.Store(_saved, n + i, forget);
        V.Store(_saved, 2L * n + i, cell);
        V.Store(_saved, 3L * n + i, output);
        V c = V.Fma(forget, V.Load(_before, n + i), input * cell);
        V.Store(_after, n + i, c);
        V.Store(_after, i, output * VMath.Tanh(c));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private V Sum<V>(long i) where V : struct, IVec<V> => V.Load(_x, i) + V.Load(_product, i);
}

/// <summary>d: gradients of h' and c' in, 0 and that of c out (the share of h through the product is added elsewhere).</summary>
internal readonly unsafe struct LstmGradient(void* before, void* after, void* saved, void* d, void* dgates, int n) : IElementLoop
{
    private readonly void* _before = before, _after = after, _saved = saved, _d = d, _dgates = dgates;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V one = V.Broadcast(1), input = V.Load(_saved, i), forget = V.Load(_saved, n + i), cell = V.Load(_saved, 2L * n + i), output = V.Load(_saved, 3L * n + i);
        V t = VMath.Tanh(V.Load(_after, n + i)), dh = V.Load(_d, i), dc = V.Fma(dh * output, V.Fma(-t, t, one), V.Load(_d, n + i));
        V.Store(_dgates, i, dc * cell * input * (one - input));
        V.Store(_dgates, n + i, dc * V.Load(_before, n + i) * forget * (one - forget));
        V.Store(_dgates, 2L * n + i, dc * input * V.Fma(-cell, cell, one));
        V.Store(_dgates, 3L * n + i, dh * t * output * (one - output));
        V.Store(_d, i, V.Broadcast(0));
        V.Store(_d, n + i, dc * forget);
    }
}

/// <summary>
/// Reset, update and new gate: r = σ(x + product), z = σ(x + product), m = tanh(x + r · product), h' = (1 − z) · m + z · h. K. Cho et al.,
/// "Learning Phrase Representations using RNN Encoder–Decoder", 2014, with the reset after the product. Saved: r, z, m and m's product.
/// </summary>
internal readonly unsafe struct GruStep(void* x, void* product, void* before, void* after, void* saved, int n) : IElementLoop
{
    private readonly void* _x = x, _product = product, _before = before, _after = after, _saved = saved;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V reset = VMath.Sigmoid(V.Load(_x, i) + V.Load(_product, i)), update = VMath.Sigmoid(V.Load(_x, n + i) + V.Load(_product, n + i));
        V product = V.Load(_product, 2L * n + i), fresh = VMath.Tanh(V.Fma(reset, product, V.Load(_x, 2L * n + i)));
        V.Store(_saved, i, reset);
        V.Store(_saved, n + i, update);
        V.Store(_saved, 2L * n + i, fresh);
        V.Store(_saved, 3L * n + i, product);
        V.Store(_after, i, V.Fma(update, V.Load(_before, i) - fresh, fresh));
    }
}

/// <summary>d: gradient of h' in, that of h out (the share through the product is added elsewhere).</summary>
internal readonly unsafe struct GruGradient(void* before, void* saved, void* d, void* dx, void* dproduct, int n) : IElementLoop
{
    private readonly void* _before = before, _saved = saved, _d = d, _dx = dx, _dproduct = dproduct;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long i) where V : struct, IVec<V>
    {
        V one = V.Broadcast(1), reset = V.Load(_saved, i), update = V.Load(_saved, n + i), fresh = V.Load(_saved, 2L * n + i), product = V.Load(_saved, 3L * n + i);
        V dh = V.Load(_d, i), dfresh = dh * (one - update) * V.Fma(-fresh, fresh, one);
        V dupdate = dh * (V.Load(_before, i) - fresh) * update * (one - update), dreset = dfresh * product * reset * (one - reset);
        V.Store(_dx, i, dreset);
        V.Store(_dx, n + i, dupdate);
        V.Store(_dx, 2L * n + i, dfresh);
        V.Store(_dproduct, i, dreset);
        V.Store(_dproduct, n + i, dupdate);
        V.Store(_dproduct, 2L * n + i, dfresh * reset);
        V.Store(_d, i, dh * update);
    }
}
