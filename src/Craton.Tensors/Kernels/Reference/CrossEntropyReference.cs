using System.Numerics;

namespace Craton.Tensors.Kernels;

internal partial class ReferenceKernels
{
    /// <summary>
    /// The loss of every row of scores [N, V]; with <paramref name="gradient"/> the scores become the gradient of share · loss. Rows with
    /// the ignored target give 0 and a gradient of 0.
    /// </summary>
    public virtual void CrossEntropyRows(Tensor logits, Tensor targets, Tensor losses, CrossEntropyOptions options, double share, bool gradient)
    {
        if (logits.DType == DType.F64) CrossEntropyRows<double>(logits, targets, losses, options, share, gradient);
        else CrossEntropyRows<float>(logits, targets, losses, options, share, gradient);
    }

    private static void CrossEntropyRows<T>(Tensor logits, Tensor targets, Tensor losses, CrossEntropyOptions options, double share, bool gradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Elements<T> s = new(logits), loss = new(losses);
        var target = new Elements<int>(targets);
        T smoothing = T.CreateChecked(options.LabelSmoothing), z = T.CreateChecked(options.ZLoss), weight = T.CreateChecked(share);
        int classes = logits.Size(1);
        for (int i = 0; i < logits.Size(0); i++)
        {
            bool counts = target[i] != options.IgnoreIndex;
            T max = T.NegativeInfinity, sum = T.Zero, mean = T.Zero;
            for (int j = 0; j < classes; j++) max = T.Max(max, s[i, j]);
            for (int j = 0; j < classes; j++) sum += T.Exp(s[i, j] - max);
            for (int j = 0; j < classes; j++) mean += s[i, j] / T.CreateChecked(classes);
            T logSum = max + T.Log(sum);
            loss[i] = counts ? (T.One - smoothing) * (logSum - s[i, target[i]]) + smoothing * (logSum - mean) + z * logSum * logSum : T.Zero;
            if (!gradient) continue;
            for (int j = 0; j < classes; j++)
            {
                T slope = T.Exp(s[i, j] - logSum) * (T.One + z * logSum * T.CreateChecked(2)) - smoothing / T.CreateChecked(classes);
                if (counts && j == target[i]) slope -= T.One - smoothing;
                s[i, j] = counts ? slope * weight : T.Zero;
            }
        }
    }
}
