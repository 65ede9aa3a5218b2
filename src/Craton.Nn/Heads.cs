using Craton.Tensors;

namespace Craton.Nn;

/// <summary>Vectors as the heads of attention have them.</summary>
internal static class Heads
{
    /// <summary>[B, T, H·D] as [B, H, T, D].</summary>
    public static Tensor Split(Tensor x, int heads) => x.View(x.Size(0), x.Size(1), heads, x.Size(2) / heads).Permute(0, 2, 1, 3);

    /// <summary>[B, H, T, D] as [B, T, H·D]. The result of attention lies in memory so: this is a view.</summary>
    public static Tensor Join(Tensor y) => y.Permute(0, 2, 1, 3).View(y.Size(0), y.Size(2), y.Size(1) * y.Size(3));

    /// <summary>The weights of an attention, [B, H, Tq, Tk]: values of which the weighted sum is the weights themselves.</summary>
    public static Tensor Weights(Tensor q, Tensor k, in AttentionOptions options)
    {
        int size = k.Size(2);
        Tensor identity = Tensor.Zeros(DType.F32, 1, 1, size, size);
        for (int i = 0; i < size; i++) identity.AsSpan<float>()[i * size + i] = 1;
        return Ops.Attention(q, k, Ops.Expand(identity, k.Size(0), k.Size(1), size, size), options).Contiguous();
    }
}
