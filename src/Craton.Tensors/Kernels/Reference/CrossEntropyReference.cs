using System.Numerics;

namespace Craton.Tensors.Kernels;

internal partial class ReferenceKernels
{
    /// <summary>
    /// The loss of every row of scores [N, V], and its gradient times the call's share where one is given, which may be the scores
    /// themselves. Rows with the ignored target give 0 and a gradient of 0. Targets are I32, contiguous.
    /// </summary>
    public virtual void CrossEntropyRows(Tensor logits, Tensor targets, Tensor losses, in CrossEntropyCall call, Tensor? gradient)
    {
        if (logits.DType == DType.F64) CrossEntropyRows<double>(logits, targets, losses, call, gradient);
        else CrossEntropyRows<float>(logits, targets, losses, call, gradient);
    }

    private static void CrossEntropyRows<T>(Tensor logits, Tensor targets, Tensor losses, in CrossEntropyCall call, Tensor? gradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Elements<T> s = new(logits), loss = new(losses), slopes = gradient is null ? default : new(gradient);
        Elements<T> weights = call.Weights is null ? default : new(call.Weights);
        var target = new Elements<int>(targets);
        int classes = logits.Size(1);
        T smoothing = T.CreateChecked(call.Smoothing), z = T.CreateChecked(call.ZLoss), share = T.CreateChecked(call.Share);
        T each = smoothing / T.CreateChecked(classes), two = T.CreateChecked(2);
        for (int i = 0; i < logits.Size(0); i++)
        {
            int t = target[i];
            bool counts = t != call.IgnoreIndex;
            T max = T.NegativeInfinity, sum = T.Zero, smooth = T.Zero;
            for (int j = 0; j < classes; j++) max = T.Max(max, s[i, j]);
            for (int j = 0; j < classes; j++) sum += T.Exp(s[i, j] - max);
            T logSum = max + T.Log(sum);
            for (int j = 0; j < classes; j++) smooth += (call.Weights is null ? T.One : weights[j]) * (logSum - s[i, j]);
            T main = counts ? (call.Weights is null ? T.One : weights[t]) * (T.One - smoothing) : T.Zero;
            loss[i] = counts ? main * (logSum - s[i, t]) + (call.Smoothing > 0 ? each * smooth : T.Zero) + z * logSum * logSum : T.Zero;
            T all = main + each * T.CreateChecked(call.WeightSum) + two * z * logSum;
            for (int j = 0; j < classes && gradient is not null; j++)
            {
                T slope = T.Exp(s[i, j] - logSum) * all - each * (call.Weights is null ? T.One : weights[j]) - (j == t ? main : T.Zero);
                slopes[i, j] = counts ? slope * share : T.Zero;
            }
        }
    }
}
