namespace Craton.Tensors.Kernels;

internal partial class ReferenceKernels
{
    /// <summary>Attention of each text to its own keys and values; the call says what all have in common.</summary>
    public virtual void PagedAttention(in AttentionCall call, PagedText[] texts, Tensor y)
    {
        foreach (PagedText text in texts)
        {
            Tensor q = Ops.Slice(call.Q, 2, text.First, text.First + text.Count);
            var own = new AttentionCall(
                q, Ops.Gather(call.K, text), Ops.Gather(call.V, text), call.Scale, call.SoftCap, Causal: true, text.Past, call.Window, WindowAfter: -1, null, call.Slopes, null, null);
            Attention(own, Ops.Slice(y, 2, text.First, text.First + text.Count), logSums: null);
        }
    }
}
