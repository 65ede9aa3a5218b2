using System.Numerics;

namespace Craton.Tensors.Kernels;

internal partial class ReferenceKernels
{
    /// <summary>y = softmax(q·kᵀ·scale + bias) · v over the keys each query may see; logSums, if wanted, gets max + ln Σ of every query.</summary>
    public virtual void Attention(in AttentionCall call, Tensor y, Tensor? logSums)
    {
        AttentionCall whole = call with { K = Ops.Cast(call.K, y.DType), V = Ops.Cast(call.V, y.DType) };
        if (y.DType == DType.F64) Attention<double>(whole, y, logSums);
        else Attention<float>(whole, y, logSums);
    }

    /// <summary>The gradients that follow from dy.</summary>
    public virtual void AttentionBackward(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, in AttentionGradients gradients)
    {
        if (y.DType == DType.F64) AttentionBackward<double>(call, y, logSums, dy, gradients);
        else AttentionBackward<float>(call, y, logSums, dy, gradients);
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
            if (call.Slopes is not null) scores[j] += new Elements<T>(call.Slopes)[h] * T.CreateChecked(j - i - call.Offset);
            if (call.Bias is { } bias) scores[j] += Biased<T>(bias, call, b, h, i, j);
            if (call.KeyPadding is not null && !new Elements<bool>(call.KeyPadding)[b, j]) scores[j] = T.NegativeInfinity;
        }
        return (first, end);
    }

    private static unsafe T Biased<T>(Tensor bias, in AttentionCall call, int b, int h, int i, int j) where T : unmanaged
    {
        Layout layout = bias.Layout.Expand([call.Batch, call.Heads, call.Queries, call.Keys]);
        return ((T*)bias.Storage.Pointer)[layout.Offset + b * layout.Stride(0) + h * layout.Stride(1) + i * layout.Stride(2) + j * layout.Stride(3)];
    }

    private static void AttentionBackward<T>(in AttentionCall call, Tensor y, Tensor logSums, Tensor dy, in AttentionGradients gradients)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor dq = Sum(call.Q), dk = Sum(call.K), dv = Sum(call.V);
        for (int b = 0; b < call.Batch; b++)
            for (int h = 0; h < call.Heads; h++)
                for (int i = 0; i < call.Queries; i++)
                    AttentionBackward<T>(call, b, h, i, new Elements<T>(y), new Elements<T>(dy), new Elements<T>(logSums)[b, h, i], dq, dk, dv, gradients.Scores);
        gradients.Q?.Take(dq);
        gradients.K?.Take(dk);
        gradients.V?.Take(dv);
        dq.Release();
        dk.Release();
        dv.Release();

        static Tensor Sum(Tensor input)
        {
            Tensor sum = Tensor.LeaseUnscoped(input.DType, new Layout(input.Shape));
            sum.Clear();
            return sum;
        }
    }

    // One query's share.
    private static void AttentionBackward<T>(
        in AttentionCall call, int b, int h, int i, in Elements<T> y, in Elements<T> dy, T logSum, Tensor dq, Tensor dk, Tensor dv, Tensor? dScores)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Elements<T> q = new(call.Q), k = new(call.K), v = new(call.V), dqs = new(dq), dks = new(dk), dvs = new(dv);
        T[] scores = new T[call.Keys], slopes = new T[call.Keys];
        int g = h / call.Group;
        (int first, int end) = Scores(call, b, h, i, scores, slopes);
        T delta = T.Zero;
        for (int e = 0; e < call.V.Size(3); e++) delta += dy[b, h, i, e] * y[b, h, i, e];
        for (int j = first; j < end; j++)
        {
            T weight = T.Exp(scores[j] - logSum), dWeight = T.Zero;
            for (int e = 0; e < call.V.Size(3); e++)
            {
                dvs[b, g, j, e] += weight * dy[b, h, i, e];
                dWeight += dy[b, h, i, e] * v[b, g, j, e];
            }
            T dScore = weight * (dWeight - delta), dDot = dScore * slopes[j];
            if (dScores is not null) new Elements<T>(dScores)[b, h, i, j] = dScore;
            for (int d = 0; d < call.Q.Size(3); d++)
            {
                dqs[b, h, i, d] += dDot * k[b, g, j, d];
                dks[b, g, j, d] += dDot * q[b, h, i, d];
            }
        }
    }
}
