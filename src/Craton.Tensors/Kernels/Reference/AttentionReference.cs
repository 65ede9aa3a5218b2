using System.Numerics;

namespace Craton.Tensors.Kernels;

internal partial class ReferenceKernels
{
    /// <summary>y = softmax(q·kᵀ·scale + bias) · v over the keys each query may see; logSums, if wanted, gets max + ln Σ of every query.</summary>
    public virtual void Attention(in AttentionCall call, Tensor y, Tensor? logSums)
    {
        if (y.DType == DType.F64) Attention<double>(call, y, logSums);
        else Attention<float>(call, y, logSums);
    }

    /// <summary>Adds to dq, dk and dv what follows from dy.</summary>
    public virtual void AttentionBackward(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
    {
        if (y.DType == DType.F64) AttentionBackward<double>(call, y, logSums, dy, dq, dk, dv);
        else AttentionBackward<float>(call, y, logSums, dy, dq, dk, dv);
    }

    private static void Attention<T>(in AttentionCall call, Tensor y, Tensor? logSums) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Elements<T> ys = new(y), vs = new(call.V), sums = logSums is null ? default : new Elements<T>(logSums);
        T[] scores = new T[call.Keys], slopes = new T[call.Keys];
        for (int b = 0; b < call.Batch; b++)
            for (int h = 0; h < call.Heads; h++)
                for (int i = 0; i < call.Queries; i++)
                {
                    (int first, int end) = Scores(call, b, h, i, scores, slopes);
                    T max = T.NegativeInfinity, sum = T.Zero;
                    for (int j = first; j < end; j++) max = T.Max(max, scores[j]);
                    for (int j = first; j < end; j++) sum += scores[j] = T.IsNegativeInfinity(max) ? T.Zero : T.Exp(scores[j] - max);
                    for (int e = 0; e < call.V.Size(3); e++)
                    {
                        T value = T.Zero;
                        for (int j = first; j < end; j++) value += scores[j] * vs[b, h / call.Group, j, e];
                        ys[b, h, i, e] = sum == T.Zero ? T.Zero : value / sum;
                    }
                    // +∞ makes every weight of a query that sees nothing 0 in the backward pass.
                    if (logSums is not null) sums[b, h, i] = sum == T.Zero ? T.PositiveInfinity : max + T.Log(sum);
                }
    }

    // Scores of one query, and the derivative of each with respect to q·k.
    private static (int First, int End) Scores<T>(in AttentionCall call, int b, int h, int i, T[] scores, T[] slopes)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Elements<T> qs = new(call.Q), ks = new(call.K);
        T scale = T.CreateChecked(call.Scale), cap = T.CreateChecked(call.SoftCap);
        (int first, int end) = call.Range(b, i);
        for (int j = first; j < end; j++)
        {
            T dot = T.Zero;
            for (int d = 0; d < call.Q.Size(3); d++) dot += qs[b, h, i, d] * ks[b, h / call.Group, j, d];
            scores[j] = dot * scale;
            slopes[j] = scale;
            if (call.SoftCap > 0)
            {
                T bent = T.Tanh(scores[j] / cap);
                scores[j] = cap * bent;
                slopes[j] *= T.One - bent * bent;
            }
            if (call.Bias is { } bias) scores[j] += Biased<T>(bias, call, b, h, i, j);
        }
        return (first, end);
    }

    private static unsafe T Biased<T>(Tensor bias, in AttentionCall call, int b, int h, int i, int j) where T : unmanaged
    {
        Layout layout = bias.Layout.Expand([call.Batch, call.Heads, call.Queries, call.Keys]);
        return ((T*)bias.Storage.Pointer)[layout.Offset + b * layout.Stride(0) + h * layout.Stride(1) + i * layout.Stride(2) + j * layout.Stride(3)];
    }

    private static void AttentionBackward<T>(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Elements<T> qs = new(call.Q), ks = new(call.K), vs = new(call.V), ys = new(y), dys = new(dy), dqs = new(dq), dks = new(dk), dvs = new(dv), sums = new(logSums);
        T[] scores = new T[call.Keys], slopes = new T[call.Keys];
        int width = call.Q.Size(3), values = call.V.Size(3);
        for (int b = 0; b < call.Batch; b++)
            for (int h = 0; h < call.Heads; h++)
                for (int i = 0; i < call.Queries; i++)
                {
                    int g = h / call.Group;
                    (int first, int end) = Scores(call, b, h, i, scores, slopes);
                    T delta = T.Zero;
                    for (int e = 0; e < values; e++) delta += dys[b, h, i, e] * ys[b, h, i, e];
                    for (int j = first; j < end; j++)
                    {
                        T weight = T.Exp(scores[j] - sums[b, h, i]), dWeight = T.Zero;
                        for (int e = 0; e < values; e++)
                        {
                            dvs[b, g, j, e] += weight * dys[b, h, i, e];
                            dWeight += dys[b, h, i, e] * vs[b, g, j, e];
                        }
                        T dDot = weight * (dWeight - delta) * slopes[j];
                        for (int d = 0; d < width; d++)
                        {
                            dqs[b, h, i, d] += dDot * ks[b, g, j, d];
                            dks[b, g, j, d] += dDot * qs[b, h, i, d];
                        }
                    }
                }
    }
}
